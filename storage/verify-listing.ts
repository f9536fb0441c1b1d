import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../contract/errors.ts';
import { MANIFESTS, METADATA, OBJECTS } from './keys.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { FileStore } from './stores/file-store.ts';
import { byStudy } from './study-groups.ts';
import type { StudyKeys } from './verify-reader.ts';

/** A study, or what stands in its place; `keys` are known already where the store lists them anyway. */
export interface FoundStudy {
  path: string;
  keys?: StudyKeys;
}

const ROOTS = [MANIFESTS, METADATA, OBJECTS] as const;
const SHARDS = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/**
 * Every study that has a segment or an object, by path, and whatever else lies below `objects/`, `manifests/` and `metadata/`
 * (in an embedded store after the studies). Holds one study's keys at a time. Throws STORE_UNAVAILABLE.
 * @param after a path: begin behind it
 */
export async function* studiesIn(store: ObjectStore, after = ''): AsyncGenerator<FoundStudy> {
  await store.ping();
  if (store instanceof FileStore) {
    for (const shard of SHARDS) if (shard >= after.slice(0, 2)) yield* foldersOfShard(store, shard, after);
    yield* foldersElsewhere(store);
    return;
  }
  yield* listedTogether(store, after);
}

function* foldersOfShard(store: FileStore, shard: string, after: string): Generator<FoundStudy> {
  const studies = new Set<string>();
  const loose: string[] = [];
  for (const root of ROOTS) {
    for (const { name, folder } of entriesOf(store, `${root}${shard}`)) {
      if (folder) studies.add(`${shard}/${name}/`);
      else loose.push(`${root}${shard}/${name}`);
    }
  }
  for (const path of [...studies].sort()) if (path > after) yield { path };
  for (const key of loose) yield asLoose(key);
}

function* foldersElsewhere(store: FileStore): Generator<FoundStudy> {
  const folders = new Set<string>();
  for (const root of ROOTS) {
    for (const { name, folder } of entriesOf(store, root)) {
      if (!folder) yield asLoose(root + name);
      else if (!SHARDS.includes(name)) folders.add(`${name}/`);
    }
  }
  for (const path of [...folders].sort()) yield { path };
}

function entriesOf(store: FileStore, folder: string): { name: string; folder: boolean }[] {
  try {
    return readdirSync(join(store.root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isFile())
      .map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new LifeboatError('STORE_UNAVAILABLE', `: ${message}`, { cause: error });
  }
}

function asLoose(key: string): FoundStudy {
  const keys: StudyKeys = { path: key, manifests: [], metadata: [], objects: [] };
  if (key.startsWith(MANIFESTS)) keys.manifests.push(key);
  else if (key.startsWith(METADATA)) keys.metadata.push(key);
  else keys.objects.push(key);
  return { path: key, keys };
}

async function* listedTogether(store: ObjectStore, after: string): AsyncGenerator<FoundStudy> {
  // `~` is greater than whatever a key may hold
  const groups = ROOTS.map((root) => byStudy(store.list(root, after && `${root}${after}~`), root));
  const heads = await Promise.all(groups.map((group) => group.next()));
  for (;;) {
    const paths = heads.flatMap((head) => (head.done ? [] : [head.value.path]));
    if (paths.length === 0) return;
    const path = paths.sort()[0]!;
    const [manifests, metadata, objects] = heads.map((head) =>
      !head.done && head.value.path === path ? head.value.items.map(({ key }: ObjectInfo) => key) : [],
    ) as [string[], string[], string[]];
    await Promise.all(
      heads.map(async (head, i) => {
        if (!head.done && head.value.path === path) heads[i] = await groups[i]!.next();
      }),
    );
    if (path > after) yield { path, keys: { path, manifests, metadata, objects } };
  }
}
