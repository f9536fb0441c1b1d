import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../../contract/errors.ts';
import { FORMAT_KEY } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { type OpenOptions, openStore, type StoreConfig } from '../stores/open-store.ts';

/** For people. */
export function describeReplica(config: StoreConfig): string {
  return config.kind === 'file' ? `file:${config.dir}` : `s3://${config.bucket} at ${config.endpoint}`;
}

/**
 * Opens a replica that was written to before. A folder without its `lifeboat.json` is not made: its disk is not mounted, or it
 * is another one. After `signal` nothing waits for a bucket that is away. Throws STORE_UNAVAILABLE.
 */
export async function openKnownReplica(config: StoreConfig, options: OpenOptions = {}): Promise<ObjectStore> {
  if (config.kind === 'file' && !existsSync(join(config.dir, FORMAT_KEY))) throw notThere(describeReplica(config));
  return openStore(config, options);
}

export function notThere(description: string): LifeboatError {
  return new LifeboatError(
    'STORE_UNAVAILABLE',
    `The replica ${description} was there before and has no ${FORMAT_KEY} now: its disk is not mounted, or it was emptied. ` +
      'If it is to be filled anew, run `lifeboat replicate --begin-anew`.',
  );
}
