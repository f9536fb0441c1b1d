import { createHash } from 'node:crypto';
import type { FrameShape } from './frame-shape.ts';
import { decodeFrame, encodeFrame } from './htj2k.ts';

export interface PackedFrame {
  codestream: Uint8Array;
  /** SHA-256 of the codestream, lower-case hex. */
  sha256: string;
}

/** A frame has no rendition; `message` says why. */
export class NoRendition extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'NoRendition';
  }
}

/** Where less than this is saved the original is read as it is. */
const LEAST_SAVED = 0.2;

/**
 * Packs a frame and unpacks it again.
 * @throws NoRendition when the codec does not take it, when it does not come back bit for bit, or when too little is saved
 */
export async function packFrame(cells: Uint8Array, shape: FrameShape): Promise<PackedFrame> {
  let codestream: Uint8Array;
  let again: Uint8Array;
  try {
    codestream = await encodeFrame(cells, shape);
    again = await decodeFrame(codestream);
  } catch (error) {
    throw new NoRendition('the codec does not take it', { cause: error });
  }
  if (Buffer.compare(again, cells) !== 0) throw new NoRendition('it does not decode to the same pixels');
  if (codestream.length > cells.length * (1 - LEAST_SAVED)) throw new NoRendition('it saves too little');
  return { codestream, sha256: createHash('sha256').update(codestream).digest('hex') };
}
