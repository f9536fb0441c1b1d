import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asLifeboatError } from '../../contract/errors.ts';
import { FORMAT_KEY, MANIFESTS, METADATA, OBJECTS } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import type { ObjectVersion, VersionedBucket } from './versioned-bucket.ts';

export interface RestoreOptions {
  /** The bucket's versions… */
  bucket: VersionedBucket;
  /** …and the same bucket to be written to, so that what is brought back is locked anew. */
  store: ObjectStore;
  /** How everything was then, ms; absent: every version of an image is tried, of anything else the first written counts. */
  atMs?: number;
  /** Says what would be done and writes nothing. */
  dryRun?: boolean;
  /** For what goes through the disk. */
  scratchDir: string;
  /** Removed rightfully: not brought back. */
  isRemoved?(key: string): boolean;
  signal?: AbortSignal;
  onItem?(item: RestoredItem): void;
}

export interface RestoredItem {
  key: string;
  outcome: 'restored' | 'would-restore' | 'lost';
  /** What had happened to it. */
  was: 'deleted' | 'overwritten';
  size: number;
  detail: string;
}

export interface RestoreResult {
  /** Keys with more than one version, or a marker. */
  examined: number;
  restored: number;
  bytes: number;
  /** No version of these is right. */
  lost: RestoredItem[];
}

/** Brought back by time alone, and only where deleted: the router publishes them anew. */
const PUBLISHED = ['lifeboat/', 'viewer/'];
const LARGE_BYTES = 16 << 20;

/**
 * Brings back what was deleted or overwritten in a bucket that keeps versions: the right version of each key is written again and
 * so is the newest one. Nothing is deleted. An image is right when its bytes have the hash in its key, whichever version it is.
 * May be broken off and run again. Throws STORE_UNAVAILABLE.
 */
export async function restoreVersions(options: RestoreOptions): Promise<RestoreResult> {
  const result: RestoreResult = { examined: 0, restored: 0, bytes: 0, lost: [] };
  for (const prefix of prefixes()) {
    for await (const versions of byKey(options.bucket.versions(prefix))) {
      if (options.signal?.aborted) return result;
      const [latest] = versions;
      if (versions.length === 1 && !latest!.isDeleteMarker) continue;
      if (options.isRemoved?.(latest!.key)) continue;
      result.examined++;
      const item = await restoreKey(options, versions);
      if (!item) continue;
      if (item.outcome === 'lost') result.lost.push(item);
      else {
        result.restored++;
        result.bytes += item.size;
      }
      options.onItem?.(item);
    }
  }
  return result;
}

/** Objects before what names them: who reads meanwhile finds nothing named that is not there. */
function* prefixes(): Generator<string> {
  yield FORMAT_KEY;
  yield* [OBJECTS, METADATA, MANIFESTS, 'seals/', 'removals/', 'holds/', ...PUBLISHED];
}

async function* byKey(versions: AsyncIterable<ObjectVersion>): AsyncGenerator<ObjectVersion[]> {
  let group: ObjectVersion[] = [];
  for await (const version of versions) {
    if (group[0] && group[0].key !== version.key) {
      yield group;
      group = [];
    }
    group.push(version);
  }
  if (group.length > 0) yield group;
}

/** null where it is as it should be. */
async function restoreKey(options: RestoreOptions, versions: ObjectVersion[]): Promise<RestoredItem | null> {
  const latest = versions.find(({ isLatest }) => isLatest) ?? versions[0]!;
  const { key } = latest;
  const was = latest.isDeleteMarker ? 'deleted' : 'overwritten';
  const wanted = wantedVersions(versions, options.atMs);
  if (wanted.length === 0) return null;
  const about = { key, was } as const;
  const digest = digestOf(key);
  if (digest === null) {
    const [right] = wanted;
    if (right === latest || (PUBLISHED.some((prefix) => key.startsWith(prefix)) && was !== 'deleted')) return null;
    if (!latest.isDeleteMarker && (await sameBytes(options.bucket, latest, right!))) return null;
    return bringBack(options, about, right!);
  }
  if (!latest.isDeleteMarker && (await hasDigest(options, latest, digest))) return null;
  for (const version of wanted) {
    if (version === latest || !(await hasDigest(options, version, digest))) continue;
    return bringBack(options, about, version);
  }
  const detail = `none of its ${versions.length} versions has the bytes that its key tells of`;
  return { ...about, outcome: 'lost', size: latest.size, detail };
}

/** Best first; none where the key was not there at that time. */
function wantedVersions(versions: ObjectVersion[], atMs: number | undefined): ObjectVersion[] {
  const bodies = versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
  if (atMs === undefined) return digestOf(versions[0]!.key) === null ? bodies.slice(-1) : bodies;
  const then = versions.find(({ modifiedMs }) => modifiedMs <= atMs);
  if (!then || then.isDeleteMarker) return [];
  return digestOf(then.key) === null ? [then] : [then, ...bodies.filter((version) => version !== then)];
}

/** The first 32 hex digits of the SHA-256 of an object, from its key; null for everything else. */
function digestOf(key: string): string | null {
  return key.startsWith(OBJECTS) ? (/\.([0-9a-f]{32})\.dcm$/.exec(key)?.[1] ?? null) : null;
}

async function hasDigest({ bucket }: RestoreOptions, version: ObjectVersion, digest: string): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of await bucket.stream(version.key, version.versionId)) hash.update(chunk as Buffer);
  } catch (error) {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return false;
    throw error;
  }
  return hash.digest('hex').startsWith(digest);
}

async function sameBytes(bucket: VersionedBucket, a: ObjectVersion, b: ObjectVersion): Promise<boolean> {
  if (a.size !== b.size) return false;
  return (await bucket.get(a.key, a.versionId)).equals(await bucket.get(b.key, b.versionId));
}

async function bringBack(
  options: RestoreOptions,
  about: Pick<RestoredItem, 'key' | 'was'>,
  version: ObjectVersion,
): Promise<RestoredItem> {
  const { bucket, store, scratchDir, dryRun } = options;
  const { key, size, versionId, modifiedMs } = version;
  const detail = `the version of ${new Date(modifiedMs).toISOString()}`;
  if (dryRun) return { ...about, outcome: 'would-restore', size, detail };
  if (size <= LARGE_BYTES) await store.put(key, await bucket.get(key, versionId));
  else {
    const scratch = join(scratchDir, `restore-${randomUUID()}`);
    try {
      await pipeline(await bucket.stream(key, versionId), createWriteStream(scratch, { flush: true }));
      await store.putFile(key, scratch, size);
    } finally {
      await rm(scratch, { force: true });
    }
  }
  return { ...about, outcome: 'restored', size, detail };
}
