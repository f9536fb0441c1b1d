import { describeObjectSync, INFLATE_LIMIT, inMemory } from '../../../../../storage/format/describe.ts';
import type { PixelDataLayout } from '../../../../../storage/format/manifest.ts';
import { FetchError } from './range-fetch.ts';

const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** A deflated data set laid open: its bytes and where the frames are in them. */
export interface Inflated {
  bytes: Uint8Array;
  layout: PixelDataLayout;
}

async function inflateStream(deflated: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([deflated as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    length += step.value.length;
    if (length > INFLATE_LIMIT) {
      await reader.cancel();
      throw new FetchError(0, 'the deflated object is too large to open here');
    }
    pieces.push(step.value);
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** A deflated data set of odd length is padded with one byte (PS3.5 A.5), which is no part of the stream. */
export async function inflateBytes(deflated: Uint8Array): Promise<Uint8Array> {
  try {
    return await inflateStream(deflated);
  } catch (error) {
    if (!(error instanceof TypeError) || deflated.at(-1) !== 0) throw error;
    return await inflateStream(deflated.subarray(0, -1));
  }
}

/**
 * Inflates a data set (PS3.5 A.5) and finds its frames.
 * @throws FetchError when it grows beyond any plausible size or has no pixel data
 */
export async function inflateDataSet(deflated: Uint8Array): Promise<Inflated> {
  const bytes = await inflateBytes(deflated);
  const { pixelData } = describeObjectSync(inMemory(bytes), {
    transferSyntaxUID: explicitLittleEndian,
    dataSetOffset: 0,
  });
  if (!pixelData) throw new FetchError(0, 'the object has no pixel data');
  return { bytes, layout: pixelData };
}
