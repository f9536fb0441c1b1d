import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFESTS, METADATA, OBJECTS } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { FileStore } from './stores/file-store.ts';
import { checkFile, checkObject, type ObjectCheck } from './verify-hash.ts';
import { checkSegment, type SegmentCheck } from './verify-segments.ts';

/** Keys of one study, in key order. */
export interface StudyKeys {
  /** `<hh>/<study>/`, or what stands there where no study can be. */
  path: string;
  manifests: string[];
  metadata: string[];
  objects: string[];
}

/** What checking asks of a store; the same here and in a thread of its own. Nothing here throws but `list`. */
export interface StudyReader {
  /** Throws STORE_UNAVAILABLE. */
  list(path: string): Promise<StudyKeys>;
  segment(key: string, path: string): Promise<SegmentCheck>;
  check(keys: string[]): Promise<ObjectCheck[]>;
}

/** Objects read at once over a network. */
const CHECKS_IN_FLIGHT = 8;

export function readerOf(store: ObjectStore): StudyReader {
  const segment = (key: string, path: string) => checkSegment(store, key, path);
  if (store instanceof FileStore)
    return {
      segment,
      list: async (path) => {
        await store.ping();
        return {
          path,
          manifests: filesBelow(store, MANIFESTS + path),
          metadata: filesBelow(store, METADATA + path),
          objects: filesBelow(store, OBJECTS + path),
        };
      },
      check: async (keys) => keys.map((key) => checkFile(store, key)),
    };
  return {
    segment,
    list: async (path) => ({
      path,
      manifests: await keysBelow(store, MANIFESTS + path),
      metadata: await keysBelow(store, METADATA + path),
      objects: await keysBelow(store, OBJECTS + path),
    }),
    check: (keys) => inLanes(keys, CHECKS_IN_FLIGHT, (key) => checkObject(store, key)),
  };
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** Names alone: a stat for each would cost more than reading a small object. */
function filesBelow(store: FileStore, prefix: string): string[] {
  const keys: string[] = [];
  const walk = (folder: string) => {
    const found = readdirSync(join(store.root, folder), { withFileTypes: true });
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of found) {
      if (entry.isDirectory()) walk(`${folder}${entry.name}/`);
      else if (entry.isFile()) keys.push(folder + entry.name);
    }
  };
  try {
    walk(prefix);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  return keys;
}

/** Results in the order of the items, at most `lanes` at work. */
export async function inLanes<T, R>(items: T[], lanes: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const mine = next++;
      results[mine] = await work(items[mine]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  return results;
}
