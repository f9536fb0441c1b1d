import { LifeboatError } from '../../contract/errors.ts';
import { metadataKeyOf } from '../keys.ts';
import { mergeEntries } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import type { SealKey } from '../seal-key.ts';
import { writeSegments } from '../segments.ts';
import { isHeld } from './holds.ts';
import { type RemovalReasons, writeRemoval } from './removal-record.ts';
import { currentSegments, readStudySegments, replacedBy } from './study-segments.ts';

export interface RemovedStudy {
  record: string;
  segment: string;
  instances: number;
  bytes: number;
}

/**
 * Takes a study out of the archive: a signed removal record, then a manifest segment without lines that replaces all others and
 * names the record. Readers skip what is replaced, so the study is gone for them; its bytes go later (`sweepRemoved`). What another
 * router writes meanwhile is not named and stays.
 * @returns null when nothing of it is left to be removed
 * @throws CONFLICT (it is held), MANIFEST_DAMAGED (a segment cannot be read: what it names is not known), STORE_UNAVAILABLE
 */
export async function removeStudy(
  store: ObjectStore,
  key: SealKey,
  studyInstanceUID: string,
  reasons: RemovalReasons,
): Promise<RemovedStudy | null> {
  if (await isHeld(store, studyInstanceUID))
    throw new LifeboatError('CONFLICT', 'This study is under legal hold and is not removed.');
  const segments = await readStudySegments(store, studyInstanceUID);
  const open = currentSegments(segments);
  const entries = mergeEntries(open.map(([, segment]) => segment.entries));
  if (entries.length === 0) return null;
  const record = await writeRemoval(store, key, studyInstanceUID, entries, reasons);
  const removals = new Set(open.flatMap(([, { header }]) => header.removals ?? [])).add(record);
  const replaces = new Set([...segments.keys(), ...replacedBy(segments)]);
  const segment = await writeSegments(store, studyInstanceUID, [], [...replaces].sort(), [...removals].sort());
  return {
    record,
    segment,
    instances: entries.length,
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Keys of both segments of a name. */
export function segmentPair(manifest: string): string[] {
  return [metadataKeyOf(manifest), manifest];
}
