import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { ARCHIVE_KEY, checkArchive } from '../format/lifeboat-archive.ts';
import { MERGED_HEAD, unpackHead } from '../format/lifeboat-index-head.ts';
import type { CopyParts } from './copy.ts';
import type { ReplicaState } from './replica-state.ts';

/**
 * Keys that are copied beside objects, manifests and metadata. `viewer/` is not among them: what it holds is run by browsers into
 * which people type a credential, and nothing in the store says what it should be. The router publishes the viewer into the
 * replica from its own build.
 */
export function isFileKey(key: string): boolean {
  return /^(seals|removals|holds|lifeboat)\/./.test(key);
}

/** Everything is written once, but for the two objects of the search index that are written anew under the same key. */
export function mayChange(key: string): boolean {
  return key === MERGED_HEAD || key === ARCHIVE_KEY;
}

/**
 * Copies one such key as it is now. Nothing happens when it is gone, nor where the replica has what is written only once. What
 * may change replaces the replica's only when it is what it should be: an index head that can be read, a description whose
 * signature is right. @throws OBJECT_DAMAGED when it is not, STORE_UNAVAILABLE
 */
export async function copyFile(parts: CopyParts, state: ReplicaState, key: string): Promise<void> {
  const info = await parts.source.head(key);
  if (!info || !isFileKey(key)) return;
  if (!mayChange(key) && (await parts.replica.head(key))) return;
  await parts.take(info.size);
  let bytes: Buffer;
  try {
    bytes = await parts.source.get(key);
  } catch (error) {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return;
    throw error;
  }
  if (mayChange(key)) await refuseForged(key, bytes);
  await parts.replica.put(key, bytes);
  state.fileCopied(info);
}

async function refuseForged(key: string, bytes: Uint8Array): Promise<void> {
  try {
    if (key === MERGED_HEAD) unpackHead(bytes, key);
    else if ((await checkArchive(bytes)).signature === 'invalid')
      throw new LifeboatError('OBJECT_DAMAGED', ': its signature is wrong');
  } catch (thrown) {
    throw new LifeboatError(
      'OBJECT_DAMAGED',
      `${key} in the first store is not what a router writes; the replica keeps what it has. ${asLifeboatError(thrown).message}`,
    );
  }
}
