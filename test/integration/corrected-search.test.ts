import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCorrections } from '../../router/corrections/read-corrections.ts';
import { readShortDataSet } from '../../router/dimse/data-set-json.ts';
import { exportStudy } from '../../router/export/export-study.ts';
import { textOf } from '../../router/query-retrieve/identifier.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage } from '../support/small-image.ts';

const run = promisify(execFile);
const EMERGENCY = '1.2.826.0.9.91.1';
const EARLIER = '1.2.826.0.9.91.2';
const OTHER = '1.2.826.0.9.91.3';
const image = (study: string, n: number, patientName: string, patientID: string) =>
  smallImage({ study, series: `${study}.1`, sop: `${study}.1.${n}`, instanceNumber: n, patientName, patientID });
let router: TestRouter;
let folder: string;
let asked = 0;

const written = (dir: string): DicomJson[] =>
  readdirSync(dir)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(dir, name));
      const header = parseFileHeader(bytes, true)!;
      return readShortDataSet(bytes.subarray(header.dataSetOffset), header.transferSyntaxUID!);
    });

/** DCMTK's findscu or getscu, as the workstation on the ward; what it was given. */
async function ask(program: 'findscu' | 'getscu', model: '-P' | '-S', keys: string[]): Promise<DicomJson[]> {
  const out = join(folder, `out-${asked++}`);
  mkdirSync(out);
  await run(program, [
    ...(program === 'findscu' ? ['-X'] : []),
    ...['-od', out, model, '-aet', 'WARD3', '-aec', router.aeTitle],
    ...['127.0.0.1', String(router.dicomPort), ...keys.flatMap((key) => ['-k', key])],
  ]);
  return written(out);
}
const studiesBy = async (key: string) =>
  (await ask('findscu', '-S', ['QueryRetrieveLevel=STUDY', 'StudyInstanceUID', 'PatientName', 'PatientID', key])).map(
    (row) => [textOf(row['0020000D']), textOf(row['00100020']), textOf(row['00100010'])],
  );

async function web<T = DicomJson[]>(path: string): Promise<T> {
  const answer = await fetch(`${router.url}/dicom-web/${path}`, {
    headers: { Authorization: router.basic, Accept: 'application/dicom+json' },
  });
  expect(answer.status).toBeLessThan(300);
  return (answer.status === 204 ? [] : await answer.json()) as T;
}
const qido = async (query: string) =>
  (await web(`studies?${query}`)).map((row) => [
    textOf(row['0020000D']),
    textOf(row['00100020']),
    textOf(row['00100010']),
  ]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-corrected-'));
  router = await startRouter({ env: { LIFEBOAT_WORKSTATIONS: 'WARD3@127.0.0.1:11199' } });
  await keepFiles(router.router.context.archive, [
    image(EMERGENCY, 1, 'Unknown^Emergency', 'E-1'),
    image(EMERGENCY, 2, 'Unknown^Emergency', 'E-1'),
    image(EARLIER, 1, 'Müller^Anna', '4711'),
    image(OTHER, 1, 'Smith^John', 'S-1'),
  ]);
  const admin = await router.login();
  const correction = {
    studyInstanceUID: EMERGENCY,
    patientName: 'Müller^Anna',
    patientID: '4711',
    why: 'identified by her husband',
  };
  expect((await admin.send('POST', '/api/corrections', correction)).status).toBe(200);
}, 60_000);
afterAll(async () => {
  await router?.close();
  rmSync(folder, { recursive: true, force: true });
});

const right = [EMERGENCY, '4711', 'Müller^Anna'];
const hers = [right, [EARLIER, '4711', 'Müller^Anna']].sort();

describe('a doctor on the ward who looks for a corrected patient', () => {
  it('finds all her studies by the right number and name over C-FIND, and by what was on the images too', async () => {
    expect((await studiesBy('PatientID=4711')).sort()).toEqual(hers);
    expect((await studiesBy('PatientName=müll*')).sort()).toEqual(hers);
    expect(await studiesBy('PatientID=E-1')).toEqual([right]);
    expect(await studiesBy('PatientName=Unknown*')).toEqual([right]);
    expect(await studiesBy('PatientID=S-1')).toEqual([[OTHER, 'S-1', 'Smith^John']]);
    expect((await studiesBy('PatientName=*')).length).toBe(3);
  });

  it('sees one patient with two studies, and no emergency any more', async () => {
    const patients = await ask('findscu', '-P', [
      'QueryRetrieveLevel=PATIENT',
      'PatientID=?*',
      'PatientName',
      '0020,1200',
    ]);
    const rows = patients.map((row) => [textOf(row['00100020']), Number(textOf(row['00201200']))]).sort();
    expect(rows).toEqual([
      ['4711', 2],
      ['S-1', 1],
    ]);
  });

  it('gets beside it what the images were received as, where that is asked for', async () => {
    const [row] = await ask('findscu', '-S', [
      'QueryRetrieveLevel=STUDY',
      'PatientID=4711',
      `StudyInstanceUID=${EMERGENCY}`,
      'OtherPatientIDsSequence',
      'OriginalAttributesSequence',
    ]);
    expect(textOf((row!['00101002']!.Value![0] as DicomJson)['00100020'])).toBe('E-1');
    const [item] = row!['04000561']!.Value as DicomJson[];
    expect(textOf((item!['04000550']!.Value![0] as DicomJson)['00100010'])).toBe('Unknown^Emergency');
  });

  it('finds it over QIDO-RS at each level, page by page, and the metadata names the same patient', async () => {
    expect((await qido('PatientID=4711')).sort()).toEqual(hers);
    expect((await qido('PatientName=anna&fuzzymatching=true')).sort()).toEqual(hers);
    expect(await qido('PatientID=E-1')).toEqual([right]);
    expect(await qido('PatientID=4711&StudyDate=19990101-19991231')).toEqual([]);
    const pages = await Promise.all([0, 1, 2].map((offset) => qido(`PatientID=4711&limit=1&offset=${offset}`)));
    expect(pages.map(({ length }) => length)).toEqual([1, 1, 0]);
    expect(pages.flat().sort()).toEqual(hers);
    const instances = await web('instances?PatientID=4711&includefield=PatientName');
    expect(instances.map((row) => textOf(row['00100010']))).toEqual(Array(3).fill('Müller^Anna'));
    const metadata = await web(`studies/${EMERGENCY}/metadata`);
    expect(metadata.map((one) => [textOf(one['00100020']), textOf(one['00100010'])])).toEqual(
      Array(2).fill(['4711', 'Müller^Anna']),
    );
    expect(JSON.stringify(metadata[0]!['04000561'])).toContain('Unknown^Emergency');
  });

  it('gets the images themselves so, by the patient as a whole too', async () => {
    for (const [model, keys] of [
      ['-S', ['QueryRetrieveLevel=STUDY', `StudyInstanceUID=${EMERGENCY}`]],
      ['-P', ['QueryRetrieveLevel=PATIENT', 'PatientID=4711']],
    ] as const) {
      const got = await ask('getscu', model, [...keys]);
      expect(got.length).toBe(model === '-S' ? 2 : 3);
      for (const one of got) {
        expect([textOf(one['00100020']), textOf(one['00100010'])]).toEqual(['4711', 'Müller^Anna']);
        const emergency = textOf(one['0020000D']) === EMERGENCY;
        expect(JSON.stringify(one['04000561'] ?? '').includes('Unknown^Emergency')).toBe(emergency);
      }
    }
  });

  it('takes away files and a DICOMDIR with the right patient, with the checksums of what was written', async () => {
    const { archive } = router.router.context;
    const out = join(folder, 'disc');
    const result = await exportStudy(archive, EMERGENCY, out, { corrections: readCorrections(router.dataDir) });
    expect(result).toMatchObject({ written: 2, corrected: 2, missing: [], notCorrected: [] });
    await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: out });
    expect(readFileSync(join(out, 'CORRECTED.TXT'), 'utf8')).toContain('2 files carry the corrected patient');
    const { stdout } = await run('dcmdump', ['+U8', join(out, 'DICOMDIR')]);
    expect(stdout).toContain('Müller^Anna');
    expect(stdout).not.toContain('Unknown^Emergency');
    const one = readFileSync(join(out, 'DICOM/STU00001/SER00001/IMG00001'));
    const { transferSyntaxUID, dataSetOffset } = parseFileHeader(one, true)!;
    const { metadata } = describeObjectSync(inMemory(one), { transferSyntaxUID, dataSetOffset });
    expect(textOf(metadata['00100020'])).toBe('4711');

    const admin = await router.login();
    const zip = join(folder, 'study.zip');

    const answer = await admin.fetch(`/api/studies/${EMERGENCY}/zip`);
    writeFileSync(zip, Buffer.from(await answer.arrayBuffer()));
    await run('unzip', ['-q', zip, '-d', join(folder, 'unzipped')]);
    for (const name of ['DICOMDIR', 'CORRECTED.TXT', 'DICOM/STU00001/SER00001/IMG00002'])
      expect(readFileSync(join(folder, 'unzipped', name)).equals(readFileSync(join(out, name)))).toBe(true);

    const kept = join(folder, 'as-received');
    await exportStudy(archive, EMERGENCY, kept);
    const [entry] = await archive.entries(EMERGENCY);
    const stored = await archive.store.get(entry!.key);
    expect(readFileSync(join(kept, 'DICOM/STU00001/SER00001/IMG00001')).equals(stored)).toBe(true);
    expect(stored.includes('Unknown^Emergency')).toBe(true);
  });
});
