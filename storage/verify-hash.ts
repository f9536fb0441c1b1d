import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asLifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from './object-store.ts';
import type { FileStore } from './stores/file-store.ts';

/** What an object turned out to be. */
export type ObjectCheck =
  | { state: 'read'; size: number; sha256: string }
  | { state: 'missing' }
  | { state: 'not-checked'; reason: string };

/** Waits between tries, ms; the store itself has tried each request several times before. */
const AGAIN_MS = [250, 1500];

/** Reads a whole object and hashes it. No answer is not a missing object: it is tried again, then 'not-checked'. */
export async function checkObject(store: ObjectStore, key: string): Promise<ObjectCheck> {
  for (let tries = 0; ; tries++) {
    try {
      const { body } = await store.stream(key);
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of body) {
        hash.update(chunk as Buffer);
        size += (chunk as Buffer).length;
      }
      return { state: 'read', size, sha256: hash.digest('hex') };
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code === 'OBJECT_NOT_FOUND') return { state: 'missing' };
      if (tries >= AGAIN_MS.length) return { state: 'not-checked', reason: error.message };
      await sleep(AGAIN_MS[tries]!);
    }
  }
}

const BLOCK_BYTES = 1 << 20;
let block: Buffer | undefined;

/** As `checkObject` for the embedded store, reading without streams; for a thread of its own, which it blocks. */
export function checkFile(store: FileStore, key: string): ObjectCheck {
  for (let tries = 0; ; tries++) {
    try {
      return readAndHash(store.pathOf(key));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR')
        return existsSync(store.root) && existsSync(store.pathOf('~tmp'))
          ? { state: 'missing' }
          : { state: 'not-checked', reason: `the folder of the store is not there: ${store.root}` };
      if (tries >= AGAIN_MS.length) return { state: 'not-checked', reason: message };
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS[tries]!);
    }
  }
}

function readAndHash(path: string): ObjectCheck {
  const fd = openSync(path, 'r');
  try {
    if (!fstatSync(fd).isFile()) return { state: 'missing' };
    block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    const hash = createHash('sha256');
    let size = 0;
    for (;;) {
      const got = readSync(fd, block, 0, BLOCK_BYTES, null);
      if (got === 0) return { state: 'read', size, sha256: hash.digest('hex') };
      hash.update(block.subarray(0, got));
      size += got;
    }
  } finally {
    closeSync(fd);
  }
}
