import type { PixelDataLayout } from '../../../../../storage/format/manifest.ts';

/** Bytes of the object to fetch for one frame, and how to take the frame out of them. */
export interface FrameRange {
  /** First byte and one past the last, from the start of the object. */
  start: number;
  end: number;
  /** Of the frame's first pixel in the first byte (1-bit native pixels). */
  bitOffset: number;
  /** Fragments relative to `start`: their bytes joined are the frame. Absent: the fetched bytes are. */
  fragments?: { start: number; end: number }[];
}

/**
 * Where frame `frame` (from 0) lies in the object.
 * @throws RangeError when the object has no such frame or is deflated (then the whole object is needed)
 */
export function frameRangeOf(layout: PixelDataLayout, frame: number): FrameRange {
  if (layout.kind === 'native') {
    if (frame < 0 || frame >= layout.frames) throw new RangeError(`no frame ${frame + 1}`);
    const bit = frame * layout.frameBits;
    const start = layout.offset + Math.floor(bit / 8);
    const end = layout.offset + Math.min(layout.length, Math.ceil((bit + layout.frameBits) / 8));
    return { start, end, bitOffset: bit % 8 };
  }
  if (layout.kind === 'deflated') throw new RangeError('a deflated object has no frame ranges');
  const list = layout.frames[frame];
  if (!list || list.length < 2) throw new RangeError(`no frame ${frame + 1}`);
  const pieces: { start: number; end: number }[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) pieces.push({ start: list[i]!, end: list[i]! + list[i + 1]! });
  const start = Math.min(...pieces.map((piece) => piece.start));
  const end = Math.max(...pieces.map((piece) => piece.end));
  if (pieces.length === 1) return { start, end, bitOffset: 0 };
  return {
    start,
    end,
    bitOffset: 0,
    fragments: pieces.map((piece) => ({ start: piece.start - start, end: piece.end - start })),
  };
}

/** Takes the frame out of the fetched bytes. */
export function joinFragments(bytes: Uint8Array, range: FrameRange): Uint8Array {
  if (!range.fragments) return bytes;
  const out = new Uint8Array(range.fragments.reduce((sum, piece) => sum + piece.end - piece.start, 0));
  let at = 0;
  for (const piece of range.fragments) {
    out.set(bytes.subarray(piece.start, piece.end), at);
    at += piece.end - piece.start;
  }
  return out;
}
