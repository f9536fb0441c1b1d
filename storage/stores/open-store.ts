import type { ObjectStore } from '../object-store.ts';
import { FileStore } from './file-store.ts';
import { type S3Config, S3Store } from './s3-store.ts';

export type StoreConfig = { kind: 'file'; dir: string } | ({ kind: 's3' } & S3Config);

/** An S3 store is not asked yet: it may be away now and there later. Throws STORE_UNAVAILABLE for an unusable folder. */
export async function openStore(config: StoreConfig): Promise<ObjectStore> {
  return config.kind === 'file' ? FileStore.open(config.dir) : new S3Store(config);
}
