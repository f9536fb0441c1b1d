import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { LifeboatError } from '../../contract/errors.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { TransferSyntax } from './media-types.ts';

/** A deflated data set is inflated no further than this. */
const MAX_INFLATED_BYTES = 256 * 1024 * 1024;
/** Largest object taken into memory as a whole, for deflated data sets and transcoding. */
export const MAX_WHOLE_OBJECT_BYTES = 512 * 1024 * 1024;

const inflate = promisify(inflateRaw);

export function isDeflated(entry: InstanceEntry): boolean {
  return entry.transferSyntaxUID === TransferSyntax.DeflatedExplicitVRLittleEndian;
}

/** The object with its data set inflated in place; offsets in metadata count in this. */
async function inflated(store: ObjectStore, entry: InstanceEntry): Promise<Buffer> {
  const object = await wholeObject(store, entry);
  try {
    const dataSet = await inflate(object.subarray(entry.dataSetOffset), { maxOutputLength: MAX_INFLATED_BYTES });
    return Buffer.concat([object.subarray(0, entry.dataSetOffset), dataSet]);
  } catch (error) {
    throw new LifeboatError('DATASET_BOMB', undefined, { cause: error });
  }
}

/** All bytes; PAYLOAD_TOO_LARGE above MAX_WHOLE_OBJECT_BYTES. */
export async function wholeObject(store: ObjectStore, entry: InstanceEntry): Promise<Buffer> {
  if (entry.size > MAX_WHOLE_OBJECT_BYTES) {
    throw new LifeboatError('NOT_ACCEPTABLE', 'The object is too large for this; ask for it with transfer-syntax=*.');
  }
  return await exactly(store, entry, 0, entry.size);
}

/** The object as it is, inflated where it is deflated. */
export async function wholeInflated(store: ObjectStore, entry: InstanceEntry): Promise<Buffer> {
  return isDeflated(entry) ? await inflated(store, entry) : await wholeObject(store, entry);
}

/** Bytes `start` to before `end`; never fewer: OBJECT_DAMAGED when the store has less. */
export async function exactly(store: ObjectStore, entry: InstanceEntry, start: number, end: number): Promise<Buffer> {
  const bytes = await store.get(entry.key, { start, end });
  if (bytes.length !== end - start) throw new LifeboatError('OBJECT_DAMAGED');
  return bytes;
}

/** A range of the (inflated) object; RANGE_NOT_SATISFIABLE outside of it. */
export async function bulkBytes(
  store: ObjectStore,
  entry: InstanceEntry,
  offset: number,
  length: number,
): Promise<Buffer> {
  const source = isDeflated(entry) ? await inflated(store, entry) : null;
  const size = source?.length ?? entry.size;
  if (offset < entry.dataSetOffset || offset + length > size) {
    throw new LifeboatError('NOT_FOUND', 'The bulk data lies outside the object.');
  }
  return source ? source.subarray(offset, offset + length) : await exactly(store, entry, offset, offset + length);
}

/** Frames that the object holds; CANNOT_RENDER when it has no pixel data. */
export function numberOfFrames(entry: InstanceEntry): number {
  if (!entry.pixelData) throw new LifeboatError('CANNOT_RENDER', 'This object has no pixel data.');
  return frameCount(entry.pixelData);
}

/** Reads frames of one object, one at a time; a deflated object is inflated once. */
export class FrameReader {
  readonly #store: ObjectStore;
  readonly #entry: InstanceEntry;
  #inflated: { bytes: Buffer; offset: number; length: number } | null = null;

  constructor(store: ObjectStore, entry: InstanceEntry) {
    this.#store = store;
    this.#entry = entry;
  }

  /** Bytes of the frame as stored, fragments joined. `pixels` says where the pixel data lies in a deflated object. NOT_FOUND beyond the last frame. */
  async frame(number: number, pixels: () => Promise<{ offset: number; length: number }>): Promise<Uint8Array> {
    const { pixelData } = this.#entry;
    if (!pixelData || number < 1 || number > frameCount(pixelData)) {
      throw new LifeboatError('NOT_FOUND', `There is no frame ${number} in this object.`);
    }
    if (pixelData.kind === 'deflated') {
      this.#inflated ??= { ...(await pixels()), bytes: await inflated(this.#store, this.#entry) };
      const { bytes, offset, length } = this.#inflated;
      const size = Math.floor(length / pixelData.frames);
      return bytes.subarray(offset + (number - 1) * size, offset + number * size);
    }
    const range = frameRange(pixelData, number - 1);
    if (!range) throw new LifeboatError('NOT_FOUND', `Frame ${number} has no bytes in this object.`);
    return extractFrame(pixelData, number - 1, await exactly(this.#store, this.#entry, range.start, range.end));
  }
}
