import type { LifeboatError } from '../contract/errors.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { MANIFESTS } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { applyRemovalSegments } from './policy/apply-removals.ts';
import type { TrustedKeys } from './policy/removal-record.ts';
import { applyInParts, readSegment } from './rebuild.ts';

export interface CatchUpOptions {
  store: ObjectStore;
  catalogue: Catalogue;
  signal?: AbortSignal;
  /** Whose removals count; absent: those signed with keys that lie in the store. */
  trusted?: TrustedKeys;
  onProgress?(progress: CatchUpProgress): void;
}

export interface CatchUpProgress {
  /** How much of the store was compared, 0 to 1. */
  share: number;
  /** Segments read because the catalogue did not have them, and their lines. */
  segments: number;
  instances: number;
}

export interface CatchUpResult extends CatchUpProgress {
  /** Segments that could not be read; they are tried again the next time. */
  damaged: LifeboatError[];
  /** Removals that do not count: what they name stays. */
  refused: LifeboatError[];
  /** Segments that the catalogue has and the store has no more, although no other segment replaces them; and their studies. */
  lost: { segments: number; studies: number };
}

const READS_IN_FLIGHT = 8;
const APPLY_AT_ONCE = 500;
const SHARDS = 256;
/** So many segments that the list lacks are asked for one by one; a store that lost more has told enough. */
const LOOKS = 200;

/**
 * Compares the manifest segments of the store with those in the catalogue and reads the ones that it lacks: what another
 * router wrote, what a database restored from an older copy has forgotten, everything when it is empty. The catalogue counts as
 * complete afterwards, unless aborted. Memory: one of 256 shards at a time. Throws STORE_UNAVAILABLE and
 * CATALOGUE_UNAVAILABLE; to run it again, or in several routers at once, is harmless.
 */
export async function catchUp(options: CatchUpOptions): Promise<CatchUpResult> {
  const { store, catalogue, signal } = options;
  await store.ping();
  const result: CatchUpResult = {
    share: 0,
    segments: 0,
    instances: 0,
    damaged: [],
    refused: [],
    lost: { segments: 0, studies: 0 },
  };
  for await (const { shard, keys } of shardsOf(store)) {
    if (signal?.aborted) return result;
    await compareShard(options, shard, keys, result);
    result.share = (shard + 1) / SHARDS;
    options.onProgress?.({ ...result });
  }
  if (!signal?.aborted && catalogue.needsRebuild) await catalogue.rebuilt?.();
  return result;
}

/** The list of all manifest segments in one go, cut where a new shard begins; shards without a segment come too. */
async function* shardsOf(store: ObjectStore): AsyncGenerator<{ shard: number; keys: Set<string> }> {
  let shard = 0;
  let keys = new Set<string>();
  for await (const { key } of store.list(MANIFESTS)) {
    const of = Number.parseInt(key.slice(MANIFESTS.length, MANIFESTS.length + 2), 16);
    if (!(of >= 0)) continue;
    for (; shard < of; shard++) {
      yield { shard, keys };
      keys = new Set();
    }
    keys.add(key);
  }
  for (; shard < SHARDS; shard++) {
    yield { shard, keys };
    keys = new Set();
  }
}

async function compareShard(options: CatchUpOptions, shard: number, listed: Set<string>, result: CatchUpResult) {
  const { store, catalogue, signal } = options;
  const prefix = `${MANIFESTS}${shard.toString(16).padStart(2, '0')}/`;
  const known = new Set(await catalogue.segments(prefix));
  const fresh = [...listed].filter((key) => !known.has(key));
  let waiting: InstanceEntry[] = [];
  let complete: string[] = [];
  const removals = new Map<string, string>();
  const apply = async () => {
    await applyInParts(catalogue, waiting, complete);
    result.segments += complete.length;
    result.instances += waiting.length;
    waiting = [];
    complete = [];
    options.onProgress?.({ ...result });
  };
  for (let at = 0; at < fresh.length && !signal?.aborted; at += READS_IN_FLIGHT) {
    const turn = fresh.slice(at, at + READS_IN_FLIGHT);
    const segments = await Promise.all(turn.map((key) => readSegment(store, key, result.damaged)));
    for (const [i, segment] of segments.entries()) {
      if (!segment) continue;
      waiting.push(...segment.entries);
      if (segment.header.removals) removals.set(turn[i]!, segment.header.studyInstanceUID);
      else complete.push(turn[i]!);
    }
    if (waiting.length >= APPLY_AT_ONCE) await apply();
  }
  if (complete.length > 0 || waiting.length > 0) await apply();
  result.segments += await applyRemovalSegments(options, removals, result.damaged, result.refused);
  const gone = [...known].filter((key) => !listed.has(key));
  if (gone.length > 0 && !signal?.aborted) await explainGone(options, gone, listed, result);
}

/** Segments that compaction replaced are forgotten; any other one that is really not there is lost, and stays so until it is back. */
async function explainGone(options: CatchUpOptions, gone: string[], listed: Set<string>, result: CatchUpResult) {
  const { store, catalogue } = options;
  const byStudy = Map.groupBy(gone, folderOf);
  for (const [folder, keys] of byStudy) {
    const replaced = new Set<string>();
    for (const key of listed) {
      if (folderOf(key) !== folder) continue;
      const segment = await readSegment(store, key, []);
      for (const old of segment?.header.replaces ?? []) replaced.add(old);
    }
    await catalogue.forgetSegments(keys.filter((key) => replaced.has(key)));
    let lost = 0;
    for (const key of keys) {
      if (replaced.has(key)) continue;
      // a list may lag behind: a look at the segment itself counts
      if (result.lost.segments + lost >= LOOKS || !(await store.head(key))) lost++;
    }
    result.lost.segments += lost;
    if (lost > 0) result.lost.studies++;
  }
}

const folderOf = (key: string) => key.slice(0, key.lastIndexOf('/') + 1);
