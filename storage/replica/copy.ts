import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import { MANIFESTS, metadataKeyOf } from '../keys.ts';
import { contentId } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import type { TrustedKeys } from '../policy/removal-record.ts';
import { type Removed, removedBy } from '../policy/removed.ts';
import { readManifestSegment, readMetadataSegment } from '../segments.ts';

export interface CopyParts {
  source: ObjectStore;
  replica: ObjectStore;
  scratchDir: string;
  /** Whose signature under a removal record counts; absent: keys that lie in the first store. */
  removalKeys?: TrustedKeys;
  /** Waits until so many bytes may be read. */
  take(bytes: number): Promise<void>;
  signal?: AbortSignal;
}

export interface Copied {
  instances: number;
  bytes: number;
  /** Objects that are not right in the first store; everything else was copied. */
  refused: { entry: InstanceEntry; reason: string }[];
}

/** Up to this size an object is copied through memory. */
const IN_MEMORY = 16 << 20;
const OBJECTS_IN_FLIGHT = 6;
/** From so many objects on the replica is asked for a list instead of one by one. */
const LIST_FROM = 8;

/**
 * Copies what a manifest segment names, then its metadata segment, then itself: who reads the replica finds nothing named that
 * is not there. Each object's bytes are compared with the SHA-256 of its line on the way; wrong ones never get there. What the
 * replica has already is not written again, so this may be broken off and repeated at any time.
 * @throws MANIFEST_DAMAGED, OBJECT_NOT_FOUND (the segment is gone or was replaced), OBJECT_DAMAGED (it hides what it says it
 * replaces), STORE_UNAVAILABLE
 */
export async function copySegment(parts: CopyParts, key: string): Promise<Copied> {
  const { source, replica } = parts;
  const { header, entries } = await readManifestSegment(source, key);
  const removed = await removedBy(source, header.removals ?? [], parts.removalKeys);
  for (const old of header.replaces ?? []) await refuseHiding(parts, key, entries, old, removed);
  for (const record of header.removals ?? []) await copyRecord(parts, record);
  const copied = await copyObjects(parts, entries);
  const metadata = metadataKeyOf(key);
  await readMetadataSegment(source, metadata);
  for (const each of [metadata, key]) if (!(await replica.head(each))) await replica.put(each, await source.get(each));
  return copied;
}

/** A removal record goes before the segment that rests on it. */
async function copyRecord({ source, replica }: CopyParts, record: string): Promise<void> {
  for (const key of [record.replace(/\.json$/, '.sig'), record])
    if (!(await replica.head(key))) await replica.put(key, await source.get(key));
}

/** Copies those of the objects that the replica lacks or has in another size. */
export async function copyObjects(parts: CopyParts, entries: InstanceEntry[]): Promise<Copied> {
  const copied: Copied = { instances: 0, bytes: 0, refused: [] };
  const there = entries.length >= LIST_FROM ? await sizesIn(parts.replica, entries) : null;
  let next = 0;
  const lane = async () => {
    while (next < entries.length && !parts.signal?.aborted) {
      const entry = entries[next++]!;
      const size = there ? there.get(entry.key) : (await parts.replica.head(entry.key))?.size;
      if (size === entry.size) continue;
      try {
        await copyObject(parts, entry);
        copied.instances++;
        copied.bytes += entry.size;
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (error.code !== 'OBJECT_DAMAGED' && error.code !== 'OBJECT_NOT_FOUND') throw error;
        copied.refused.push({ entry, reason: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: OBJECTS_IN_FLIGHT }, lane));
  if (parts.signal?.aborted) throw new LifeboatError('STORE_UNAVAILABLE', ': copying was ended');
  return copied;
}

/** Throws OBJECT_DAMAGED or OBJECT_NOT_FOUND where the first store has not the recorded bytes; then nothing is written. */
export async function copyObject(parts: CopyParts, entry: InstanceEntry): Promise<void> {
  const { source, replica, take, scratchDir } = parts;
  await take(entry.size);
  if (entry.size <= IN_MEMORY) {
    const bytes = await source.get(entry.key);
    compare(entry, bytes.length, createHash('sha256').update(bytes).digest('hex'));
    await replica.put(entry.key, bytes);
    return;
  }
  const scratch = join(scratchDir, randomUUID());
  try {
    const { body } = await source.stream(entry.key);
    const hash = createHash('sha256');
    let size = 0;
    const hashed = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    };
    await pipeline(body, hashed, createWriteStream(scratch, { flush: true }));
    compare(entry, size, hash.digest('hex'));
    await replica.putFile(entry.key, scratch, size);
  } finally {
    await rm(scratch, { force: true });
  }
}

function compare(entry: InstanceEntry, size: number, sha256: string): void {
  if (size === entry.size && sha256 === entry.sha256) return;
  throw new LifeboatError(
    'OBJECT_DAMAGED',
    `: ${entry.key} has ${size} bytes with SHA-256 ${sha256}, its manifest says ${entry.size} and ${entry.sha256}`,
  );
}

async function sizesIn(store: ObjectStore, entries: InstanceEntry[]): Promise<Map<string, number>> {
  const folders = new Set(entries.map(({ key }) => key.slice(0, key.lastIndexOf('/') + 1)));
  const sizes = new Map<string, number>();
  for (const folder of folders) for await (const { key, size } of store.list(folder)) sizes.set(key, size);
  return sizes;
}

/**
 * A reader may skip what a segment says it replaces. One that lacks lines of it, and has no signed removal record for them, would
 * make images vanish without deleting a thing: it is not carried over.
 */
async function refuseHiding(
  parts: CopyParts,
  key: string,
  entries: InstanceEntry[],
  old: string,
  removed: Removed,
): Promise<void> {
  const replaced = await lines(parts.replica, old).then((found) => found ?? lines(parts.source, old));
  if (!replaced) return;
  const named = new Set(entries.map(contentId));
  const hidden = replaced.filter((entry) => !named.has(contentId(entry)) && !removed.contents.has(contentId(entry)));
  if (hidden.length > 0)
    throw new LifeboatError(
      'OBJECT_DAMAGED',
      `${key} says that it replaces ${old} and lacks ${hidden.length} of its instances; it is not copied.`,
    );
}

async function lines(store: ObjectStore, key: string): Promise<InstanceEntry[] | null> {
  try {
    return (await readManifestSegment(store, key)).entries;
  } catch (error) {
    if (['OBJECT_NOT_FOUND', 'MANIFEST_DAMAGED'].includes(asLifeboatError(error).code)) return null;
    throw error;
  }
}

/** What the study's manifests in the first store name, and the replica lacks; then segments that it lacks. */
export async function copyStudy(parts: CopyParts, path: string): Promise<Copied> {
  const copied: Copied = { instances: 0, bytes: 0, refused: [] };
  const add = (more: Copied) => {
    copied.instances += more.instances;
    copied.bytes += more.bytes;
    copied.refused.push(...more.refused);
  };
  for await (const { key } of parts.source.list(MANIFESTS + path)) {
    const entries = await lines(parts.source, key);
    if (!entries) continue;
    add(await copyObjects(parts, entries));
    for (const each of [metadataKeyOf(key), key]) {
      const there = await parts.replica.head(each);
      if (there && (await readableIn(parts.replica, each))) continue;
      const bytes = await unlessGone(parts.source.get(each));
      if (bytes && (await readableIn(parts.source, each))) await parts.replica.put(each, bytes);
    }
  }
  return copied;
}

async function readableIn(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await (key.startsWith(MANIFESTS) ? readManifestSegment(store, key) : readMetadataSegment(store, key));
    return true;
  } catch (error) {
    if (['OBJECT_NOT_FOUND', 'MANIFEST_DAMAGED'].includes(asLifeboatError(error).code)) return false;
    throw error;
  }
}

async function unlessGone<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return null;
    throw error;
  }
}

/** `<hh>/<study>/` of a key below one of the archive's three folders. */
export function studyPathOf(key: string): string {
  const [, shard = '', study = ''] = key.split('/');
  return `${shard}/${study}/`;
}
