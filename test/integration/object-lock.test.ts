import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LockVerdict, RetentionAnswer } from '../../contract/retention.ts';
import { tryLock } from '../../storage/policy/canary.ts';
import { VersionedBucket } from '../../storage/policy/versioned-bucket.ts';
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
});
