import { asLifeboatError } from '../../contract/errors.ts';
import { contentId } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import { keysInStore, REMOVALS, type RemovalRecord, readRemoval, type TrustedKeys } from './removal-record.ts';

/** What valid removal records name. */
export interface Removed {
  /** By `contentId`. */
  contents: Map<string, RemovalRecord>;
  /** Object keys. */
  keys: Set<string>;
}

/**
 * What was removed rightfully, as the records of these keys say. One that is forged, damaged or gone names nothing: then what it
 * should explain is not explained. Throws STORE_UNAVAILABLE.
 */
export async function removedBy(
  store: ObjectStore,
  records: Iterable<string>,
  trusted: TrustedKeys = keysInStore(store),
): Promise<Removed> {
  const removed: Removed = { contents: new Map(), keys: new Set() };
  for (const key of records) {
    try {
      const record = await readRemoval(store, key, trusted);
      for (const instance of record.instances) {
        removed.contents.set(contentId(instance), record);
        removed.keys.add(instance.key);
      }
    } catch (error) {
      const { code } = asLifeboatError(error);
      if (code !== 'MANIFEST_DAMAGED' && code !== 'OBJECT_NOT_FOUND' && code !== 'BAD_REQUEST') throw error;
    }
  }
  return removed;
}

/** Object keys that the removal records of one shard name. Throws STORE_UNAVAILABLE. */
export async function removedInShard(store: ObjectStore, shard: string, trusted?: TrustedKeys): Promise<Set<string>> {
  return (await removedBy(store, await recordsBelow(store, `${REMOVALS}${shard}/`), trusted)).keys;
}

/** Keys of removal records, in key order. Throws STORE_UNAVAILABLE. */
export async function recordsBelow(store: ObjectStore, prefix = REMOVALS): Promise<string[]> {
  const records: string[] = [];
  for await (const { key } of store.list(prefix)) if (key.endsWith('.json')) records.push(key);
  return records;
}
