import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { part10File } from '../../router/dimse/part10-file.ts';
import { find, findInstances, findStudies } from '../../router/dimse/query-scu.ts';
import { type MoveResult, move } from '../../router/dimse/retrieve-scu.ts';
import { type OutgoingInstance, sendInstances } from '../../router/dimse/storage-scu.ts';
import { echo } from '../../router/dimse/verification-scu.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { freePort } from '../bench/receivers.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const hasOrthanc = spawnSync('which', ['Orthanc']).status === 0;
const textAt = (row: DicomJson, tag: string) => String(row[tag]?.Value?.[0] ?? '');

/** Resolves when the peer answers C-ECHO. */
async function answering(peer: Parameters<typeof echo>[0]): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    try {
      await echo(peer);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function allOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

describe.skipIf(!hasOrthanc)('C-FIND and C-MOVE SCU against Orthanc', () => {
  let folder: string;
  let orthanc: ChildProcess;
  let router: TestRouter;
  let pacs: { host: string; port: number; calledAE: string; callingAE: string };
  let stored: Set<string>;
  let rest: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-scu-'));
    const port = await freePort();
    router = await startRouter({ env: { LIFEBOAT_WORKSTATIONS: `PACS@127.0.0.1:${port}` } });
    const httpPort = await freePort();
    rest = `http://127.0.0.1:${httpPort}`;
    const settings = {
      Name: 'PACS',
      DicomAet: 'PACS',
      DicomPort: port,
      HttpPort: httpPort,
      AuthenticationEnabled: false,
      DicomAlwaysAllowStore: true,
      DicomAlwaysAllowFind: true,
      DicomAlwaysAllowMove: true,
      DicomModalities: { lifeboat: [router.aeTitle, '127.0.0.1', router.dicomPort] },
      StorageDirectory: folder,
      IndexDirectory: folder,
    };
    writeFileSync(join(folder, 'orthanc.json'), JSON.stringify(settings));
    orthanc = spawn('Orthanc', [join(folder, 'orthanc.json')], {
      env: { ...process.env, TCP_NODELAY: '1' },
      stdio: 'ignore',
    });
    pacs = { host: '127.0.0.1', port, calledAE: 'PACS', callingAE: router.aeTitle };
    await answering(pacs);
    const instances: OutgoingInstance[] = [];
    for (const { path, malformed } of realFiles()) {
      const instance = malformed || instances.length >= 40 ? undefined : await part10File(path).catch(() => undefined);
      if (!instance || instance.size > 2_000_000 || instance.size % 2 === 1) continue;
      if (/\.1\.1\.(2|4|7)$/.test(instance.sopClassUID)) instances.push(instance);
    }
    const { results } = await sendInstances({ ...pacs, instances });
    stored = new Set(results.filter(({ outcome }) => outcome !== 'failed').map(({ sopInstanceUID }) => sopInstanceUID));
  }, 60_000);
  afterAll(async () => {
    orthanc?.kill('SIGKILL');
    await router?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('lists every instance that the PACS has, and brings a study here', async () => {
    expect(stored.size).toBeGreaterThan(3);
    const studies = await allOf(findStudies(pacs, {}));
    const instances: DicomJson[] = [];
    for (const study of studies) instances.push(...(await allOf(findInstances(pacs, textAt(study, '0020000D')))));
    expect(new Set(instances.map((row) => textAt(row, '00080018')))).toEqual(stored);

    const uid = textAt(studies[0]!, '0020000D');
    const told = await allOf(move(pacs, router.aeTitle, 'STUDY', { '0020000D': uid }));
    const result = told.at(-1) as MoveResult;
    expect(result).toMatchObject({ status: 0, failedUIDs: [] });
    const { archive } = router.router.context;
    await archive.flush();
    const here = new Set((await archive.entries(uid)).map(({ sopInstanceUID }) => sopInstanceUID));
    const there = await allOf(findInstances(pacs, uid));
    expect(here).toEqual(new Set(there.map((row) => textAt(row, '00080018'))));
    // And what Lifeboat answers to the PACS about it is the same.
    const ours = { host: '127.0.0.1', port: router.dicomPort, calledAE: router.aeTitle, callingAE: 'PACS' };
    const fromHere = await allOf(findInstances(ours, uid));
    expect(new Set(fromHere.map((row) => textAt(row, '00080018')))).toEqual(here);
  }, 60_000);

  it('stops when the reader has enough', async () => {
    let n = 0;
    for await (const row of findStudies(pacs, {})) {
      expect(textAt(row, '0020000D')).not.toBe('');
      n++;
      break;
    }
    expect(n).toBe(1);
  });

  it('throws where an answer is not complete: refused, or moved to nobody', async () => {
    const stranger = { host: '127.0.0.1', port: router.dicomPort, calledAE: router.aeTitle, callingAE: 'STRANGER' };
    await expect(allOf(find(stranger, 'STUDY', {}))).rejects.toMatchObject({ code: 'PEER_FAILED_STATUS' });
    await expect(allOf(move(pacs, 'NOBODY', 'STUDY', { '0020000D': '1.2.3' }))).rejects.toMatchObject({
      code: 'PEER_FAILED_STATUS',
    });
  });

  it('is queried and retrieved from by Orthanc as a workstation', async () => {
    const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const answer = await fetch(`${rest}${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      expect(answer.ok, `${path} ${answer.status}`).toBe(true);
      return (await answer.json()) as T;
    };
    const { archive } = router.router.context;
    const [uid] = await archive.catalogue.studyUIDs();
    const here = (await archive.entries(uid!)).map(({ sopInstanceUID }) => sopInstanceUID).sort();
    for (const id of await ask<string[]>('POST', '/tools/find', { Level: 'Study', Query: { StudyInstanceUID: uid } })) {
      await ask('DELETE', `/studies/${id}`);
    }
    const query = await ask<{ ID: string }>('POST', '/modalities/lifeboat/query', {
      Level: 'Study',
      Query: { StudyInstanceUID: uid, PatientName: '' },
    });
    expect(await ask<string[]>('GET', `/queries/${query.ID}/answers`)).toHaveLength(1);
    await ask('POST', `/queries/${query.ID}/answers/0/retrieve`, { TargetAet: 'PACS', Synchronous: true });
    const back = await allOf(findInstances(pacs, uid!));
    expect(back.map((row) => textAt(row, '00080018')).sort()).toEqual(here);
  }, 30_000);
});
