import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../contract/api.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { archiveFolder, receive, STUDY, slice } from '../support/archive.ts';
import { ACCESS_KEY, CephS3, cephAvailable, SECRET_KEY } from '../support/ceph.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';

const BUCKET = 'hospital';
const PATIENCE = { timeout: 60_000, interval: 200 };
const study = (n: number) => `1.2.826.0.8.${n}`;

describe.skipIf(!cephAvailable())('a bucket that vanishes under a running router', () => {
  let ceph: CephS3;
  let client: Client;
  let folder: string;
  let test: TestRouter;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-bucket-'));
    ceph = await CephS3.start();
    const { hostname: endPoint, port } = new URL(ceph.endpoint);
    const keys = { accessKey: ACCESS_KEY, secretKey: SECRET_KEY };
    client = new Client({ endPoint, port: Number(port), useSSL: false, ...keys, pathStyle: true, region: 'us-east-1' });
    test = await startRouter({
      env: {
        LIFEBOAT_STORE: `s3://${BUCKET}`,
        LIFEBOAT_S3_ENDPOINT: ceph.endpoint,
        LIFEBOAT_S3_ACCESS_KEY: ACCESS_KEY,
        LIFEBOAT_S3_SECRET_KEY: SECRET_KEY,
      },
    });
  }, 120_000);
  afterAll(async () => {
    await test?.close();
    await ceph?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  async function send(uid: string): Promise<void> {
    const files = [...smallStudy(uid, 2)].map((bytes, i) => {
      const path = join(folder, `${uid}.${i}.dcm`);
      writeFileSync(path, bytes);
      return path;
    });
    const to = { host: '127.0.0.1', port: test.dicomPort, calledAE: test.aeTitle, callingAE: 'CT1' };
    expect((await sendInstances({ ...to, files })).sent).toBe(2);
  }

  async function bytesOf(name: string): Promise<Buffer | null> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of await client.getObject(BUCKET, name)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    } catch (error) {
      if ((error as { code?: string }).code === 'NoSuchKey') return null;
      throw error;
    }
  }

  /** Everything in the bucket, which is gone afterwards, as though an administrator had removed the wrong one. */
  async function removeBucket(): Promise<Map<string, Buffer>> {
    const kept = new Map<string, Buffer>();
    // The router goes on publishing what lifeboat mode needs: until the bucket is gone.
    for (let gone = false; !gone; ) {
      for await (const { name } of client.listObjectsV2(BUCKET, '', true)) {
        const body = await bytesOf(name);
        if (body) kept.set(name, body);
        await client.removeObject(BUCKET, name);
      }
      gone = await client.removeBucket(BUCKET).then(
        () => true,
        (error: { code?: string }) => {
          if (error.code !== 'BucketNotEmpty') throw error;
          return false;
        },
      );
    }
    return kept;
  }

  const archive = () => test.router.context.archive;
  const ready = async () =>
    (await (await fetch(`${test.url}/readyz`)).json()) as { status: string; checks: { store: string } };
  const statusNow = async () => (await test.login()).json<Status>('/api/status');

  /** Images of the study whose objects the bucket really gives back at their full size. */
  async function readable(uid: string): Promise<number> {
    const entries = await archive()
      .entries(uid)
      .catch(() => []);
    const sizes = entries.map((entry) =>
      client.statObject(BUCKET, entry.key).then(
        ({ size }) => size === entry.size,
        () => false,
      ),
    );
    return (await Promise.all(sizes)).filter(Boolean).length;
  }

  let whole: Map<string, Buffer>;

  it('is said in words without anything being sent, and what is sent waits in the spool', async () => {
    await send(study(1));
    await expect.poll(() => readable(study(1)), PATIENCE).toBe(2);
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
    whole = await removeBucket();
    await expect.poll(async () => (await statusNow()).store.message, PATIENCE).toMatch(/the bucket is gone.*hospital/s);
    expect((await statusNow()).store.available).toBe(false);
    expect(await ready()).toMatchObject({
      status: 'degraded',
      checks: { store: expect.stringMatching(/bucket is gone/) },
    });
    await send(study(2));
    await new Promise((wait) => setTimeout(wait, 3000));
    expect(archive().spool().entries).toBe(2);
    expect(await client.bucketExists(BUCKET)).toBe(false);
  }, 120_000);

  it('comes back empty: what waited is stored in it, browsers may read from it, and what is gone is said', async () => {
    await client.makeBucket(BUCKET, 'us-east-1');
    await expect.poll(() => readable(study(2)), PATIENCE).toBe(2);
    await expect.poll(() => archive().spool().entries, PATIENCE).toBe(0);
    await expect.poll(async () => (await statusNow()).store.lost?.studies, PATIENCE).toBe(1);
    expect((await ready()).checks.store).toMatch(/[12] manifest segments of 1 studies.*gone/);
    const key = (await archive().entries(study(2)))[0]!.key;
    const url = (await archive().store.presign(key, Date.now() + 60_000))!;
    const answer = await fetch(url, { headers: { Origin: 'http://viewer' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await archive().entries(study(1))).toEqual([]);
    await send(study(1));
    await expect.poll(() => readable(study(1)), PATIENCE).toBe(2);
  }, 120_000);

  it('comes back whole: everything is there once more and nothing counts as gone', async () => {
    for (const [name, bytes] of whole) await client.putObject(BUCKET, name, bytes);
    await expect.poll(async () => (await statusNow()).store.lost, PATIENCE).toBeUndefined();
    await expect.poll(async () => (await ready()).status, PATIENCE).toBe('ready');
    expect(await readable(study(1))).toBe(2);
    expect(await readable(study(2))).toBe(2);
    expect((await archive().catalogue.totals()).instances).toBe(4);
  }, 120_000);
});

describe('a store that is replaced between an object and its manifest', () => {
  it('has in the end both, because the commit is made again', async () => {
    const folder = archiveFolder();
    let replaced = false;
    const archive = await folder.open({
      onStep: (step) => {
        if (step !== 'objects' || replaced) return;
        replaced = true;
        for (const name of ['objects', 'lifeboat.json']) rmSync(join(folder.dir, 'store', name), { recursive: true });
      },
    });
    try {
      for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
      await archive.flush();
      const entries = await archive.entries(STUDY);
      expect(entries).toHaveLength(3);
      for (const { key, size } of entries) expect((await archive.store.head(key))?.size).toBe(size);
      expect(replaced).toBe(true);
    } finally {
      await archive.close();
      folder.remove();
    }
  });
});
