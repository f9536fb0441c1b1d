import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { FileStore } from '../../storage/stores/file-store.ts';
import { S3Store } from '../../storage/stores/s3-store.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';
import { objectStoreConformance } from '../support/object-store-conformance.ts';

describe('embedded file store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-store-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  objectStoreConformance(() => FileStore.open(folder));
});

describe.skipIf(!cephAvailable())('S3 store on Ceph RADOS Gateway', () => {
  let ceph: CephS3;
  beforeAll(async () => {
    ceph = await CephS3.start('memstore');
  });
  afterAll(() => ceph?.stop());
  objectStoreConformance(async () => new S3Store(ceph.storeConfig('conformance')));
});
