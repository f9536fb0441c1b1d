import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Status } from '../../contract/api.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';

const FIRST = '1.2.826.0.6.1';
const SECOND = '1.2.826.0.6.2';
const PATIENCE = { timeout: 40_000, interval: 200 };

let server: PostgresServer;
let folder: string;
let test: TestRouter | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-away-'));
  if (postgresPrograms()) server = await startPostgres();
}, 60_000);
afterAll(async () => {
  await test?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function send(study: string): Promise<void> {
  const files = [...smallStudy(study, 2)].map((bytes, i) => {
    const path = join(folder, `${study}.${i}.dcm`);
    writeFileSync(path, bytes);
    return path;
  });
  const { sent } = await sendInstances({
    host: '127.0.0.1',
    port: test!.dicomPort,
    calledAE: test!.aeTitle,
    callingAE: 'CT1',
    files,
  });
  expect(sent).toBe(2);
}

async function found(study: string): Promise<number> {
  const answer = await fetch(`${test!.url}/dicom-web/studies/${study}/instances`, {
    headers: { Accept: 'application/dicom+json', Authorization: test!.basic },
  });
  return answer.status === 200 ? ((await answer.json()) as unknown[]).length : -answer.status;
}

async function ready(): Promise<{ http: number; status: string; checks: { catalogue: string } }> {
  const answer = await fetch(`${test!.url}/readyz`);
  return { http: answer.status, ...((await answer.json()) as { status: string; checks: { catalogue: string } }) };
}

it.skipIf(!postgresPrograms())(
  'a router starts and receives while PostgreSQL is down, says so, and shows the images when it is there',
  async () => {
    await server.down();
    test = await startRouter({ env: { LIFEBOAT_DATABASE_URL: server.url } });
    await send(FIRST);
    expect(await ready()).toMatchObject({ http: 200, status: 'degraded' });
    expect((await ready()).checks.catalogue).not.toBe('ok');
    const browser = await test.login();
    expect((await browser.json<Status>('/api/status')).catalogue).toMatchObject({ available: false });
    expect(await found(FIRST)).toBe(-503);
    expect(test.router.context.archive.spool().entries).toBe(2);

    await server.up();
    await expect.poll(() => found(FIRST), PATIENCE).toBe(2);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
    await expect.poll(() => test!.router.context.archive.catalogue.needsRebuild, PATIENCE).toBe(false);
    expect(test.router.context.archive.spool().entries).toBe(0);

    await server.down();
    await send(SECOND);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('degraded');
    await server.up();
    await expect.poll(() => found(SECOND), PATIENCE).toBe(2);
    expect(await found(FIRST)).toBe(2);
  },
  120_000,
);
