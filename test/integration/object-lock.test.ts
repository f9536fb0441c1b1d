import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IntegrityAnswer } from '../../contract/integrity.ts';
import type { LockVerdict, RetentionAnswer } from '../../contract/retention.ts';
import { everydayPolicy } from '../../router/retention/everyday-policy.ts';
import { compactStudy, removeReplaced } from '../../storage/compact.ts';
import { studyPath } from '../../storage/keys.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { tryLock } from '../../storage/policy/canary.ts';
import { healCopy } from '../../storage/policy/heal-copy.ts';
import { restoreVersions } from '../../storage/policy/restore-versions.ts';
import { lookAtShard } from '../../storage/policy/shard-look.ts';
import { VersionedBucket } from '../../storage/policy/versioned-bucket.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { createS3Client } from '../../storage/stores/s3-client.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { verify } from '../../storage/verify.ts';
import { archiveFolder, receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';
import { startRouter } from '../support/router.ts';

const DAY_MS = 86_400_000;

describe.skipIf(!cephAvailable())('object lock on a real S3', () => {
  let ceph: CephS3;
  beforeAll(async () => {
    ceph = await CephS3.start();
  });
  afterAll(() => ceph?.stop());

  test('every image and manifest is locked as it is written', async () => {
    const config = { ...ceph.storeConfig('locked'), lock: { days: 30, mode: 'COMPLIANCE' as const } };
    const folder = archiveFolder();
    const archive = await folder.open({ store: config });
    const bucket = new VersionedBucket(config);
    try {
      await receive(archive, slice(1));
      await archive.flush();
      const big = `objects/00/1.2/1.3/1.4.${'0'.repeat(32)}.dcm`;
      writeFileSync(`${folder.dir}/big`, Buffer.alloc(17 << 20, 7));
      await archive.store.putFile(big, `${folder.dir}/big`, 17 << 20);
      const keys = [...(await storedKeys(archive, 'objects/')), ...(await storedKeys(archive, 'm'))];
      expect(keys.length).toBe(4);
      for (const key of keys) {
        let locked = 0;
        for await (const version of bucket.versions(key)) {
          const found = await bucket.retention(version.key, version.versionId);
          expect(found?.mode, key).toBe('COMPLIANCE');
          expect(found!.until.getTime()).toBeGreaterThan(Date.now() + 29 * DAY_MS);
          expect((await bucket.tryDelete(key, version.versionId)).outcome).toBe('refused');
          locked++;
        }
        expect(locked, key).toBe(1);
      }
      expect(archive.store.warning).toBeUndefined();
      expect(await tryLock('store', config)).toMatchObject({ state: 'kept' });
      // the test's key owns the bucket: it may force GOVERNANCE, and nobody may force COMPLIANCE
      const governed = await tryLock('store', { ...config, lock: { days: 30, mode: 'GOVERNANCE' } });
      expect(governed).toMatchObject({ state: 'key-too-strong' });
    } finally {
      bucket.close();
      await archive.close();
      folder.remove();
    }
  });

  test('a bucket without object lock takes every image all the same, and that nothing is locked is said', async () => {
    const plain = ceph.storeConfig('plain');
    const folder = archiveFolder();
    const before = await folder.open({ store: plain });
    await receive(before, slice(1));
    await before.flush();
    await before.close();
    const config = { ...plain, lock: { days: 30, mode: 'COMPLIANCE' as const } };
    const archive = await folder.open({ store: config });
    try {
      await receive(archive, slice(2));
      await archive.flush();
      expect((await archive.entries(STUDY)).length).toBe(2);
      expect(archive.store.warning).toContain('not locked: the bucket was made without object lock');
      for await (const finding of verify({ store: archive.store, strayAgeMs: 0 })) expect(finding).toBeUndefined();
      expect(await tryLock('store', config)).toMatchObject({ state: 'no-lock' });
      expect(await tryLock('store', plain)).toMatchObject({ state: 'off' });
    } finally {
      await archive.close();
      folder.remove();
    }
  });

  test('the router tries at its start, and tells page and metrics', async () => {
    const lock = { days: 7, mode: 'COMPLIANCE' as const };
    const router = await startRouter({ config: { store: { ...ceph.storeConfig('routed'), lock } } });
    try {
      await receive(router.router.context.archive, slice(1));
      await router.router.context.archive.flush();
      const admin = await router.login();
      const tried = (await (await admin.send('POST', '/api/retention/canary')).json()) as LockVerdict[];
      expect(tried).toMatchObject([{ role: 'store', state: 'kept', lock }]);
      expect(tried[0]!.text).toContain('refused to delete a locked object and to shorten its lock');
      expect(tried[0]!.advice).toContain('lifeboat policy everyday');
      expect((await admin.json<RetentionAnswer>('/api/retention')).locks).toEqual(tried);
      const metrics = await (await fetch(`${router.url}/metrics`)).text();
      expect(metrics).toMatch(/^lifeboat_object_lock_state\{store="store",state="kept"\} 1$/m);
      expect(metrics).toMatch(/^lifeboat_object_lock_state\{store="store",state="broken"\} 0$/m);
    } finally {
      await router.close();
    }
  });

  test('ransomware with the everyday key and in the folder of a replica: everything is back, bit for bit', async () => {
    const names = { bucket: 'everyday', user: 'lifeboat-router', owner: 'lifeboat' };
    await ceph.createUser(names.user, 'AKROUTER', 'SKROUTER');
    const lock = { days: 30, mode: 'GOVERNANCE' as const };
    const owner = { ...ceph.storeConfig(names.bucket), lock };
    const made = createS3Client(owner);
    await made.client.makeBucket(names.bucket, 'us-east-1', { ObjectLocking: true });
    await made.client.setBucketPolicy(names.bucket, everydayPolicy('ceph', names));
    const everyday = { ...owner, accessKey: 'AKROUTER', secretKey: 'SKROUTER' };
    const copyDir = mkdtempSync(join(tmpdir(), 'lifeboat-copy-'));
    const replica = { store: { kind: 'file' as const, dir: copyDir }, bytesPerSecond: 1e9 };
    const router = await startRouter({ config: { store: everyday, replica } });
    const bucket = new VersionedBucket(everyday);
    const theirs = createS3Client(everyday);
    try {
      // everything the router does by itself works with this key
      const { archive } = router.router.context;
      const sent = new Map<string, string>();
      for (let i = 1; i <= 6; i++) {
        const image = slice(i, i, i <= 4 ? STUDY : `${STUDY}0`);
        await receive(archive, image);
        sent.set(image.sop, createHash('sha256').update(image.bytes).digest('hex'));
        if (i % 2 === 0) await archive.flush();
      }
      await archive.flush();
      const admin = await router.login();
      expect((await admin.send('POST', '/api/integrity/seal')).status).toBe(200);
      expect(await compactStudy(archive.store, STUDY, { minSegments: 2, quietMs: 0 })).not.toBeNull();
      await expect(removeReplaced(archive.store, STUDY, 0)).rejects.toThrow('may not do this');
      expect((await archive.manifest(STUDY))!.series[0]!.instances).toHaveLength(4);
      expect(archive.store.warning ?? '').toBe('');
      const verdicts = (await (await admin.send('POST', '/api/retention/canary')).json()) as LockVerdict[];
      expect(verdicts.map(({ state, advice }) => [state, advice === ''])).toEqual([
        ['kept', true],
        ['folder', false],
      ]);
      await expect
        .poll(async () => (await admin.json<IntegrityAnswer>('/api/integrity')).replica?.state, { timeout: 40_000 })
        .toBe('level');

      const shard = studyPath(STUDY).slice(0, 2);
      const nothing = new Set<string>();
      const { look } = await lookAtShard(archive.store, shard, null, nothing, nothing);

      // the attacker has the router's key, and the disk of the replica
      const before = await contentsOf(archive.store);
      const attackAt = Date.now();
      for (const key of before.keys()) {
        await theirs.client.removeObject(names.bucket, key).catch(() => undefined);
        for await (const version of bucket.versions(key)) {
          await bucket.tryDelete(key, version.versionId, true);
          const soon = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
          expect((await bucket.tryRetention(key, version.versionId, 'GOVERNANCE', soon)).outcome, key).toBe('refused');
        }
        await theirs.client.putObject(names.bucket, key, Buffer.from('PAY UP'));
      }
      for (const breakIn of ATTACKS)
        await expect(breakIn(theirs.client, names.bucket), String(breakIn)).rejects.toThrow();
      for (const [i, key] of [...before.keys()].entries()) {
        const path = join(copyDir, key);
        if (!existsSync(path)) continue;
        if (i % 3 === 0) rmSync(path);
        else if (i % 3 === 1) writeFileSync(path, Buffer.alloc(statSync(path).size, 0x58));
        else renameSync(path, `${path}.locked`);
      }

      expect(await lookAtShard(archive.store, shard, look, nothing, nothing)).toMatchObject({ suspicious: 4 });

      // the stolen key is taken away; IT brings everything back with the owner's
      await router.router.close();
      const store = await openStore(owner);
      const owned = new VersionedBucket(owner);
      const restore = { bucket: owned, store, scratchDir: router.dataDir };
      const planned = await restoreVersions({ ...restore, atMs: attackAt - 1, dryRun: true });
      expect(await contentsOf(store)).not.toEqual(before);
      const back = await restoreVersions({ ...restore, atMs: attackAt - 1 });
      expect(back).toEqual({ ...planned, examined: back.examined });
      expect(back.lost).toEqual([]);
      expect(back.restored).toBe(before.size);
      expect(await contentsOf(store)).toEqual(before);
      // a second run finds nothing more to do
      expect(await restoreVersions({ ...restore, atMs: attackAt - 1 })).toMatchObject({ restored: 0, lost: [] });
      for await (const finding of verify({ store, strayAgeMs: 0 })) expect(finding).toBeUndefined();
      const cache = new StudyCache(store);
      for (const study of [STUDY, `${STUDY}0`])
        for (const entry of await cache.entries(study)) {
          const dataSet = (await store.get(entry.key)).subarray(entry.dataSetOffset);
          expect(createHash('sha256').update(dataSet).digest('hex')).toBe(sent.get(entry.sopInstanceUID));
          sent.delete(entry.sopInstanceUID);
        }
      expect(sent.size).toBe(0);

      // the replica: every byte is read, also of what was overwritten in place
      const copy = await openStore(replica.store);
      const healed = await healCopy({ source: store, copy, scratchDir: router.dataDir });
      expect(healed.sourceWrong).toEqual([]);
      expect(healed.onlyInCopy.length).toBeGreaterThan(0);
      for (const key of healed.onlyInCopy) expect(key).toMatch(/\.locked$/);
      for (const key of healed.onlyInCopy) rmSync(join(copyDir, key));
      for await (const finding of verify({ store: copy, strayAgeMs: 0 })) expect(finding).toBeUndefined();
      expect(await contentsOf(copy)).toEqual(before);
      owned.close();
      await store.close();
    } finally {
      bucket.close();
      theirs.close();
      made.close();
      await router.close().catch(() => undefined);
      rmSync(copyDir, { recursive: true, force: true });
    }
  });
});

/** SHA-256 of everything that counts, by key. */
async function contentsOf(store: ObjectStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const prefix of ['objects/', 'manifests/', 'metadata/', 'seals/', 'lifeboat.json'])
    for await (const { key } of store.list(prefix))
      found.set(
        key,
        createHash('sha256')
          .update(await store.get(key))
          .digest('hex'),
      );
  return found;
}

/** What else somebody with the everyday key might try. */
const ATTACKS: ((client: Client, bucket: string) => Promise<unknown>)[] = [
  (client, bucket) => client.setBucketVersioning(bucket, { Status: 'Suspended' }),
  (client, bucket) =>
    client.setBucketLifecycle(bucket, {
      Rule: [{ ID: 'x', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } }],
    } as Parameters<Client['setBucketLifecycle']>[1]),
  (client, bucket) => client.setBucketPolicy(bucket, JSON.stringify({ Version: '2012-10-17', Statement: [] })),
  (client, bucket) => client.removeBucket(bucket),
];
