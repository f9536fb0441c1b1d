import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { part10File } from '../../router/dimse/part10-file.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { freePort } from '../bench/receivers.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const run = promisify(execFile);
let router: TestRouter;
let folder: string;
let taker: ReturnType<typeof spawn>;
let uncompressed: ReturnType<typeof spawn>;

/** What movescu says in the end. */
async function move(args: string[], to = 'READING1', ae = 'READING1') {
  const { stdout, stderr } = await run(
    'movescu',
    ['-v', '-aet', ae, '-aec', router.aeTitle, '-aem', to, '127.0.0.1', String(router.dicomPort), ...args],
    { maxBuffer: 64 * 1024 * 1024 },
  ).catch((error) => error as { stdout: string; stderr: string });
  return stdout + stderr;
}

interface Got {
  sopInstanceUID: string;
  transferSyntaxUID: string;
  dataSetSha256: string;
}

function taken(name: string): Got[] {
  return readdirSync(join(folder, name)).map((file) => {
    const bytes = readFileSync(join(folder, name, file));
    const header = parseFileHeader(bytes, true)!;
    return {
      sopInstanceUID: file.replace(/^[A-Z]+\w*\./, ''),
      transferSyntaxUID: header.transferSyntaxUID!,
      dataSetSha256: createHash('sha256').update(bytes.subarray(header.dataSetOffset)).digest('hex'),
    };
  });
}

async function startTaker(name: string, args: string[]): Promise<[ReturnType<typeof spawn>, number]> {
  mkdirSync(join(folder, name));
  const port = await freePort();
  const child = spawn('storescp', [...args, '+B', '-od', join(folder, name), String(port)], { stdio: 'ignore' });
  for (const deadline = Date.now() + 20_000; ; ) {
    const status = await run('echoscu', ['127.0.0.1', String(port)]).then(
      () => 0,
      () => 1,
    );
    if (status === 0) break;
    if (Date.now() > deadline) throw new Error('storescp does not start');
  }
  return [child, port];
}

async function studies(): Promise<
  { uid: string; entries: Awaited<ReturnType<TestRouter['router']['context']['archive']['entries']>> }[]
> {
  const { archive } = router.router.context;
  const uids = await archive.catalogue.studyUIDs();
  return Promise.all(uids.map(async (uid) => ({ uid, entries: await archive.entries(uid) })));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-move-'));
  const [anything, port] = await startTaker('anything', ['+xa']);
  const [plain, plainPort] = await startTaker('plain', ['+x=']);
  taker = anything;
  uncompressed = plain;
  router = await startRouter({
    env: {
      LIFEBOAT_WORKSTATIONS: `READING1@127.0.0.1:${port},OLDVIEWER@127.0.0.1:${plainPort},GONE@127.0.0.1:${await freePort()}`,
    },
  });
  const all = [];
  for (const { path, malformed } of realFiles()) {
    const instance = malformed ? undefined : await part10File(path).catch(() => undefined);
    if (!instance || instance.size > 2_000_000 || instance.size % 2 === 1) continue;
    if (/\.1\.1\.(2|4|7|6\.1)$/.test(instance.sopClassUID)) all.push(instance);
  }
  const compressed = all.filter(({ transferSyntaxUID }) => /4\.(70|90)$|1\.2\.5$/.test(transferSyntaxUID));
  const instances = [...compressed.slice(0, 10), ...all.slice(0, 60)];
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
  taker?.kill();
  uncompressed?.kill();
  await router?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('C-MOVE in place of the PACS, asked by movescu', () => {
  it('sends a study as it is kept, bit for bit', async () => {
    const supported = (await studies()).find(({ entries }) =>
      entries.every((entry) => entry.sopClassUID.endsWith('1.1.2') || entry.sopClassUID.endsWith('1.1.4')),
    )!;
    const output = await move(['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${supported.uid}`]);
    expect(output).toContain('Success');
    const sent = taken('anything');
    expect(sent.map(({ dataSetSha256 }) => dataSetSha256).sort()).toEqual(
      supported.entries.map(({ dataSetSha256 }) => dataSetSha256).sort(),
    );
    const { rows } = router.router.control.auditRows({ action: 'export', limit: 50, offset: 0 });
    expect(rows.some((row) => row.object === supported.uid && row.user === 'READING1')).toBe(true);
  });

  it('sends one series or one image of a study', async () => {
    // Of several contents under one UID the newest is sent.
    const all = (await studies()).flatMap(({ uid, entries }) => entries.map((entry) => ({ uid, entry })));
    const { uid, entry: one } = all
      .filter(({ entry }) => entry.sopClassUID.endsWith('1.1.4'))
      .sort(({ entry: a }, { entry: b }) => (`${a.receivedAt} ${a.key}` < `${b.receivedAt} ${b.key}` ? 1 : -1))[0]!;
    const keys = [
      '-k',
      `StudyInstanceUID=${uid}`,
      '-k',
      `SeriesInstanceUID=${one.seriesInstanceUID}`,
      '-k',
      `SOPInstanceUID=${one.sopInstanceUID}`,
    ];
    const output = await move(['-S', '-k', 'QueryRetrieveLevel=IMAGE', ...keys]);
    expect(output).toContain('Success');
    expect(taken('anything').map(({ dataSetSha256 }) => dataSetSha256)).toContain(one.dataSetSha256);
  });

  it('uncompresses without loss for a workstation that takes nothing else', async () => {
    const compressed = (await studies())
      .flatMap(({ entries }) => entries)
      .find(
        ({ transferSyntaxUID, sopClassUID }) =>
          /4\.(70|90)$|1\.2\.5$/.test(transferSyntaxUID) && /1\.1\.(2|4|7)$/.test(sopClassUID),
      )!;
    expect(compressed).toBeDefined();
    const keys = [
      '-k',
      `StudyInstanceUID=${compressed.studyInstanceUID}`,
      '-k',
      `SeriesInstanceUID=${compressed.seriesInstanceUID}`,
      '-k',
      `SOPInstanceUID=${compressed.sopInstanceUID}`,
    ];
    const output = await move(['-S', '-k', 'QueryRetrieveLevel=IMAGE', ...keys], 'OLDVIEWER');
    expect(output).toContain('Success');
    const [got] = taken('plain');
    expect(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1']).toContain(got!.transferSyntaxUID);
  });

  it('says that a destination is unknown, refuses strangers, and does not hang on one that is gone', async () => {
    const { uid } = (await studies())[0]!;
    const keys = ['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${uid}`];
    expect(await move(keys, 'NOBODY')).toMatch(/MoveDestinationUnknown|a801/i);
    expect(await move(keys, 'READING1', 'STRANGER')).toMatch(/0x0?124/);
    expect(await move(keys, 'GONE')).toMatch(/a702|SubOperations|suboperations/i);
    const peers = router.router.control.refusals(50).map((row) => row.peer);
    expect(peers).toContain('STRANGER@127.0.0.1');
    expect(peers).toContain('READING1@127.0.0.1');
  });

  it('answers an identifier that names nothing with a failure', async () => {
    expect(await move(['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', 'PatientName=*'])).toMatch(/a900|DoesNotMatch/i);
  });
});
