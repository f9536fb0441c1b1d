import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ctSeries, TEST_STUDY } from '../../phantoms/ct.ts';
import { randomNumbers } from '../../phantoms/drawing.ts';
import { part10File } from '../../router/dimse/part10-file.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import type { StudyManifest } from '../../storage/format/manifest.ts';
import { freePort } from '../bench/receivers.ts';
import { type TestServer, testServer } from '../support/dimse.ts';
import { ADMIN_PASSWORD, type RouterProcess, startRouterProcess } from '../support/router.ts';

const long = Boolean(process.env['LIFEBOAT_LONG']);
const KILLS = long ? 60 : 4;
const SENDERS = 2;
const SLICES = 40;
const seed = Number(process.env['LIFEBOAT_TEST_SEED'] ?? 20261125);

interface Slice {
  path: string;
  sopInstanceUID: string;
  dataSetSha256: string;
}

/** A series on disk, with the hash of each data set as it goes over the line. */
async function series(folder: string, name: string): Promise<Slice[]> {
  await mkdir(folder, { recursive: true });
  const slices: Slice[] = [];
  for (const bytes of ctSeries(SLICES, { rows: 256, columns: 256, study: { ...TEST_STUDY, name } })) {
    const path = join(folder, `${slices.length}.dcm`);
    await writeFile(path, bytes);
    const { sopInstanceUID, open } = await part10File(path);
    const hash = createHash('sha256');
    for await (const chunk of open()) hash.update(chunk);
    slices.push({ path, sopInstanceUID, dataSetSha256: hash.digest('hex') });
  }
  return slices;
}

describe('kill -9 of the router while scanners send', () => {
  let folder: string;
  let router: RouterProcess | undefined;
  let pacs: TestServer;
  let pacsPort: number;
  const start = () =>
    startRouterProcess({
      dataDir: join(folder, 'data'),
      env: {
        LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD,
        LIFEBOAT_ACCEPT_AE: '*',
        LIFEBOAT_FORWARD_TO: `PACS@127.0.0.1:${pacsPort}`,
      },
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-kill-'));
    await mkdir(join(folder, 'data'));
    pacsPort = await freePort();
    pacs = await testServer({ dicomPort: pacsPort, aeTitle: 'PACS' });
  });
  afterEach(async () => {
    await router?.stop('SIGKILL');
    await pacs.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it(`loses nothing that was acknowledged, ${KILLS} times, opens all of it from the store, and passes all of it on`, async () => {
    const random = randomNumbers(seed);
    const acknowledged = new Map<string, string>();
    const studies = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      const scans: Slice[][] = [];
      for (let sender = 0; sender < SENDERS; sender++)
        scans.push(await series(join(folder, `${kill}-${sender}`), `kill ${kill} sender ${sender}`));
      router = await start();
      const { dicomPort } = router;
      const sending = scans.map(async (slices, sender) => {
        const report = await sendInstances({
          host: '127.0.0.1',
          port: dicomPort,
          calledAE: 'LIFEBOAT',
          callingAE: `SCANNER${sender}`,
          files: slices.map(({ path }) => path),
        });
        for (const [i, result] of report.results.entries())
          if (result.outcome !== 'failed') acknowledged.set(slices[i]!.sopInstanceUID, slices[i]!.dataSetSha256);
      });
      const all = Promise.all(sending);
      await Promise.race([all, wait(100 + random() * 900)]);
      await router.stop('SIGKILL');
      await all;
    }

    router = await start();
    const session = await router.login();
    const kept = new Map<string, { key: string; url: string; dataSetOffset: number }[]>();
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      const { spool } = await session.json<{ spool: { entries: number } }>('/api/status');
      if (spool.entries === 0) break;
      await wait(200);
    }
    const { rows } = await session.json<{ rows: { studyInstanceUID: string }[] }>('/api/worklist?limit=500');
    for (const { studyInstanceUID } of rows) studies.add(studyInstanceUID);
    for (const study of studies) {
      const manifest = await session.json<StudyManifest>(`/api/studies/${study}/manifest`);
      for (const { instances } of manifest.series)
        for (const { sopInstanceUID, key, url, dataSetOffset, superseded } of instances) {
          expect(superseded ?? []).toEqual([]);
          kept.set(sopInstanceUID, [...(kept.get(sopInstanceUID) ?? []), { key, url: url!, dataSetOffset }]);
        }
    }
    expect(acknowledged.size).toBeGreaterThan(0);
    const missing = [...acknowledged.keys()].filter((uid) => !kept.has(uid));
    expect(missing).toEqual([]);
    for (const [uid, dataSetSha256] of acknowledged) {
      expect(kept.get(uid), `${uid} is kept exactly once`).toHaveLength(1);
      const { url, dataSetOffset } = kept.get(uid)![0]!;
      const answer = await session.fetch(url, { headers: { Range: `bytes=${dataSetOffset}-` } });
      expect(answer.status).toBe(206);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      expect(createHash('sha256').update(bytes).digest('hex'), `data set of ${uid}`).toBe(dataSetSha256);
    }
    const atThePacs = () => new Set(pacs.receiver.kept.map(({ sha256 }) => sha256));
    const owed = () => [...acknowledged.values()].filter((hash) => !atThePacs().has(hash)).length;
    await expect.poll(owed, { timeout: 120_000, interval: 500 }).toBe(0);
  }, 600_000);
});
