import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../contract/api.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { openPool } from '../../storage/catalogue/postgres-pool.ts';
import { archiveFolder, lines, receive, STUDY, slice } from '../support/archive.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const PATIENCE = { timeout: 60_000, interval: 200 };
const study = (n: number) => `1.2.826.0.7.${n}`;

describe.skipIf(!postgresPrograms())('a PostgreSQL that fails under a running router', () => {
  let server: PostgresServer;
  let proxy: TcpProxy;
  let folder: string;
  let test: TestRouter;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-database-'));
    server = await startPostgres();
    await asAdministrator('create database lifeboat');
    const { hostname: host, port } = new URL(server.url);
    proxy = await TcpProxy.start({ host, port: Number(port) });
    const url = `postgres://postgres@127.0.0.1:${proxy.port}/lifeboat`;
    test = await startRouter({ env: { LIFEBOAT_DATABASE_URL: url } });
  }, 120_000);
  afterAll(async () => {
    await test?.close();
    await proxy?.stop();
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  async function asAdministrator(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  async function send(uid: string, images = 2): Promise<void> {
    const files = [...smallStudy(uid, images)].map((bytes, i) => {
      const path = join(folder, `${uid}.${i}.dcm`);
      writeFileSync(path, bytes);
      return path;
    });
    const to = { host: '127.0.0.1', port: test.dicomPort, calledAE: test.aeTitle, callingAE: 'CT1' };
    expect((await sendInstances({ ...to, files })).sent).toBe(images);
  }

  /** Images QIDO-RS finds; the negative status when it answers with an error. */
  async function found(uid: string): Promise<number> {
    const answer = await fetch(`${test.url}/dicom-web/studies/${uid}/instances`, {
      headers: { Accept: 'application/dicom+json', Authorization: test.basic },
    });
    return answer.status === 200 ? ((await answer.json()) as unknown[]).length : -answer.status;
  }

  async function ready(): Promise<{ status: string; checks: { catalogue: string } }> {
    const answer = await fetch(`${test.url}/readyz`, { signal: AbortSignal.timeout(8000) });
    return (await answer.json()) as { status: string; checks: { catalogue: string } };
  }
  const archive = () => test.router.context.archive;

  it('takes connections and never answers: images are received and stored, it is said, and they are shown afterwards', async () => {
    await send(study(1));
    await expect.poll(() => found(study(1)), PATIENCE).toBe(2);
    proxy.freeze();
    await send(study(2));
    await expect.poll(async () => (await ready()).checks.catalogue, PATIENCE).toMatch(/no answer for|does not answer/);
    expect((await ready()).status).toBe('degraded');
    const browser = await test.login();
    expect((await browser.json<Status>('/api/status')).catalogue).toMatchObject({ available: false });
    expect(await found(study(1))).toBe(-503);
    await send(study(3));
    await expect.poll(async () => (await archive().entries(study(3))).length, PATIENCE).toBe(2);
    expect(archive().spool().entries).toBe(4);

    proxy.thaw();
    for (const n of [1, 2, 3]) await expect.poll(() => found(study(n)), PATIENCE).toBe(2);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
    await expect.poll(() => archive().spool().entries, PATIENCE).toBe(0);
  }, 180_000);

  it('breaks every connection again and again while images come: each is shown once', async () => {
    let breaking = true;
    const breaker = (async () => {
      while (breaking) {
        await asAdministrator("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'lifeboat'");
        await new Promise((wait) => setTimeout(wait, 5));
      }
    })();
    const studies = [11, 12, 13, 14, 15, 16];
    for (const n of studies) {
      await send(study(n), 3);
      await new Promise((wait) => setTimeout(wait, 500));
    }
    breaking = false;
    await breaker;
    for (const n of studies) await expect.poll(() => found(study(n)), PATIENCE).toBe(3);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
  }, 180_000);

  it('breaks a connection between two statements of a transaction: the next one says so', async () => {
    const pool = openPool({ url: server.url, max: 1, statementMs: 5000 });
    const client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', []);
    await client.query('begin', []);
    await asAdministrator(`select pg_terminate_backend(${rows[0]!.pid})`);
    await new Promise((wait) => setTimeout(wait, 300));
    await expect(client.query('select 1', [])).rejects.toThrow(/terminat|connection/i);
    client.release();
    expect((await (await pool.connect()).query<{ one: number }>('select 1 as one', [])).rows).toEqual([{ one: 1 }]);
  });

  it('loses its database: it is said, and a new empty one is filled again by itself', async () => {
    const { instances } = await archive().catalogue.totals();
    await asAdministrator('drop database lifeboat with (force)');
    await send(study(21));
    await expect.poll(async () => (await ready()).checks.catalogue, PATIENCE).toMatch(/database does not exist/);
    await asAdministrator('create database lifeboat');
    for (const n of [1, 2, 3, 21]) await expect.poll(() => found(study(n)), PATIENCE).toBe(2);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
    await expect.poll(() => archive().catalogue.needsRebuild, PATIENCE).toBe(false);
    expect((await archive().catalogue.totals()).instances).toBe(instances + 2);

    await asAdministrator('drop database lifeboat with (force)', 'create database lifeboat');
    await expect.poll(() => found(study(1)), PATIENCE).toBe(2);
    await expect.poll(async () => (await archive().catalogue.totals()).instances, PATIENCE).toBe(instances + 2);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
  }, 180_000);

  it('does not keep the router from closing while it hangs', async () => {
    await found(study(1));
    proxy.freeze();
    const closed = test.close().then(() => 'closed');
    expect(await Promise.race([closed, new Promise((wait) => setTimeout(wait, 50_000, 'still open'))])).toBe('closed');
  }, 120_000);
});

describe('a catalogue put back from an older copy', () => {
  it('reads by itself what came since, and says while it is filled how far it is', async () => {
    const folder = archiveFolder();
    const file = join(folder.dir, 'catalogue.sqlite');
    const tending = { tickMs: 50, compareMs: 100, rest: 1 };
    try {
      const archive = await folder.open();
      for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
      await archive.flush();
      await archive.close();
      copyFileSync(file, `${file}.old`);
      const later = await folder.open();
      for (let i = 4; i <= 6; i++) await receive(later, slice(i));
      await receive(later, slice(1, 1, `${STUDY}.9`));
      await later.flush();
      const whole = await lines(later.catalogue.dump());
      await later.close();
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
      copyFileSync(`${file}.old`, file);

      const again = await folder.open({ tending });
      expect((await again.catalogue.totals()).instances).toBe(3);
      await expect.poll(async () => lines(again.catalogue.dump()), PATIENCE).toEqual(whole);
      expect(again.tending().lost).toBeUndefined();
      await again.close();
    } finally {
      folder.remove();
    }
  });
});
