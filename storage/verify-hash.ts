import { createHash } from 'node:crypto';
import { asLifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from './object-store.ts';

/** What an object turned out to be. */
export type ObjectCheck =
  | { state: 'read'; size: number; sha256: string }
  | { state: 'missing' }
  | { state: 'not-checked'; reason: string };

/** Reads a whole object and hashes it. No answer is not a missing object: it is tried once more, then 'not-checked'. */
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
      if (tries > 0) return { state: 'not-checked', reason: error.message };
    }
  }
}
