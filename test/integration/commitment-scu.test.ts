import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ArrivalsAnswer, ForwardingStatus } from '../../contract/api.ts';
import { freePort } from '../bench/receivers.ts';
import { CommittingPacs } from '../support/commitment-peer.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.2';
const hasOrthanc = spawnSync('Orthanc', ['--version']).status === 0;
if (!hasOrthanc) console.log('Skipped: Orthanc as a PACS asked for storage commitment (it is not installed).');

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A router that passes on to PACS and asks it soon. */
async function router(port: number, dataDir?: string): Promise<TestRouter> {
  const test = await startRouter({
    env: { LIFEBOAT_FORWARD_TO: `PACS@127.0.0.1:${port}`, LIFEBOAT_FORWARD_COMMITMENT: 'true' },
    config: { confirmationTimes: { quiet: 100, sameAssociation: 1_000, answer: 3_000, pause: 200 } },
    ...(dataDir && { dataDir }),
  });
  stops.push(
    () => rmSync(test.dataDir, { recursive: true, force: true }),
    () => test.close({ keepData: true }),
  );
  return test;
}

async function pacs(options: Parameters<typeof CommittingPacs.start>[0], port = 0): Promise<CommittingPacs> {
  const started = await CommittingPacs.start(options, port);
  stops.push(() => started.stop());
  return started;
}

const confirmedOf = (test: TestRouter) => {
  const { confirmations } = test.router.context;
  return confirmations!.confirmedByPacs(STUDY).filter(({ confirmed }) => confirmed);
};
const destination = async (test: TestRouter) =>
  (await (await test.login()).json<ForwardingStatus>('/api/forwarding')).destinations[0]!;

describe('the PACS is asked for storage commitment of what it took', () => {
  it.each(['same', 'new'] as const)('and its answer on the %s association is kept for each image', async (reports) => {
    let test: TestRouter | undefined;
    const lifeboat = () => ({ port: test!.dicomPort, aeTitle: test!.aeTitle });
    const peer = await pacs({ reports, lifeboat });
    test = await router(peer.port);
    const { archive, confirmations } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 4));
    await expect.poll(() => confirmedOf(test!).length, { timeout: 20_000 }).toBe(4);
    const entries = await archive.entries(STUDY);
    const name = `PACS@127.0.0.1:${peer.port}`;
    const transactions = new Set(peer.asked.map(({ transactionUID }) => transactionUID));
    for (const proof of confirmedOf(test)) {
      expect(proof).toMatchObject({ destination: name, state: 'confirmed', at: expect.any(String) });
      expect(transactions.has(proof.transactionUID!)).toBe(true);
      expect(entries.some(({ dataSetSha256 }) => dataSetSha256 === proof.dataSetSha256)).toBe(true);
    }
    expect(confirmations!.proof(name, entries)?.size).toBe(4);
    expect(confirmations!.proof('ELSEWHERE', entries)).toBeUndefined();
    expect((await destination(test)).commitment).toMatchObject({ confirmed: 4, open: 0, refused: 0, trouble: '' });
    const arrivals = await (await test.loginAs('modality')).json<ArrivalsAnswer>('/api/arrivals');
    expect(arrivals.rows).toMatchObject([{ forwarded: [{ owed: 4, sent: 4, committed: 4 }] }]);
  });

  it('what it says it does not have is sent again, and shown to a person when that does not help', async () => {
    const [lost, never] = [`${STUDY}.1.1`, `${STUDY}.1.2`];
    const peer = await pacs({
      reports: 'same',
      says: ({ sopInstanceUID }, time) =>
        sopInstanceUID === never || (sopInstanceUID === lost && time === 1) ? 0x0112 : undefined,
    });
    const test = await router(peer.port);
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 3));
    await expect.poll(async () => (await destination(test)).person, { timeout: 30_000, interval: 200 }).toBe(1);
    const times = (uid: string) =>
      peer.receiver.kept.filter(({ announced }) => announced.sopInstanceUID === uid).length;
    await expect.poll(() => confirmedOf(test).length, { timeout: 20_000 }).toBe(2);
    expect([times(lost), times(never), times(`${STUDY}.1.3`)]).toEqual([2, 3, 1]);
    const { problems, commitment } = await destination(test);
    expect(problems).toMatchObject([{ sopInstanceUID: never, message: expect.stringContaining('0x0112') }]);
    expect(commitment).toMatchObject({ confirmed: 2, person: 1 });
  });

  it('no answer is no confirmation: it is asked again, also after what was asked is lost', async () => {
    const first = await pacs({ reports: 'never' });
    const { port } = first;
    const before = await router(port);
    await keepFiles(before.router.context.archive, smallStudy(STUDY, 2));
    await expect.poll(() => first.asked.length, { timeout: 20_000 }).toBeGreaterThan(1);
    expect(confirmedOf(before)).toEqual([]);
    expect((await destination(before)).commitment).toMatchObject({ confirmed: 0, open: 2 });
    await before.close({ keepData: true });
    await first.stop();
    stops.splice(0);
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(before.dataDir, `confirmed.sqlite${suffix}`), { force: true });
    await pacs({ reports: 'same' }, port);
    const after = await router(port, before.dataDir);
    await expect.poll(() => confirmedOf(after).length, { timeout: 20_000 }).toBe(2);
  });
});

describe.skipIf(!hasOrthanc)('Orthanc as the PACS', () => {
  it('commits to what it has, and gets again what it has lost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lifeboat-commitment-'));
    stops.push(() => rmSync(folder, { recursive: true, force: true }));
    const [port, http, ours] = [await freePort(), await freePort(), await freePort()];
    const settings = join(folder, 'orthanc.json');
    writeFileSync(
      settings,
      JSON.stringify({
        DicomAet: 'PACS',
        DicomPort: port,
        HttpPort: http,
        AuthenticationEnabled: false,
        StorageDirectory: join(folder, 'orthanc'),
        IndexDirectory: join(folder, 'orthanc'),
        DicomModalities: { lifeboat: { AET: 'LIFEBOAT', Host: '127.0.0.1', Port: ours, AllowStorageCommitment: true } },
      }),
    );
    const child = spawn('Orthanc', [settings], { stdio: 'ignore' });
    stops.push(async () => {
      child.kill();
      await once(child, 'exit');
    });
    const orthanc = `http://127.0.0.1:${http}`;
    for (let i = 0; i < 100 && !(await fetch(`${orthanc}/system`).catch(() => null))?.ok; i++) await wait(200);
    const test = await startRouter({
      env: {
        LIFEBOAT_DICOM_PORT: String(ours),
        LIFEBOAT_FORWARD_TO: `PACS@127.0.0.1:${port}`,
        LIFEBOAT_FORWARD_COMMITMENT: 'true',
      },
      config: { confirmationTimes: { quiet: 2_000, sameAssociation: 1_000, pause: 500 } },
    });
    stops.push(() => test.close());
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 3));
    const instances = async () => (await (await fetch(`${orthanc}/instances`)).json()) as string[];
    await expect.poll(async () => (await instances()).length, { timeout: 20_000 }).toBe(3);
    // before it is asked
    await fetch(`${orthanc}/instances/${(await instances())[0]}`, { method: 'DELETE' });
    await expect.poll(() => confirmedOf(test).length, { timeout: 40_000 }).toBe(3);
    expect(await instances()).toHaveLength(3);
  }, 90_000);
});
