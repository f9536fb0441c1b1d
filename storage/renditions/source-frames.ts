import { createHash } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import { frameCount, frameRange } from '../format/frames.ts';
import type { InstanceManifest } from '../format/manifest.ts';
import type { ObjectStore } from '../object-store.ts';

/** Objects up to this size are read in one go. */
const ONE_READ = 16 * 1024 * 1024;

/**
 * Frames of an object, one after the other, once its SHA-256 has been found to be the manifest's: a damaged object gets no
 * rendition. Every frame is a copy of its own.
 * @throws OBJECT_DAMAGED, OBJECT_NOT_FOUND, STORE_UNAVAILABLE
 */
export async function* sourceFrames(store: ObjectStore, instance: InstanceManifest): AsyncGenerator<Uint8Array> {
  const layout = instance.pixelData!;
  const { key, size, sha256 } = instance;
  const whole = size <= ONE_READ ? await store.get(key) : null;
  if ((whole ? hashOf([whole]) : await hashOfStream(store, key)) !== sha256)
    throw new LifeboatError('OBJECT_DAMAGED', `: ${key}`);
  for (let frame = 0; frame < frameCount(layout); frame++) {
    const { start, end } = frameRange(layout, frame)!;
    yield Uint8Array.from(whole ? whole.subarray(start, end) : await store.get(key, { start, end }));
  }
}

function hashOf(parts: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

async function hashOfStream(store: ObjectStore, key: string): Promise<string> {
  const hash = createHash('sha256');
  const { body } = await store.stream(key);
  for await (const chunk of body) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
