import { asLifeboatError } from '../contract/errors.ts';
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
  /** The new segment has at most so many lines, and one that has half of them is not merged again. Default 2,000. */
  maxLines?: number;
}

/** A manifest segment without its metadata. */
interface KeyedSegment extends ManifestSegment {
  key: string;
}

interface WholeSegment extends KeyedSegment {
  /** Metadata text by `contentId`; every line of the segment has one. */
  metadata: Map<string, string>;
}

/**
 * Merges segments of a study into one that names them in `replaces`; deletes nothing (see `removeReplaced`). A segment that
 * cannot be read whole, its metadata included, is neither merged nor named. Whoever else writes or compacts at the same time
 * does no harm: what appears meanwhile is not named. Running it again changes nothing.
 * @returns the key of the new manifest segment and how many it replaces; null when there was nothing to do
 * @throws STORE_UNAVAILABLE
 */
export async function compactStudy(
  store: ObjectStore,
  studyInstanceUID: string,
  options: CompactOptions = {},
): Promise<{ key: string; merged: number } | null> {
  const { minSegments = 8, quietMs = 600_000, maxLines = 2000 } = options;
  const segments = await readManifests(store, studyInstanceUID);
  const newest = Math.max(...segments.map(({ header }) => Date.parse(header.createdAt)));
  if (!(newest <= Date.now() - quietMs)) return null;
  const replaced = new Set(segments.flatMap(({ header }) => header.replaces ?? []));
  // a segment that tells of removals stays as it is
  const open = segments.filter(
    ({ key, header, entries }) => !replaced.has(key) && !header.removals && entries.length <= maxLines / 2,
  );
  const merged: WholeSegment[] = [];
  let lines = 0;
  for (const segment of open) {
    if (lines + segment.entries.length > maxLines) break;
    const whole = await withMetadata(store, segment);
    if (!whole) continue;
    merged.push(whole);
    lines += segment.entries.length;
  }
  if (merged.length < Math.max(2, minSegments)) return null;
  const replaces = [...new Set(merged.flatMap(({ key, header }) => [key, ...(header.replaces ?? [])]))].sort();
  const key = await writeSegments(store, studyInstanceUID, distinctLines(merged), replaces);
  return { key, merged: merged.length };
}

/**
 * Deletes segments that another one replaces, once that one is `graceMs` old, so that no reader still holds an older list.
 * Each is deleted only after it and its replacement were read whole and every line and metadata text was found again.
 * @param graceMs default one hour
 * @returns keys of the deleted manifest segments
 * @throws STORE_UNAVAILABLE, also when the store does not let go of a segment
 */
export async function removeReplaced(
  store: ObjectStore,
  studyInstanceUID: string,
  graceMs = 3_600_000,
): Promise<string[]> {
  const segments = new Map((await readManifests(store, studyInstanceUID)).map((segment) => [segment.key, segment]));
  const removed = new Set<string>();
  for (const { key, header } of segments.values()) {
    const named = (header.replaces ?? []).filter((old) => segments.has(old) && !removed.has(old));
    if (named.length === 0 || removed.has(key) || Date.parse(header.createdAt) > Date.now() - graceMs) continue;
    // read again: what a deletion rests on must be there now
    const replacement = await readWhole(store, key);
    if (!replacement) continue;
    for (const old of named) {
      const segment = await readWhole(store, old);
      if (!segment || !holdsAll(replacement, segment)) continue;
      await store.delete(old);
      await store.delete(metadataKeyOf(old));
      removed.add(old);
    }
  }
  return [...removed];
}

/** Every manifest segment of the study that can be read, in key order. */
async function readManifests(store: ObjectStore, studyInstanceUID: string): Promise<KeyedSegment[]> {
  const found: KeyedSegment[] = [];
  for await (const { key } of store.list(manifestPrefix(studyInstanceUID))) {
    const segment = await unlessUnreadable(readManifestSegment(store, key));
    if (segment) found.push({ ...segment, key });
  }
  return found;
}

async function readWhole(store: ObjectStore, key: string): Promise<WholeSegment | null> {
  const segment = await unlessUnreadable(readManifestSegment(store, key));
  return segment && withMetadata(store, { ...segment, key });
}

/** null when a line has no metadata. */
async function withMetadata(store: ObjectStore, segment: KeyedSegment): Promise<WholeSegment | null> {
  const lines = await unlessUnreadable(readMetadataSegment(store, metadataKeyOf(segment.key)));
  const metadata = new Map((lines ?? []).map((line) => [contentId(line), line.json]));
  if (segment.entries.some((entry) => !metadata.has(contentId(entry)))) return null;
  return { ...segment, metadata };
}

/** What is damaged or gone is left as it is: readers and `verify` name it. */
async function unlessUnreadable<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (thrown) {
    if (['MANIFEST_DAMAGED', 'OBJECT_NOT_FOUND'].includes(asLifeboatError(thrown).code)) return null;
    throw thrown;
  }
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
