import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asLifeboatError } from '../contract/errors.ts';
import { readFileMeta } from './format/file-meta.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { buildFileHeader } from './format/part10.ts';
import type { ObjectStore } from './object-store.ts';

/** Where right bytes may come from. */
export interface RepairSource {
  /** For people and for the record. */
  readonly description: string;
  /** Set where the source is a whole store: segments are looked for there too. */
  readonly store?: ObjectStore;
  /**
   * Writes the object that `entry` records to the file `target`, byte for byte as its SHA-256 says. False when it has not got
   * it; whatever is in `target` then is to be thrown away. Throws STORE_UNAVAILABLE when it does not answer, NOT_FOUND with the
   * reason when what it has will not do.
   */
  fetch(entry: InstanceEntry, target: string): Promise<boolean>;
}

/** Another store with the same keys: a replica, a copy on a disk. */
export function storeSource(store: ObjectStore): RepairSource {
  return {
    description: store.description,
    store,
    async fetch(entry, target) {
      try {
        const { body } = await store.stream(entry.key);
        return await writeChecked(body, entry, target);
      } catch (error) {
        if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return false;
        throw error;
      }
    },
  };
}

/**
 * Files of any names in a folder and below it (or one file): an export, what a PACS sent, the spool. A file with another header
 * serves too when its data set is the same and the header that stood here can be made again.
 * @param description default the path
 */
export function filesSource(path: string, description = path): RepairSource {
  let sizes: Promise<Map<number, string[]>> | undefined;
  return {
    description,
    async fetch(entry, target) {
      sizes ??= filesBySize(path);
      const bySize = await sizes;
      for (const file of bySize.get(entry.size) ?? [])
        if (await writeChecked(createReadStream(file), entry, target)) return true;
      const header = headerOf(entry);
      if (!header) return false;
      for (const files of bySize.values())
        for (const file of files) {
          const from = await dataSetOf(file, entry);
          if (from !== null && (await writeChecked(withHeader(header, file, from), entry, target))) return true;
        }
      return false;
    },
  };
}

/** True when exactly the recorded bytes were written. */
async function writeChecked(body: Readable, entry: InstanceEntry, target: string): Promise<boolean> {
  const hash = createHash('sha256');
  let size = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  await pipeline(body, counted, createWriteStream(target, { flush: true }));
  return size === entry.size && hash.digest('hex') === entry.sha256;
}

async function filesBySize(path: string): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>();
  const add = async (file: string) => {
    const { size } = await stat(file);
    found.set(size, [...(found.get(size) ?? []), file]);
  };
  if ((await stat(path)).isFile()) await add(path);
  else
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) await add(join(entry.parentPath, entry.name));
  return found;
}

/** The header that was put in front of a bare data set; null when the object has another one. */
function headerOf(entry: InstanceEntry): Uint8Array | null {
  const { sopClassUID, sopInstanceUID, transferSyntaxUID, dataSetOffset } = entry;
  const header = buildFileHeader({ sopClassUID, sopInstanceUID, transferSyntaxUID });
  return header.length === dataSetOffset ? header : null;
}

const HEAD_BYTES = 64 * 1024;

/** SHA-256 of the data set of a Part 10 file; null when it is none. */
export async function dataSetSha256Of(path: string): Promise<string | null> {
  const meta = readFileMeta(await headOf(path));
  if (!meta) return null;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { start: meta.dataSetOffset })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Its first 64 KiB, or all of it. */
async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES));
    await handle.read(head, 0, head.length, 0);
    return head;
  } finally {
    await handle.close();
  }
}

/** Where the data set begins in a file whose data set is as long as that of `entry`; otherwise null. */
async function dataSetOf(file: string, entry: InstanceEntry): Promise<number | null> {
  const { size } = await stat(file);
  const meta = readFileMeta(await headOf(file));
  return meta && size - meta.dataSetOffset === entry.size - entry.dataSetOffset ? meta.dataSetOffset : null;
}

function withHeader(header: Uint8Array, file: string, from: number): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(header);
      yield* createReadStream(file, { start: from });
    })(),
  );
}
