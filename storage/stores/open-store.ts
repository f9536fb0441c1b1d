import type { ObjectStore } from '../object-store.ts';
import { FileStore } from './file-store.ts';
import type { S3Config, S3Timeouts } from './s3-client.ts';

export type StoreConfig = { kind: 'file'; dir: string } | ({ kind: 's3' } & S3Config);
export type OpenOptions = Pick<S3Timeouts, 'signal'>;

/**
 * An S3 store is not asked yet: it may be away now and there later. Its client (40 MiB in every thread) is loaded
 * only here. After `signal` nothing waits for a store that is away. Throws STORE_UNAVAILABLE for an unusable folder.
 */
export async function openStore(config: StoreConfig, options: OpenOptions = {}): Promise<ObjectStore> {
  if (config.kind === 'file') return FileStore.open(config.dir);
  const { S3Store } = await import('./s3-store.ts');
  return new S3Store(config, options);
}
