import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import { contentId } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import { keysInStore, REMOVALS, type RemovalRecord, readRemoval, type TrustedKeys } from './removal-record.ts';

/** What valid removal records name. */
export interface Removed {
  /** By `contentId`. */
  contents: Map<string, RemovalRecord>;
  /** Object keys. */
  keys: Set<string>;
  /** Records that do not count, with the reason. */
  refused: LifeboatError[];
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
  const removed: Removed = { contents: new Map(), keys: new Set(), refused: [] };
  for (const key of records) {
    try {
      const record = await readRemoval(store, key, trusted);
      for (const instance of record.instances) {
        removed.contents.set(contentId(instance), record);
        removed.keys.add(instance.key);
      }
    } catch (error) {
      const known = asLifeboatError(error);
      if (!['MANIFEST_DAMAGED', 'OBJECT_NOT_FOUND', 'BAD_REQUEST'].includes(known.code)) throw error;
      removed.refused.push(known);
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
