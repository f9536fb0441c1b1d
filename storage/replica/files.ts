import { asLifeboatError } from '../../contract/errors.ts';
import type { CopyParts } from './copy.ts';
import type { ReplicaState } from './replica-state.ts';

/** Keys that are copied beside objects, manifests and metadata. */
export function isFileKey(key: string): boolean {
  return /^(seals|removals|holds|lifeboat|viewer)\/./.test(key);
}

/** Seals are written once; what lifeboat mode publishes is written anew under the same key at times. */
export function mayChange(key: string): boolean {
  return !/^(seals|removals|holds)\//.test(key);
}

/** Copies one such key as it is now. Nothing happens when it is gone. Throws STORE_UNAVAILABLE. */
export async function copyFile(parts: CopyParts, state: ReplicaState, key: string): Promise<void> {
  const info = await parts.source.head(key);
  if (!info || !isFileKey(key)) return;
  if (!mayChange(key) && (await parts.replica.head(key))) return;
  await parts.take(info.size);
  try {
    await parts.replica.put(key, await parts.source.get(key));
  } catch (error) {
    if (asLifeboatError(error).code !== 'OBJECT_NOT_FOUND') throw error;
    return;
  }
  state.fileCopied(info);
}
