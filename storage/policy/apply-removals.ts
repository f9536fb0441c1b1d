import type { Catalogue } from '../catalogue/catalogue-types.ts';
import { manifestPrefix } from '../keys.ts';
import { contentId, mergeEntries } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import { type ManifestSegment, readManifestSegment } from '../segments.ts';
import { removedBy } from './removed.ts';

/**
 * Brings a study's rightful removals into the catalogue, which otherwise only adds: when it has what valid removal records name and
 * no current manifest does, the study is put in anew as its manifests tell it. To run it again is harmless.
 * @throws STORE_UNAVAILABLE, CATALOGUE_UNAVAILABLE, MANIFEST_DAMAGED
 */
export async function applyRemovals(store: ObjectStore, catalogue: Catalogue, studyInstanceUID: string): Promise<void> {
  const segments = new Map<string, ManifestSegment>();
  for await (const { key } of store.list(manifestPrefix(studyInstanceUID)))
    segments.set(key, await readManifestSegment(store, key));
  const replaced = new Set([...segments.values()].flatMap(({ header }) => header.replaces ?? []));
  const records = new Set([...segments.values()].flatMap(({ header }) => header.removals ?? []));
  const { contents } = await removedBy(store, records);
  const current = mergeEntries([...segments].filter(([key]) => !replaced.has(key)).map(([, { entries }]) => entries));
  const named = new Set(current.map(contentId));
  const shown = await catalogue.contents(studyInstanceUID);
  if (!shown.some((content) => contents.has(contentId(content)) && !named.has(contentId(content)))) return;
  // what a forged segment would hide stays: only what the records name goes
  const stays = mergeEntries([...segments.values()].map(({ entries }) => entries)).filter(
    (entry) => named.has(contentId(entry)) || !contents.has(contentId(entry)),
  );
  await catalogue.removeStudy(studyInstanceUID);
  await catalogue.apply(stays);
}
