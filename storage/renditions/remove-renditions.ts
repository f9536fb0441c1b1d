import type { ObjectStore } from '../object-store.ts';
import { objectsNamedBy, RENDITIONS, renditionPrefix } from './rendition-index.ts';

/** Keys of the renditions of a study that name one of these objects, or that nobody can read, and packs without an index. */
export async function renditionsOf(
  store: ObjectStore,
  studyInstanceUID: string,
  objects: ReadonlySet<string>,
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(renditionPrefix(studyInstanceUID))) keys.push(key);
  const goes: string[] = [];
  const kept = new Set<string>();
  for (const key of keys.filter((each) => each.endsWith('.json'))) {
    const named = await objectsNamedBy(store, key);
    if (named && !named.some((object) => objects.has(object))) kept.add(key.slice(0, -'.json'.length));
    else goes.push(key);
  }
  // the index first: nobody is led to a pack that is gone
  return [...goes, ...keys.filter((key) => !key.endsWith('.json') && !kept.has(key.slice(0, key.lastIndexOf('.'))))];
}

/**
 * Deletes renditions: of one study, or all. They can be made again at any time.
 * @returns how many objects of the store went
 * @throws STORE_UNAVAILABLE
 */
export async function deleteRenditions(store: ObjectStore, studyInstanceUID?: string): Promise<number> {
  const prefix = studyInstanceUID === undefined ? RENDITIONS : renditionPrefix(studyInstanceUID);
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  keys.sort((a, b) => Number(b.endsWith('.json')) - Number(a.endsWith('.json')));
  for (const key of keys) await store.delete(key);
  return keys.length;
}
