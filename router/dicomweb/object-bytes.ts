import { LifeboatError } from '../../contract/errors.ts';
import { extractFrame, type FrameSpan, frameCount, frameRange } from '../../storage/format/frames.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { InflatedBytes } from './inflated-bytes.ts';
import { TransferSyntax } from './media-types.ts';

export function isDeflated(entry: InstanceEntry): boolean {
  return entry.transferSyntaxUID === TransferSyntax.DeflatedExplicitVRLittleEndian;
}

/** Bytes `start` to before `end`; never fewer: OBJECT_DAMAGED when the store has less. */
async function exactly(store: ObjectStore, entry: InstanceEntry, start: number, end: number): Promise<Buffer> {
  const bytes = await store.get(entry.key, { start, end });
  if (bytes.length !== end - start) throw new LifeboatError('OBJECT_DAMAGED');
  return bytes;
}

/** Frames that the object holds; CANNOT_RENDER when it has no pixel data. */
export function numberOfFrames(entry: InstanceEntry): number {
  if (!entry.pixelData) throw new LifeboatError('CANNOT_RENDER', 'This object has no pixel data.');
  return frameCount(entry.pixelData);
}

/**
 * Byte ranges of the object which one after the other are frame `number` (from 1) as stored; null when the frame has to be cut
 * out by bits or inflated first.
 */
export function storedSpans(entry: InstanceEntry, number: number): FrameSpan[] | null {
  const { pixelData } = entry;
  if (!pixelData || pixelData.kind === 'deflated') return null;
  if (pixelData.kind === 'native') {
    const range = frameRange(pixelData, number - 1);
    return range && pixelData.frameBits % 8 === 0 ? [range] : null;
  }
  const fragments = pixelData.frames[number - 1] ?? [];
  return fragments.flatMap((start, i) => (i % 2 === 0 ? [{ start, end: start + fragments[i + 1]! }] : []));
}

/** Reads parts of one object; a deflated one is inflated on the way. Close it when done. */
export class ObjectReader {
  readonly #store: ObjectStore;
  readonly #entry: InstanceEntry;
  readonly #inflated: InflatedBytes | null;

  constructor(store: ObjectStore, entry: InstanceEntry) {
    this.#store = store;
    this.#entry = entry;
    this.#inflated = isDeflated(entry) ? new InflatedBytes(store, entry) : null;
  }

  close(): void {
    this.#inflated?.close();
  }

  /** Size of the object with its data set inflated. */
  async size(): Promise<number> {
    return this.#inflated ? await this.#inflated.size() : this.#entry.size;
  }

  /** The object as it is, its data set inflated where it is deflated. */
  async whole(size: number): Promise<Buffer> {
    const { dataSetOffset } = this.#entry;
    if (!this.#inflated) return await exactly(this.#store, this.#entry, 0, size);
    const head = await exactly(this.#store, this.#entry, 0, dataSetOffset);
    return Buffer.concat([head, await this.#inflated.read(dataSetOffset, size)]);
  }

  /** A range of the (inflated) object; NOT_FOUND outside of its data set. */
  async bulk(offset: number, length: number): Promise<Buffer> {
    if (this.#inflated) return await this.#inflated.read(offset, offset + length);
    if (offset < this.#entry.dataSetOffset || offset + length > this.#entry.size) {
      throw new LifeboatError('NOT_FOUND', 'The bulk data lies outside the object.');
    }
    return length === 0 ? Buffer.alloc(0) : await exactly(this.#store, this.#entry, offset, offset + length);
  }

  /** Bytes of the frame as stored, fragments joined. `pixels` says where the pixel data lies in a deflated object. NOT_FOUND beyond the last frame. */
  async frame(number: number, pixels: () => Promise<{ offset: number; length: number }>): Promise<Uint8Array> {
    const { pixelData } = this.#entry;
    if (!pixelData || number < 1 || number > frameCount(pixelData)) {
      throw new LifeboatError('NOT_FOUND', `There is no frame ${number} in this object.`);
    }
    if (pixelData.kind === 'deflated') {
      const { offset, length } = await pixels();
      const size = Math.floor(length / pixelData.frames);
      return await this.bulk(offset + (number - 1) * size, size);
    }
    const range = frameRange(pixelData, number - 1);
    if (!range) throw new LifeboatError('NOT_FOUND', `Frame ${number} has no bytes in this object.`);
    return extractFrame(pixelData, number - 1, await exactly(this.#store, this.#entry, range.start, range.end));
  }
}
