import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { manifestPrefix, metadataKeyOf } from './keys.ts';
import { contentId, currentEntries, mergeEntries } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import { type MetadataText, readManifestSegment, readMetadataSegment } from './segments.ts';

interface CachedSegment {
  entries: InstanceEntry[];
  replaces: string[];
  /** It tells of removals. */
  removes: boolean;
  /** Packed size, the measure of the cache's budget. */
  bytes: number;
}

interface CachedStudy {
  segments: Map<string, CachedSegment>;
  metadata: Map<string, MetadataText[]>;
  merged: InstanceEntry[] | null;
  listedAt: number;
  loading: Promise<void> | null;
  bytes: number;
  dropped: boolean;
}

export interface StudyCacheOptions {
  /** Sum of the packed sizes of segments kept; what they take in memory is about ten times as much. Default 8 MiB. */
  budgetBytes?: number;
  /** How long a list of segments counts as fresh: other routers may add some. Default 3 s. */
  freshMs?: number;
  /** A segment that cannot be read: the rest of its study is still served. */
  onDamaged?: (error: LifeboatError) => void;
}

const READS_IN_FLIGHT = 8;

/**
 * Studies as their segments tell them, least recently used ones dropped. Our own commits are added as they happen;
 * segments of other writers are seen when the list is read again.
 */
export class StudyCache {
  private readonly store: ObjectStore;
  private readonly budget: number;
  private readonly freshMs: number;
  private readonly onDamaged: (error: LifeboatError) => void;
  private readonly studies = new Map<string, CachedStudy>();
  private bytes = 0;

  constructor(store: ObjectStore, options: StudyCacheOptions = {}) {
    this.store = store;
    this.budget = options.budgetBytes ?? 8 << 20;
    this.freshMs = options.freshMs ?? 3000;
    this.onDamaged = options.onDamaged ?? (() => undefined);
  }

  /** Every content of every instance; empty when the study is unknown. Throws STORE_UNAVAILABLE. */
  async entries(studyInstanceUID: string): Promise<InstanceEntry[]> {
    const study = await this.load(studyInstanceUID);
    study.merged ??= mergeEntries([...study.segments.values()].map((segment) => segment.entries));
    return study.merged;
  }

  /** Keys of the segments that count (those replaced by a readable one do not). */
  async segmentKeys(studyInstanceUID: string): Promise<string[]> {
    return [...(await this.load(studyInstanceUID)).segments.keys()];
  }

  /** Whether something of the study was ever removed. */
  async hadRemovals(studyInstanceUID: string): Promise<boolean> {
    return [...(await this.load(studyInstanceUID)).segments.values()].some(({ removes }) => removes);
  }

  /** Metadata text of the newest content (or the one named) of every instance, of one series or one instance when given. */
  async metadata(
    studyInstanceUID: string,
    seriesInstanceUID?: string,
    sopInstanceUID?: string,
    dataSetSha256?: string,
  ): Promise<MetadataText[]> {
    const study = await this.load(studyInstanceUID);
    const keys = [...study.segments.keys()];
    await inFlight(keys, async (key) => {
      if (study.metadata.has(key)) return;
      const lines = await this.readable(readMetadataSegment(this.store, metadataKeyOf(key)));
      if (lines && study.segments.has(key)) study.metadata.set(key, lines);
    });
    const byContent = new Map<string, MetadataText>();
    for (const key of keys) for (const line of study.metadata.get(key) ?? []) byContent.set(contentId(line), line);
    const entries = await this.entries(studyInstanceUID);
    const wanted = (dataSetSha256 === undefined ? currentEntries(entries) : entries).filter(
      (entry) =>
        (dataSetSha256 === undefined || entry.dataSetSha256 === dataSetSha256) &&
        (!seriesInstanceUID || entry.seriesInstanceUID === seriesInstanceUID) &&
        (!sopInstanceUID || entry.sopInstanceUID === sopInstanceUID),
    );
    return wanted.flatMap((entry) => byContent.get(contentId(entry)) ?? []);
  }

  /** A segment this process has just written. */
  added(studyInstanceUID: string, key: string, entries: InstanceEntry[], replaces: string[] = []): void {
    const study = this.studies.get(studyInstanceUID);
    if (!study) return;
    this.insert(study, key, { entries, replaces, removes: false, bytes: entries.length * 400 });
    this.dropReplaced(study);
    this.trim();
  }

  /** Read the list of segments again at the next question. */
  expire(studyInstanceUID: string): void {
    const study = this.studies.get(studyInstanceUID);
    if (study) study.listedAt = Number.NEGATIVE_INFINITY;
  }

  /** The store is another one: nothing known of it counts. */
  clear(): void {
    for (const uid of [...this.studies.keys()]) this.drop(uid);
  }

  private async load(uid: string): Promise<CachedStudy> {
    let study = this.studies.get(uid);
    if (study) {
      this.studies.delete(uid);
      this.studies.set(uid, study);
    } else {
      study = {
        segments: new Map(),
        metadata: new Map(),
        merged: null,
        listedAt: Number.NEGATIVE_INFINITY,
        loading: null,
        bytes: 0,
        dropped: false,
      };
      this.studies.set(uid, study);
    }
    if (performance.now() - study.listedAt > this.freshMs) {
      const refreshed = study;
      study.loading ??= this.refresh(uid, study).finally(() => {
        refreshed.loading = null;
      });
      try {
        await study.loading;
      } catch (error) {
        if (study.segments.size === 0) this.drop(uid);
        throw error;
      }
      this.trim();
    }
    return study;
  }

  private async refresh(uid: string, study: CachedStudy): Promise<void> {
    const startedAt = performance.now();
    const before = [...study.segments.keys()];
    const listed = new Map<string, number>();
    for await (const { key, size } of this.store.list(manifestPrefix(uid))) listed.set(key, size);
    for (const key of before) if (!listed.has(key)) this.remove(study, key);
    const missing = [...listed.keys()].filter((key) => !study.segments.has(key)).reverse();
    // newest first: a compacted segment says which older ones need not be read
    const replaced = replacedBy(study.segments);
    for (let at = 0; at < missing.length; ) {
      const turn = missing.filter((key, i) => i >= at && i < at + READS_IN_FLIGHT && !replaced.has(key));
      at += READS_IN_FLIGHT;
      await inFlight(turn, async (key) => {
        const segment = await this.readable(readManifestSegment(this.store, key));
        if (!segment) return;
        for (const gone of segment.header.replaces ?? []) replaced.add(gone);
        this.insert(study, key, {
          entries: segment.entries,
          replaces: segment.header.replaces ?? [],
          removes: segment.header.removals !== undefined,
          bytes: listed.get(key) ?? 0,
        });
      });
    }
    this.dropReplaced(study);
    study.listedAt = startedAt;
  }

  /** null: the list named it and it is gone now, because it was replaced meanwhile, or it is damaged. */
  private async readable<T>(read: Promise<T>): Promise<T | null> {
    try {
      return await read;
    } catch (error) {
      const known = asLifeboatError(error);
      if (known.code === 'OBJECT_NOT_FOUND') return null;
      if (known.code !== 'MANIFEST_DAMAGED') throw error;
      this.onDamaged(known);
      return null;
    }
  }

  private insert(study: CachedStudy, key: string, segment: CachedSegment): void {
    if (study.segments.has(key)) return;
    study.segments.set(key, segment);
    study.merged = null;
    if (study.dropped) return;
    study.bytes += segment.bytes;
    this.bytes += segment.bytes;
  }

  private remove(study: CachedStudy, key: string): void {
    const segment = study.segments.get(key);
    if (!segment) return;
    study.segments.delete(key);
    study.metadata.delete(key);
    study.merged = null;
    if (study.dropped) return;
    study.bytes -= segment.bytes;
    this.bytes -= segment.bytes;
  }

  private dropReplaced(study: CachedStudy): void {
    for (const key of replacedBy(study.segments)) this.remove(study, key);
  }

  private drop(uid: string): void {
    const study = this.studies.get(uid);
    if (!study) return;
    this.studies.delete(uid);
    this.bytes -= study.bytes;
    study.dropped = true;
  }

  private trim(): void {
    for (const uid of this.studies.keys()) {
      if (this.bytes <= this.budget && this.studies.size <= 2000) return;
      if (this.studies.size === 1) return;
      this.drop(uid);
    }
  }
}

function replacedBy(segments: Map<string, CachedSegment>): Set<string> {
  const replaced = new Set<string>();
  for (const { replaces } of segments.values()) for (const key of replaces) replaced.add(key);
  return replaced;
}

async function inFlight<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(READS_IN_FLIGHT, items.length) }, lane));
}
