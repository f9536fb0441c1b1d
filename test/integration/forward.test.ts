import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ArrivalsAnswer, ForwardingStatus } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { freePort, startOrthanc } from '../bench/receivers.ts';
import { type TestServer, testServer } from '../support/dimse.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const hasOrthanc = spawnSync('Orthanc', ['--version']).status === 0;
if (!hasOrthanc) console.log('Skipped: forwarding into Orthanc (Orthanc is not installed).');

const STUDY = '1.2.826.0.9.1';
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function pacs(port: number): Promise<TestServer> {
  const server = await testServer({ dicomPort: port, aeTitle: 'PACS' });
  let stopped = false;
  const { stop } = server;
  server.stop = async () => {
    if (!stopped) await stop();
    stopped = true;
  };
  stops.push(() => server.stop());
  return server;
}

async function router(port: number, options: { dataDir?: string; aeTitle?: string } = {}): Promise<TestRouter> {
  const address = `${options.aeTitle ?? 'PACS'}@127.0.0.1:${port}`;
  const test = await startRouter({
    env: { LIFEBOAT_PACS: address, LIFEBOAT_FORWARD_TO: address },
    dataDir: options.dataDir,
  });
  return test;
}

const status = async (test: TestRouter) =>
  (await (await test.login()).json<ForwardingStatus>('/api/forwarding')).destinations[0]!;
const sopsOf = (server: TestServer) => server.receiver.kept.map(({ announced }) => announced.sopInstanceUID);

describe('passing on to the PACS', () => {
  it('sends what is kept, byte for byte, each once, also when it came twice', async () => {
    const port = await freePort();
    const peer = await pacs(port);
    const test = await router(port);
    stops.push(() => test.close());
    const { archive } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 5));
    await keepFiles(archive, smallStudy(STUDY, 5));
    await expect.poll(async () => (await status(test)).sent, { timeout: 10_000 }).toBe(5);
    const entries = await archive.entries(STUDY);
    expect(sopsOf(peer).sort()).toEqual(entries.map((e) => e.sopInstanceUID).sort());
    expect(peer.receiver.kept.map((k) => k.sha256).sort()).toEqual(entries.map((e) => e.dataSetSha256).sort());
    expect(await status(test)).toMatchObject({ waiting: 0, person: 0, problems: [], trouble: '', oldest: null });
    const arrivals = await (await test.loginAs('modality')).json<ArrivalsAnswer>('/api/arrivals');
    expect(arrivals.rows).toMatchObject([{ forwarded: [{ owed: 5, sent: 5 }] }]);
  });

  it('owes what the PACS missed while it was down, over a restart of ours, and pays when it is back', async () => {
    const port = await freePort();
    const first = await router(port);
    await keepFiles(first.router.context.archive, smallStudy(STUDY, 4));
    await expect.poll(async () => (await status(first)).trouble, { timeout: 10_000 }).toMatch(/refused/);
    expect(await status(first)).toMatchObject({ waiting: 4, sent: 0, oldest: expect.any(String) });
    const during = await (await first.login()).json<{ pacs: object }>('/api/status');
    expect(during.pacs).toMatchObject({ forwards: true, queued: 4 });
    await first.close({ keepData: true });
    const second = await router(port, { dataDir: first.dataDir });
    stops.push(() => second.close());
    const peer = await pacs(port);
    await expect.poll(async () => (await status(second)).sent, { timeout: 20_000 }).toBe(4);
    expect(sopsOf(peer)).toHaveLength(4);
    const board = await (await second.login()).json<{ pacs: object }>('/api/status');
    expect(board.pacs).toMatchObject({ forwards: true, queued: 0 });
  });

  it('an image that the PACS will not take waits for a person and stops no other; by hand it goes again', async () => {
    const port = await freePort();
    const peer = await pacs(port);
    const files = smallStudy(STUDY, 6);
    const test = await router(port);
    stops.push(() => test.close());
    const { archive } = test.router.context;
    const poisonous = `${STUDY}.1.3`;
    peer.receiver.failOn.set(poisonous, { at: 'finish', error: new LifeboatError('SOP_CLASS_MISMATCH') });
    await keepFiles(archive, files);
    await expect.poll(async () => (await status(test)).sent, { timeout: 10_000 }).toBe(5);
    const before = await status(test);
    expect(before).toMatchObject({ person: 1, waiting: 0 });
    expect(before.problems).toMatchObject([{ sopInstanceUID: poisonous, state: 'person', status: 0xa900 }]);
    expect(before.problems[0]!.message).toMatch(/0xA900/);
    peer.receiver.failOn.clear();
    const admin = await test.login();
    const answer = await admin.send('POST', '/api/forwarding', {
      destination: before.name,
      action: 'retry',
      id: before.problems[0]!.id,
    });
    expect(answer.status).toBe(200);
    await expect.poll(async () => (await status(test)).sent, { timeout: 10_000 }).toBe(6);
    const audit = await admin.json<{ rows: { action: string; object: string }[] }>('/api/audit?action=forwarding');
    expect(audit.rows).toMatchObject([{ object: before.name }]);
  });

  it('a PACS without room is asked again, and nothing counts as sent before it said so', async () => {
    const port = await freePort();
    const peer = await pacs(port);
    const test = await router(port);
    stops.push(() => test.close());
    const full = `${STUDY}.1.2`;
    peer.receiver.failOn.set(full, { at: 'finish', error: new LifeboatError('SPOOL_FULL') });
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 3));
    await expect.poll(async () => (await status(test)).retrying, { timeout: 10_000 }).toBe(1);
    expect(await status(test)).toMatchObject({ sent: 2, waiting: 1, person: 0 });
    peer.receiver.failOn.clear();
    await expect.poll(async () => (await status(test)).sent, { timeout: 20_000 }).toBe(3);
    expect(sopsOf(peer).filter((uid) => uid === full)).toHaveLength(1);
  });

  it('waits while it is paused, also over a restart, and goes on when told to', async () => {
    const port = await freePort();
    const peer = await pacs(port);
    const first = await router(port);
    const name = `PACS@127.0.0.1:${port}`;
    await (await first.login()).send('POST', '/api/forwarding', { destination: name, action: 'pause' });
    await keepFiles(first.router.context.archive, smallStudy(STUDY, 2));
    await first.close({ keepData: true });
    const second = await router(port, { dataDir: first.dataDir });
    stops.push(() => second.close());
    await new Promise((done) => setTimeout(done, 500));
    expect(peer.receiver.kept).toEqual([]);
    expect(await status(second)).toMatchObject({ paused: true, waiting: 2 });
    await (await second.login()).send('POST', '/api/forwarding', { destination: name, action: 'resume' });
    await expect.poll(() => peer.receiver.kept.length, { timeout: 10_000 }).toBe(2);
  });

  it('never sends bytes that are not those that were received', async () => {
    const port = await freePort();
    const test = await router(port);
    stops.push(() => test.close());
    const { archive, config } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 2));
    const [damaged] = await archive.entries(STUDY);
    const path = join(config.dataDir, 'store', damaged!.key);
    await writeFile(path, Buffer.alloc(damaged!.size, 1), { flag: 'r+' });
    const peer = await pacs(port);
    await expect.poll(async () => (await status(test)).person, { timeout: 20_000 }).toBe(1);
    await expect.poll(async () => (await status(test)).sent, { timeout: 20_000 }).toBe(1);
    expect(sopsOf(peer)).not.toContain(damaged!.sopInstanceUID);
    expect((await status(test)).problems[0]!.message).toMatch(/does not match/);
  });

  it.skipIf(!hasOrthanc)('into Orthanc, which has every instance afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-forward-'));
    const orthanc = await startOrthanc(join(folder, 'orthanc'));
    stops.push(async () => {
      await orthanc.stop();
      await rm(folder, { recursive: true });
    });
    const test = await router(orthanc.port, { aeTitle: orthanc.calledAE });
    stops.push(() => test.close());
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 20));
    await expect.poll(async () => (await status(test)).sent, { timeout: 20_000 }).toBe(20);
    expect(await status(test)).toMatchObject({ waiting: 0, person: 0 });
  });
});
