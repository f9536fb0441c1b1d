import { OBJECTS } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';

/** What a look at one of the 256 shards of `objects/` remembers. */
export interface ShardLook {
  /** Images there, those left out that were removed rightfully. */
  count: number;
  /** Time of the newest one, ms, by the store's clock. */
  newestMs: number;
  /** Keys that removal records of this shard name. */
  removed: number;
}

export interface ShardChange {
  look: ShardLook;
  /** Deleted or written over since the look before, as far as a count and times tell; never too many. */
  suspicious: number;
}

/**
 * Lists a shard and compares it with the look before. Images are only ever added: what is newer than that look must be as many as
 * there are more. Ten deleted and ten new ones are ten suspicious ones; ten written over too. Throws STORE_UNAVAILABLE.
 * @param removed keys that were removed rightfully, by removal records
 * @param mended keys that were written anew by a repair
 */
export async function lookAtShard(
  store: ObjectStore,
  shard: string,
  before: ShardLook | null,
  removed: ReadonlySet<string>,
  mended: ReadonlySet<string>,
): Promise<ShardChange> {
  const look: ShardLook = { count: 0, newestMs: before?.newestMs ?? 0, removed: removed.size };
  let fresh = 0;
  for await (const { key, modifiedMs = 0 } of store.list(`${OBJECTS}${shard}/`)) {
    // a renamed file is none of ours any more
    if (!key.endsWith('.dcm') || removed.has(key)) continue;
    look.count++;
    if (before && modifiedMs > before.newestMs && !mended.has(key)) fresh++;
    look.newestMs = Math.max(look.newestMs, modifiedMs);
  }
  if (!before) return { look, suspicious: 0 };
  const expected = before.count - Math.max(0, look.removed - before.removed);
  return { look, suspicious: Math.max(0, fresh - (look.count - expected)) };
}
