import { asLifeboatError } from '../../contract/errors.ts';
import { MANIFESTS, OBJECTS, studyPath } from '../keys.ts';
import { contentId } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import { renditionsOf } from '../renditions/remove-renditions.ts';
import { writtenAt } from '../replica/compare.ts';
import { isHeld } from './holds.ts';
import { type RemovalRecord, readRemoval, type TrustedKeys } from './removal-record.ts';
import { segmentPair } from './remove-study.ts';
import { recordsBelow } from './removed.ts';
import { currentSegments, readStudySegments, replacedBy } from './study-segments.ts';
import { liftMark, placeMark, RENEW_MARK_MS } from './sweep-mark.ts';
import type { VersionedBucket } from './versioned-bucket.ts';

export interface SweepOptions {
  store: ObjectStore;
  /** Where the store keeps versions: these go too, as far as nothing locks them. */
  bucket?: VersionedBucket;
  trusted: TrustedKeys;
  /** So old a removal must be before its bytes go, ms: no reader holds an older list any more. Default one hour. */
  graceMs?: number;
  signal?: AbortSignal;
  onRecord?(record: RemovalRecord): void;
}

export interface SweepResult {
  records: number;
  objects: number;
  bytes: number;
  segments: number;
  /** Versions that the store still locks. */
  locked: number;
  /** Records of studies that are held now, or that cannot be trusted. */
  skipped: { key: string; reason: string }[];
}

/**
 * Deletes the bytes of what was removed: objects that a removal record names and no current manifest does, their renditions, and the
 * replaced segments whose every line the records explain. May be broken off and run again. Throws STORE_UNAVAILABLE.
 */
export async function sweepRemoved(options: SweepOptions): Promise<SweepResult> {
  const { store, trusted, graceMs = 3_600_000, signal } = options;
  const result: SweepResult = { records: 0, objects: 0, bytes: 0, segments: 0, locked: 0, skipped: [] };
  for (const key of await recordsBelow(store)) {
    if (signal?.aborted) break;
    let record: RemovalRecord;
    try {
      record = await readRemoval(store, key, trusted);
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code === 'STORE_UNAVAILABLE') throw error;
      result.skipped.push({ key, reason: error.message });
      continue;
    }
    if (Date.parse(record.createdAt) > Date.now() - graceMs) continue;
    if (await isHeld(store, record.studyInstanceUID)) {
      result.skipped.push({ key, reason: 'its study is under legal hold' });
      continue;
    }
    await placeMark(store, record.studyInstanceUID);
    try {
      await sweepRecord(options, record, key, result);
    } finally {
      await liftMark(store, record.studyInstanceUID);
    }
    result.records++;
    options.onRecord?.(record);
  }
  return result;
}

async function sweepRecord(
  options: SweepOptions,
  record: RemovalRecord,
  key: string,
  result: SweepResult,
): Promise<void> {
  const { store } = options;
  const { studyInstanceUID } = record;
  let markedAt = Date.now();
  const segments = await readStudySegments(store, studyInstanceUID);
  const replaced = replacedBy(segments);
  // a router may be about to name an object that it found here: what comes in now must be written down first
  const { graceMs = 3_600_000 } = options;
  const late = [...segments].some(
    ([name, { header }]) =>
      !header.removals && writtenAt(name) > Math.max(Date.now() - graceMs, Date.parse(record.createdAt)),
  );
  if (late) {
    result.skipped.push({ key, reason: 'images of its study came again lately' });
    return;
  }
  // only where its segment is there did the removal come to its end
  if (![...segments.values()].some(({ header }) => header.removals?.includes(key))) return;
  const current = currentSegments(segments).flatMap(([, { entries }]) => entries);
  let named = new Set(current.map((entry) => entry.key));
  const sizes = new Map<string, number>();
  for await (const info of store.list(`${OBJECTS}${studyPath(studyInstanceUID)}/`)) sizes.set(info.key, info.size);
  for (const instance of record.instances) {
    if (Date.now() - markedAt > RENEW_MARK_MS) {
      markedAt = Date.now();
      await placeMark(store, studyInstanceUID);
      named = await namedNow(store, studyInstanceUID);
    }
    if (named.has(instance.key) || options.signal?.aborted) continue;
    if (!(await deleteKey(options, instance.key, sizes.has(instance.key), result))) continue;
    result.objects++;
    result.bytes += sizes.get(instance.key) ?? 0;
  }
  const gone = new Set(record.instances.map(({ key: object }) => object).filter((object) => !named.has(object)));
  for (const each of await renditionsOf(store, studyInstanceUID, gone)) await deleteKey(options, each, true, result);
  const explained = new Set([...current, ...record.instances].map(contentId));
  for (const [name, { entries }] of segments) {
    if (!replaced.has(name) || !entries.every((entry) => explained.has(contentId(entry)))) continue;
    for (const each of segmentPair(name)) {
      const deleted = await deleteKey(options, each, true, result);
      if (deleted && each.startsWith(MANIFESTS)) result.segments++;
    }
  }
}

/** Keys of objects that a current manifest names. */
async function namedNow(store: ObjectStore, studyInstanceUID: string): Promise<Set<string>> {
  const segments = await readStudySegments(store, studyInstanceUID);
  return new Set(currentSegments(segments).flatMap(([, { entries }]) => entries.map((entry) => entry.key)));
}

/** @returns whether something was deleted */
async function deleteKey(options: SweepOptions, key: string, isThere: boolean, result: SweepResult): Promise<boolean> {
  if (!options.bucket) {
    if (isThere) await options.store.delete(key);
    return isThere;
  }
  let deleted = false;
  let locked = false;
  for await (const version of options.bucket.versions(key)) {
    if (version.key !== key) continue;
    const { outcome } = await options.bucket.tryDelete(key, version.versionId);
    if (outcome === 'accepted') deleted ||= !version.isDeleteMarker;
    else locked = true;
  }
  if (locked) {
    result.locked++;
    // nobody sees it any more; its bytes go when the lock has ended
    if (isThere) await options.store.delete(key);
  }
  return deleted;
}
