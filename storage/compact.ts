import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import { manifestPrefix, metadataKeyOf } from './keys.ts';
import { contentId } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import {
  type DescribedInstance,
  type ManifestSegment,
  readManifestSegment,
  readMetadataSegment,
  writeSegments,
} from './segments.ts';

export interface CompactOptions {
  /** Only when so many segments would become one. Default 8. */
  minSegments?: number;
  /** Only when the newest segment is so old, ms: a study that still grows is left alone. Default ten minutes. */
  quietMs?: number;
}

interface WholeSegment extends ManifestSegment {
  key: string;
  /** Metadata text by `contentId`; every line of the segment has one. */
  metadata: Map<string, string>;
}

/**
 * Merges the segments of a study into one that names them in `replaces`; deletes nothing (see `removeReplaced`). A segment
 * that cannot be read whole, its metadata included, is neither merged nor named. Running it again changes nothing.
 * @returns the key of the new manifest segment; null when there was nothing to do
 * @throws STORE_UNAVAILABLE
 */
export async function compactStudy(
  store: ObjectStore,
  studyInstanceUID: string,
  options: CompactOptions = {},
): Promise<string | null> {
  const { minSegments = 8, quietMs = 600_000 } = options;
  const segments = await readWhole(store, studyInstanceUID);
  const replaced = new Set(segments.flatMap(({ header }) => header.replaces ?? []));
  const live = segments.filter(({ key }) => !replaced.has(key));
  const newest = Math.max(...segments.map(({ header }) => Date.parse(header.createdAt)));
  if (live.length < Math.max(2, minSegments) || !(newest <= Date.now() - quietMs)) return null;
  const replaces = [...new Set(live.flatMap(({ key, header }) => [key, ...(header.replaces ?? [])]))].sort();
  return writeSegments(store, studyInstanceUID, distinctLines(live), replaces);
}

/**
 * Deletes segments that another one replaces, once that one is `graceMs` old, so that no reader still holds an older list.
 * Each is deleted only after it and its replacement were read whole and every line and metadata text was found again.
 * @param graceMs default one hour
 * @returns keys of the deleted manifest segments
 * @throws STORE_UNAVAILABLE
 */
export async function removeReplaced(
  store: ObjectStore,
  studyInstanceUID: string,
  graceMs = 3_600_000,
): Promise<string[]> {
  const segments = await readWhole(store, studyInstanceUID);
  const removed: string[] = [];
  for (const old of segments) {
    const safe = segments.some(
      (other) =>
        other.header.replaces?.includes(old.key) &&
        !removed.includes(other.key) &&
        Date.parse(other.header.createdAt) <= Date.now() - graceMs &&
        holdsAll(other, old),
    );
    if (!safe) continue;
    await store.delete(old.key);
    await store.delete(metadataKeyOf(old.key));
    removed.push(old.key);
  }
  return removed;
}

/** Every segment of the study that can be read whole. */
async function readWhole(store: ObjectStore, studyInstanceUID: string): Promise<WholeSegment[]> {
  const whole: WholeSegment[] = [];
  for await (const { key } of store.list(manifestPrefix(studyInstanceUID))) {
    try {
      const segment = await readManifestSegment(store, key);
      const lines = await readMetadataSegment(store, metadataKeyOf(key));
      const metadata = new Map(lines.map((line) => [contentId(line), line.json]));
      if (segment.entries.some((entry) => !metadata.has(contentId(entry)))) throw new LifeboatError('MANIFEST_DAMAGED');
      whole.push({ ...segment, key, metadata });
    } catch (thrown) {
      // left as it is: readers and `verify` name it
      if (!['MANIFEST_DAMAGED', 'OBJECT_NOT_FOUND'].includes(asLifeboatError(thrown).code)) throw thrown;
    }
  }
  return whole;
}

/** Also lines that speak of one content twice stay: each names an object. */
function distinctLines(segments: WholeSegment[]): DescribedInstance[] {
  const lines = new Map<string, DescribedInstance>();
  for (const { entries, metadata } of segments) {
    for (const entry of entries) lines.set(JSON.stringify(entry), { entry, metadata: metadata.get(contentId(entry))! });
  }
  return [...lines.values()];
}

function holdsAll(other: WholeSegment, old: WholeSegment): boolean {
  const lines = new Set(other.entries.map((entry) => JSON.stringify(entry)));
  return old.entries.every(
    (entry) =>
      lines.has(JSON.stringify(entry)) && other.metadata.get(contentId(entry)) === old.metadata.get(contentId(entry)),
  );
}
