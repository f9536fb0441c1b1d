import { manifestPrefix } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { type ManifestSegment, readManifestSegment } from '../segments.ts';

/** Manifest segments of one study by key. */
export type StudySegments = ReadonlyMap<string, ManifestSegment>;

/** All manifest segments of a study, replaced ones too. Throws OBJECT_NOT_FOUND (one went meanwhile), MANIFEST_DAMAGED, STORE_UNAVAILABLE. */
export async function readStudySegments(store: ObjectStore, studyInstanceUID: string): Promise<StudySegments> {
  const segments = new Map<string, ManifestSegment>();
  for await (const { key } of store.list(manifestPrefix(studyInstanceUID)))
    segments.set(key, await readManifestSegment(store, key));
  return segments;
}

/** Keys that one of the segments replaces: readers skip these. */
export function replacedBy(segments: StudySegments): Set<string> {
  return new Set([...segments.values()].flatMap(({ header }) => header.replaces ?? []));
}

/** The segments that count: those that no other one replaces. */
export function currentSegments(segments: StudySegments): [string, ManifestSegment][] {
  const replaced = replacedBy(segments);
  return [...segments].filter(([key]) => !replaced.has(key));
}
