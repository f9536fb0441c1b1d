import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import { type CompactOptions, compactStudy, removeReplaced } from './compact.ts';
import { MANIFESTS } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { readManifestSegment } from './segments.ts';

export interface CompactStoreOptions extends CompactOptions {
  store: ObjectStore;
  /** How long a replaced segment stays, ms. Default one hour. */
  graceMs?: number;
  /** Leave replaced segments where they are. */
  keepReplaced?: boolean;
  signal?: AbortSignal;
  onProgress?(progress: CompactProgress): void;
}

export interface CompactProgress {
  /** Studies looked at, with how many segments. */
  studies: number;
  segments: number;
  /** Segments that became `written` new ones. */
  merged: number;
  written: number;
  /** Replaced segments that were deleted. */
  removed: number;
}

export interface CompactResult extends CompactProgress {
  /** Studies whose replaced segments the store does not let go of; they do no harm there. */
  held: LifeboatError[];
}

/**
 * Goes through the whole store: many small segments of a quiet study become one, and segments replaced an hour ago or more are
 * deleted. May be stopped or killed at any moment and run in several places at once. Throws STORE_UNAVAILABLE.
 */
export async function compactStore(options: CompactStoreOptions): Promise<CompactResult> {
  const { store, signal, minSegments = 8 } = options;
  await store.ping();
  const result: CompactResult = { studies: 0, segments: 0, merged: 0, written: 0, removed: 0, held: [] };
  for await (const keys of studiesOf(store)) {
    if (signal?.aborted) break;
    result.studies++;
    result.segments += keys.length;
    if (keys.length >= minSegments) await compactOne(options, keys, result);
    options.onProgress?.({ ...result });
  }
  return result;
}

/** The manifest keys of one study after the other. */
async function* studiesOf(store: ObjectStore): AsyncGenerator<string[]> {
  let folder = '';
  let keys: string[] = [];
  for await (const { key } of store.list(MANIFESTS)) {
    const of = key.slice(0, key.lastIndexOf('/') + 1);
    if (of !== folder && keys.length > 0) {
      yield keys;
      keys = [];
    }
    folder = of;
    keys.push(key);
  }
  if (keys.length > 0) yield keys;
}

async function compactOne(options: CompactStoreOptions, keys: string[], result: CompactResult): Promise<void> {
  const { store, signal } = options;
  const uid = await studyOf(store, keys);
  if (uid === null) return;
  for (;;) {
    const done = signal?.aborted ? null : await compactStudy(store, uid, options);
    if (!done) break;
    result.written++;
    result.merged += done.merged;
  }
  if (options.keepReplaced || signal?.aborted) return;
  try {
    result.removed += (await removeReplaced(store, uid, options.graceMs)).length;
  } catch (thrown) {
    // a store that is away ends the pass; one that keeps what it has (object lock) does not
    await store.ping();
    result.held.push(asLifeboatError(thrown));
  }
}

/** The folder's name may be a hash of the UID: a segment says which one it is. */
async function studyOf(store: ObjectStore, keys: string[]): Promise<string | null> {
  for (const key of keys) {
    try {
      return (await readManifestSegment(store, key)).header.studyInstanceUID;
    } catch (thrown) {
      if (asLifeboatError(thrown).code === 'STORE_UNAVAILABLE') throw thrown;
    }
  }
  return null;
}
