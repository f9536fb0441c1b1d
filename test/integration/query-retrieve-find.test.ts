import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readShortDataSet } from '../../router/dimse/data-set-json.ts';
import { part10File } from '../../router/dimse/part10-file.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { textOf } from '../../router/query-retrieve/identifier.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const run = promisify(execFile);
let router: TestRouter;
let folder: string;
let found = 0;

/** findscu's answers, each as read from the file it writes. */
async function find(args: string[], ae = 'READING1') {
  const out = join(folder, `out-${found++}`);
  await run('mkdir', [out]);
  const { stdout, stderr } = await run(
    'findscu',
    ['-v', '-X', '-od', out, '-aet', ae, '-aec', router.aeTitle, '127.0.0.1', String(router.dicomPort), ...args],
    { maxBuffer: 64 * 1024 * 1024 },
  ).catch((error) => error as { stdout: string; stderr: string });
  const rows = readdirSync(out)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(out, name));
      const header = parseFileHeader(bytes, true)!;
      return readShortDataSet(bytes.subarray(header.dataSetOffset), header.transferSyntaxUID!);
    });
  return { rows, output: stdout + stderr };
}

async function qido(path: string): Promise<Record<string, { Value?: unknown[] }>[]> {
  const answer = await fetch(`${router.url}/dicom-web/${path}`, {
    headers: { Authorization: router.basic, Accept: 'application/dicom+json' },
  });
  return (await answer.json()) as Record<string, { Value?: unknown[] }>[];
}

const column = (rows: Record<string, { Value?: unknown[] }>[], tag: string) =>
  rows.map((row) => String(row[tag]?.Value?.[0] ?? '')).sort();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-find-'));
  router = await startRouter({
    env: { LIFEBOAT_WORKSTATIONS: 'READING1@127.0.0.1:11113,ELSEWHERE@192.0.2.7:104' },
  });
  const instances = [];
  for (const { path, malformed } of realFiles()) {
    if (malformed || instances.length >= 150) continue;
    const instance = await part10File(path).catch(() => undefined);
    if (instance && instance.size < 2_000_000 && instance.sopClassUID !== '1.2.840.10008.1.3.10')
      instances.push(instance);
  }
  await sendInstances({
    host: '127.0.0.1',
    port: router.dicomPort,
    calledAE: router.aeTitle,
    callingAE: 'SCANNER',
    instances,
  });
  await router.router.context.archive.flush();
}, 120_000);
afterAll(async () => {
  await router.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('C-FIND in place of the PACS, asked by findscu', () => {
  it('finds every study that QIDO-RS finds, with the same names in any script', async () => {
    const all = await qido('studies?limit=10000');
    expect(all.length).toBeGreaterThan(3);
    const keys = [
      '-S',
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      'StudyInstanceUID',
      '-k',
      'PatientName',
      '-k',
      'ModalitiesInStudy',
    ];
    const { rows, output } = await find(keys);
    expect(output).toContain('Success');
    expect(column(rows, '0020000D')).toEqual(column(all, '0020000D'));
    const nameOf = (list: typeof all) =>
      Object.fromEntries(list.map((row) => [row['0020000D']!.Value![0], JSON.stringify(row['00100010']?.Value ?? [])]));
    expect(nameOf(rows)).toEqual(nameOf(all));
    expect(rows.every((row) => textOf(row['00080054']) === router.aeTitle)).toBe(true);
    expect(rows.every((row) => textOf(row['00080056']) === 'ONLINE')).toBe(true);
  });

  it.each([
    ['PatientName', '*a*'],
    ['PatientName', 'comp*'],
    ['PatientID', '?*'],
    ['StudyDate', '19900101-20051231'],
    ['StudyDate', '-20000101'],
    ['ModalitiesInStudy', 'CT'],
    ['AccessionNumber', '*1*'],
    ['PatientSex', 'M'],
  ])('matches %s=%s as QIDO-RS does', async (name, value) => {
    const wanted = await qido(`studies?limit=10000&${name}=${encodeURIComponent(value)}`);
    const { rows } = await find([
      '-S',
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      'StudyInstanceUID',
      '-k',
      `${name}=${value}`,
    ]);
    expect(column(rows, '0020000D')).toEqual(column(wanted, '0020000D'));
  });

  it('answers series and images below a study, and a list of UIDs', async () => {
    const studies = column(await qido('studies?limit=10000'), '0020000D').slice(0, 3);
    const { rows } = await find([
      '-S',
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      `StudyInstanceUID=${studies.join('\\')}`,
    ]);
    expect(column(rows, '0020000D')).toEqual(studies);
    const uid = studies[0]!;
    for (const [level, path, tag, name] of [
      ['SERIES', 'series', '0020000E', 'SeriesInstanceUID'],
      ['IMAGE', 'instances', '00080018', 'SOPInstanceUID'],
    ] as const) {
      const got = await find(['-S', '-k', `QueryRetrieveLevel=${level}`, '-k', `StudyInstanceUID=${uid}`, '-k', name]);
      expect(column(got.rows, tag)).toEqual(column(await qido(`studies/${uid}/${path}`), tag));
    }
  });

  it('answers each patient once, with the number of studies', async () => {
    const all = await qido('studies?limit=10000');
    const counts = new Map<string, number>();
    for (const row of all) {
      const id = String(row['00100020']?.Value?.[0] ?? '');
      if (id !== '') counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const { rows } = await find(['-P', '-k', 'QueryRetrieveLevel=PATIENT', '-k', 'PatientID=?*', '-k', '0020,1200']);
    expect(rows.length).toBe(counts.size);
    for (const row of rows) expect(Number(textOf(row['00201200']))).toBe(counts.get(textOf(row['00100020'])));
  });

  it('refuses whoever is no workstation, or calls from elsewhere, and IT sees it', async () => {
    for (const ae of ['STRANGER', 'ELSEWHERE']) {
      const { rows, output } = await find(['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', 'PatientName'], ae);
      expect(rows).toEqual([]);
      expect(output).toMatch(/0x0?124/);
      expect(router.router.control.refusals(50).some((row) => row.peer === `${ae}@127.0.0.1`)).toBe(true);
    }
    const { rows } = router.router.control.auditRows({ action: 'query', limit: 100, offset: 0 });
    expect(rows.some((row) => row.user === 'STRANGER' && row.outcome === 'refused')).toBe(true);
    expect(rows.some((row) => row.user === 'READING1' && row.outcome === 'ok')).toBe(true);
  });

  it('says what is wrong with an identifier, and goes on serving', async () => {
    const bomb = await find(['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', `PatientName=${'*a'.repeat(30)}`]);
    expect(bomb.rows).toEqual([]);
    expect(bomb.output).toMatch(/a900|IdentifierDoesNotMatch|DataSetDoesNotMatch/i);
    const none = await find(['-S', '-k', 'QueryRetrieveLevel=NONSENSE', '-k', 'PatientName']);
    expect(none.output).toMatch(/a900|IdentifierDoesNotMatch|DataSetDoesNotMatch/i);
    const good = await find(['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID']);
    expect(good.rows.length).toBeGreaterThan(0);
  });
});
