import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { part10File } from '../../router/dimse/part10-file.ts';
import { get } from '../../router/dimse/retrieve-scu.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { freePort } from '../bench/receivers.ts';
import { smallReceiver } from '../support/dimse.ts';
import { FaultPeer } from '../support/fault-peer.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const run = promisify(execFile);
const UNCOMPRESSED = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];
let router: TestRouter;
let folder: string;
let mover: FaultPeer;
let entries: InstanceEntry[];

/** What getscu says and gets. */
async function getscu(keys: Record<string, string>, options: string[] = [], ae = 'READING1') {
  const into = mkdtempSync(join(folder, 'got-'));
  const args = Object.entries(keys).flatMap(([name, value]) => ['-k', `${name}=${value}`]);
  const port = String(router.dicomPort);
  const { stdout, stderr } = await run(
    'getscu',
    ['-v', ...options, '-S', '-aet', ae, '-aec', router.aeTitle, '-od', into, '127.0.0.1', port, ...args],
    { maxBuffer: 64 * 1024 * 1024 },
  ).catch((error) => error as { stdout: string; stderr: string });
  const got = readdirSync(into).map((file) => {
    const bytes = readFileSync(join(into, file));
    const header = parseFileHeader(bytes, true)!;
    return {
      path: join(into, file),
      transferSyntaxUID: header.transferSyntaxUID!,
      sha256: createHash('sha256').update(bytes.subarray(header.dataSetOffset)).digest('hex'),
    };
  });
  return { output: stdout + stderr, got };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-get-'));
  mover = await FaultPeer.start();
  router = await startRouter({
    env: { LIFEBOAT_WORKSTATIONS: `READING1@127.0.0.1:${await freePort()},MOVER@127.0.0.1:${mover.port}` },
  });
  const all = [];
  for (const { path, malformed } of realFiles()) {
    const instance = malformed ? undefined : await part10File(path).catch(() => undefined);
    if (!instance || instance.size > 1_000_000 || instance.size % 2 === 1) continue;
    if (/\.1\.1\.(2|4|7)$/.test(instance.sopClassUID)) all.push(instance);
  }
  const compressed = all.filter(({ transferSyntaxUID }) => /4\.(70|90)$|1\.2\.5$/.test(transferSyntaxUID));
  const plain = all.filter(({ transferSyntaxUID }) => transferSyntaxUID === UNCOMPRESSED[1]);
  await sendInstances({
    host: '127.0.0.1',
    port: router.dicomPort,
    calledAE: router.aeTitle,
    callingAE: 'SCANNER',
    instances: [...compressed.slice(0, 5), ...plain.slice(0, 15)],
  });
  const { archive } = router.router.context;
  await archive.flush();
  entries = (await Promise.all((await archive.catalogue.studyUIDs()).map((uid) => archive.entries(uid)))).flat();
}, 120_000);
afterAll(async () => {
  await mover?.stop();
  await router?.close();
  rmSync(folder, { recursive: true, force: true });
});

const keysOf = (entry: InstanceEntry) => ({
  QueryRetrieveLevel: 'IMAGE',
  StudyInstanceUID: entry.studyInstanceUID,
  SeriesInstanceUID: entry.seriesInstanceUID,
  SOPInstanceUID: entry.sopInstanceUID,
});
const unique = (entry: InstanceEntry) =>
  entries.filter(({ sopInstanceUID }) => sopInstanceUID === entry.sopInstanceUID).length === 1;

describe('C-GET in place of the PACS, asked by getscu', () => {
  it('sends a study on the same association, bit for bit', async () => {
    const study = entries.find((entry) => entry.transferSyntaxUID === UNCOMPRESSED[1] && unique(entry))!;
    const wanted = entries.filter(({ studyInstanceUID }) => studyInstanceUID === study.studyInstanceUID);
    const { output, got } = await getscu({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: study.studyInstanceUID });
    expect(output).toMatch(/Success/);
    const plain = wanted.filter(({ transferSyntaxUID }) => transferSyntaxUID === UNCOMPRESSED[1]);
    expect(got.map(({ sha256 }) => sha256)).toEqual(expect.arrayContaining(plain.map((e) => e.dataSetSha256)));
    const { rows } = router.router.control.auditRows({ action: 'export', limit: 50, offset: 0 });
    expect(rows.some((row) => row.object === study.studyInstanceUID && row.detail.startsWith('C-GET'))).toBe(true);
  });

  it('uncompresses without loss what the requester does not take as it is kept', async () => {
    const compressed = entries.find((entry) => /4\.(70|90)$|1\.2\.5$/.test(entry.transferSyntaxUID) && unique(entry))!;
    const { output, got } = await getscu(keysOf(compressed));
    expect(output).toMatch(/Success/);
    expect(got).toHaveLength(1);
    expect(UNCOMPRESSED).toContain(got[0]!.transferSyntaxUID);
    const raw = join(folder, 'raw.dcm');
    const original = join(folder, 'original.dcm');
    writeFileSync(original, await router.router.context.archive.store.get(compressed.key));
    await run('gdcmconv', ['--raw', original, raw]);
    const pixels = async (path: string) =>
      (await run('gdcmraw', ['-i', path, '-o', `${path}.pixels`])) && readFileSync(`${path}.pixels`);
    expect(Buffer.compare(await pixels(got[0]!.path), await pixels(raw))).toBe(0);
  });

  it('refuses strangers and identifiers that name nothing', async () => {
    const [one] = entries;
    expect((await getscu(keysOf(one!), [], 'STRANGER')).output).toMatch(/0x?0?124|NotAuthori[sz]ed/i);
    expect((await getscu({ QueryRetrieveLevel: 'STUDY', PatientName: '*' })).output).toMatch(/a900|DoesNotMatch/i);
  });
});

describe('C-GET by our own SCU', () => {
  const peer = () => ({ host: '127.0.0.1', port: router.dicomPort, calledAE: router.aeTitle, callingAE: 'READING1' });

  it('takes images as they are kept, compressed ones too, and counts them', async () => {
    const receiver = smallReceiver();
    const wanted = entries.filter((entry) => /4\.(70|90)$|1\.2\.5$/.test(entry.transferSyntaxUID) && unique(entry));
    for (const entry of wanted) {
      const steps = [];
      const options = { sopClasses: [entry.sopClassUID], receiver };
      const keys = {
        '0020000D': entry.studyInstanceUID,
        '0020000E': entry.seriesInstanceUID,
        '00080018': entry.sopInstanceUID,
      };
      for await (const step of get(peer(), 'IMAGE', keys, options)) steps.push(step);
      expect(steps.at(-1)).toMatchObject({ status: 0, completed: 1, failed: 0 });
    }
    expect(receiver.kept.map(({ sha256 }) => sha256)).toEqual(wanted.map(({ dataSetSha256 }) => dataSetSha256));
    receiver.close();
  });

  it('names what could not be sent for want of a presentation context', async () => {
    const receiver = smallReceiver();
    const entry = entries.find(unique)!;
    const keys = {
      '0020000D': entry.studyInstanceUID,
      '0020000E': entry.seriesInstanceUID,
      '00080018': entry.sopInstanceUID,
    };
    const options = { sopClasses: ['1.2.840.10008.5.1.4.1.1.88.11'], receiver };
    await expect(async () => {
      for await (const _ of get(peer(), 'IMAGE', keys, options));
    }).rejects.toThrow(/0xA702/);
    receiver.close();
  });
});

it('tells the destination of a C-MOVE who asked for it', async () => {
  const entry = entries.find((each) => each.transferSyntaxUID === UNCOMPRESSED[1] && unique(each))!;
  const args = Object.entries(keysOf(entry)).flatMap(([name, value]) => ['-k', `${name}=${value}`]);
  const port = String(router.dicomPort);
  await run('movescu', ['-S', '-aet', 'READING1', '-aec', router.aeTitle, '-aem', 'MOVER', '127.0.0.1', port, ...args]);
  expect(mover.originators).toEqual([{ aeTitle: 'READING1', messageID: 1 }]);
});
