import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { MANIFESTS } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { applyRemovalSegments } from './policy/apply-removals.ts';
import type { TrustedKeys } from './policy/removal-record.ts';
import { type ManifestSegment, readManifestSegment } from './segments.ts';

export interface RebuildProgress {
  /** Manifest segments read so far, and how many there are. */
  segments: number;
  ofSegments: number;
  studies: number;
  instances: number;
}

export interface RebuildOptions {
  store: ObjectStore;
  catalogue: Catalogue;
  /** Add to what the catalogue has instead of emptying it first. */
  keep?: boolean;
  signal?: AbortSignal;
  /** Whose removals count; absent: those signed with keys that lie in the store. */
  trusted?: TrustedKeys;
  onProgress?(progress: RebuildProgress): void;
}

export interface RebuildResult extends RebuildProgress {
  /** Segments that could not be read; everything else is in the catalogue. */
  damaged: LifeboatError[];
  /** Removals that do not count: what they name stays. */
  refused: LifeboatError[];
}

const READS_IN_FLIGHT = 8;
const APPLY_AT_ONCE = 500;

/**
 * Recreates the catalogue from the manifests in the store alone. A damaged segment is named in the result and costs only
 * its own lines. The catalogue counts as complete afterwards, unless aborted. Throws STORE_UNAVAILABLE and
 * CATALOGUE_UNAVAILABLE; to run it again is harmless.
 */
export async function rebuild(options: RebuildOptions): Promise<RebuildResult> {
  const { store, catalogue, signal, onProgress } = options;
  await store.ping();
  // Emptied before the list is read: what a running router commits in between is then in the list or comes after it.
  if (!options.keep) await catalogue.clear();
  const keys: string[] = [];
  for await (const { key } of store.list(MANIFESTS)) keys.push(key);
  const result: RebuildResult = {
    segments: 0,
    ofSegments: keys.length,
    studies: 0,
    instances: 0,
    damaged: [],
    refused: [],
  };
  let waiting: InstanceEntry[] = [];
  let complete: string[] = [];
  const gone: string[] = [];
  const removals = new Map<string, string>();
  const listed = new Set(keys);
  let lastStudy = '';
  const apply = async () => {
    const entries = waiting;
    const segments = complete;
    waiting = [];
    complete = [];
    await applyInParts(catalogue, entries, segments);
    onProgress?.({ ...result });
  };
  for (let at = 0; at < keys.length && !signal?.aborted; at += READS_IN_FLIGHT) {
    const turn = keys.slice(at, at + READS_IN_FLIGHT);
    const segments = await Promise.all(turn.map((key) => readSegment(store, key, result.damaged)));
    for (const [i, segment] of segments.entries()) {
      result.segments++;
      if (!segment) {
        gone.push(turn[i]!);
        continue;
      }
      if (segment.header.studyInstanceUID !== lastStudy) result.studies++;
      lastStudy = segment.header.studyInstanceUID;
      result.instances += segment.entries.length;
      waiting.push(...segment.entries);
      if (segment.header.removals) removals.set(turn[i]!, lastStudy);
      else complete.push(turn[i]!);
    }
    if (waiting.length >= APPLY_AT_ONCE) await apply();
  }
  for (const prefix of new Set(gone.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))) {
    if (signal?.aborted) break;
    // compaction replaced it since the list was read: its lines are in a segment that came later
    for await (const { key } of store.list(prefix)) {
      const segment = listed.has(key) ? null : await readSegment(store, key, result.damaged);
      if (segment) waiting.push(...segment.entries);
      if (segment?.header.removals) removals.set(key, segment.header.studyInstanceUID);
      else if (segment) complete.push(key);
    }
  }
  await apply();
  await applyRemovalSegments(options, removals, result.damaged, result.refused);
  if (!signal?.aborted) await catalogue.rebuilt?.();
  return result;
}

/** Entries in transactions of a bearable size; the segments count as read with the last of them. */
export async function applyInParts(catalogue: Catalogue, entries: InstanceEntry[], segments: string[]): Promise<void> {
  let at = 0;
  for (; at + APPLY_AT_ONCE < entries.length; at += APPLY_AT_ONCE) {
    await catalogue.apply(entries.slice(at, at + APPLY_AT_ONCE));
  }
  await catalogue.apply(entries.slice(at), segments);
}

/** null: it went away since it was listed, or it is damaged, which is added to `damaged`. Throws STORE_UNAVAILABLE. */
export async function readSegment(
  store: ObjectStore,
  key: string,
  damaged: LifeboatError[],
): Promise<ManifestSegment | null> {
  try {
    return await readManifestSegment(store, key);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    if (error.code === 'OBJECT_NOT_FOUND') return null;
    if (error.code !== 'MANIFEST_DAMAGED') throw error;
    damaged.push(error);
    return null;
  }
}
