import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asLifeboatError } from '../../contract/errors.ts';
import { FORMAT_KEY, MANIFESTS, METADATA, OBJECTS } from '../keys.ts';
import type { ObjectInfo, ObjectStore } from '../object-store.ts';

export interface HealOptions {
  /** The store that is known to be right, verified just before. */
  source: ObjectStore;
  copy: ObjectStore;
  scratchDir: string;
  signal?: AbortSignal;
  onItem?(key: string, what: 'healed' | 'source-wrong' | 'only-in-copy'): void;
}

export interface HealResult {
  read: number;
  healed: number;
  /** The source itself has not the bytes that the key tells of: left as they are. */
  sourceWrong: string[];
  /** Not in the source: images that it lost, or what an attacker left. Nothing is deleted. */
  onlyInCopy: string[];
}

/** Written anew by every router. */
const PUBLISHED = /^(lifeboat|viewer)\//;
const ROOTS = [OBJECTS, METADATA, MANIFESTS, 'seals/', 'removals/', 'holds/'];

/**
 * Reads every byte of a copy and writes again what is not the same as in the source: also what was overwritten in place with its
 * size unchanged, which no list shows. An image goes in only with the hash that its key tells of. Throws STORE_UNAVAILABLE.
 */
export async function healCopy(options: HealOptions): Promise<HealResult> {
  const { source, copy } = options;
  const result: HealResult = { read: 0, healed: 0, sourceWrong: [], onlyInCopy: [] };
  const description = await source.head(FORMAT_KEY);
  if (description) await healKey(options, description, result);
  for (const root of ROOTS) {
    for await (const info of source.list(root)) {
      if (options.signal?.aborted) return result;
      await healKey(options, info, result);
    }
  }
  for await (const { key } of copy.list('')) {
    if (PUBLISHED.test(key) || (await source.head(key).catch(unlessNoKey))) continue;
    result.onlyInCopy.push(key);
    options.onItem?.(key, 'only-in-copy');
  }
  return result;
}

/** A name that no writer could have given is not in the source. */
function unlessNoKey(error: unknown): null {
  if (asLifeboatError(error).code === 'BAD_REQUEST') return null;
  throw error;
}

async function healKey(options: HealOptions, { key, size }: ObjectInfo, result: HealResult): Promise<void> {
  const { source, copy, scratchDir } = options;
  result.read++;
  const digest = key.startsWith(OBJECTS) ? /\.([0-9a-f]{32})\.dcm$/.exec(key)?.[1] : undefined;
  const there = await hashOf(copy, key);
  if (digest !== undefined && there?.startsWith(digest)) return;
  const scratch = join(scratchDir, `heal-${randomUUID()}`);
  try {
    const hash = createHash('sha256');
    const { body } = await source.stream(key);
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(scratch, { flush: true }),
    );
    const here = hash.digest('hex');
    if (here === there) return;
    if (digest !== undefined && !here.startsWith(digest)) {
      result.sourceWrong.push(key);
      options.onItem?.(key, 'source-wrong');
      return;
    }
    await copy.putFile(key, scratch, size);
    result.healed++;
    options.onItem?.(key, 'healed');
  } finally {
    await rm(scratch, { force: true });
  }
}

async function hashOf(store: ObjectStore, key: string): Promise<string | null> {
  try {
    const hash = createHash('sha256');
    for await (const chunk of (await store.stream(key)).body) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return null;
    throw error;
  }
}
