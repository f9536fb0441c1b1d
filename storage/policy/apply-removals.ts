import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import type { Catalogue } from '../catalogue/catalogue-types.ts';
import { contentId, mergeEntries } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import { keysInStore, type TrustedKeys } from './removal-record.ts';
import { type Removed, removedBy } from './removed.ts';
import { currentSegments, readStudySegments, type StudySegments } from './study-segments.ts';

const MAX_TRIES = 10;

/**
 * Brings a study's rightful removals into the catalogue, which otherwise only adds: when it has what valid removal records name and
 * no current manifest does, the study is put in anew as its manifests tell it. To run it again is harmless.
 * @param damaged takes a segment that cannot be read: then nothing changes, for what it names is not known
 * @param trusted whose signature counts; absent: keys that lie in the store
 * @param refused takes removal records that do not count
 * @returns false when something could not be done because of these, or because the study kept changing: to be tried again later
 * @throws STORE_UNAVAILABLE, CATALOGUE_UNAVAILABLE
 */
export async function applyRemovals(
  store: ObjectStore,
  catalogue: Catalogue,
  studyInstanceUID: string,
  damaged: LifeboatError[],
  trusted: TrustedKeys = keysInStore(store),
  refused: LifeboatError[] = [],
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    // first: what comes into the catalogue has its manifest in the store already
    const shown = await catalogue.contents(studyInstanceUID);
    const segments = await readAll(store, studyInstanceUID, damaged);
    if (segments === 'changed') continue;
    if (!segments) return false;
    const removed = await removedIn(store, segments, trusted);
    const stays = staysOf(segments, removed, shown.map(contentId));
    if (!stays || (await catalogue.replaceStudy(studyInstanceUID, new Set(shown.map(contentId)), stays))) {
      refused.push(...removed.refused);
      return removed.refused.length === 0;
    }
  }
  return false;
}

async function readAll(
  store: ObjectStore,
  studyInstanceUID: string,
  damaged: LifeboatError[],
): Promise<StudySegments | 'changed' | null> {
  try {
    return await readStudySegments(store, studyInstanceUID);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    // it was swept or compacted away since it was listed
    if (error.code === 'OBJECT_NOT_FOUND') return 'changed';
    if (error.code === 'STORE_UNAVAILABLE') throw error;
    damaged.push(error);
    return null;
  }
}

function removedIn(store: ObjectStore, segments: StudySegments, trusted: TrustedKeys): Promise<Removed> {
  const records = new Set([...segments.values()].flatMap(({ header }) => header.removals ?? []));
  return removedBy(store, records, trusted);
}

/** null: the catalogue has nothing that was removed. */
function staysOf(segments: StudySegments, { contents }: Removed, shown: readonly string[]) {
  const current = mergeEntries(currentSegments(segments).map(([, { entries }]) => entries));
  const named = new Set(current.map(contentId));
  if (!shown.some((id) => contents.has(id) && !named.has(id))) return null;
  // what a forged segment would hide stays: only what the records name goes
  return mergeEntries([...segments.values()].map(({ entries }) => entries)).filter(
    (entry) => named.has(contentId(entry)) || !contents.has(contentId(entry)),
  );
}

interface ApplyOptions {
  store: ObjectStore;
  catalogue: Catalogue;
  signal?: AbortSignal;
  trusted?: TrustedKeys;
}

/**
 * Segments that tell of removals count as read only when the catalogue has followed them: a router killed in between does it again.
 * @param segments study by segment key
 * @returns how many count as read now
 */
export async function applyRemovalSegments(
  { store, catalogue, signal, trusted }: ApplyOptions,
  segments: ReadonlyMap<string, string>,
  damaged: LifeboatError[],
  refused: LifeboatError[],
): Promise<number> {
  const followed = new Set<string>();
  for (const uid of new Set(segments.values())) {
    if (signal?.aborted) break;
    if (await applyRemovals(store, catalogue, uid, damaged, trusted, refused)) followed.add(uid);
  }
  const complete = [...segments].filter(([, uid]) => followed.has(uid)).map(([key]) => key);
  if (complete.length > 0) await catalogue.apply([], complete);
  return complete.length;
}
