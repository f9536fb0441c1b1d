/**
 * From a frame's number to its bytes: the span of the object to fetch, and the frame cut out of that span. Runs in the
 * browser too.
 */
import type { PixelDataLayout } from './manifest.ts';

/** Bytes `start` to before `end` of the object. */
export interface FrameSpan {
  start: number;
  end: number;
}

/** Frames that can be fetched. */
export function frameCount(layout: PixelDataLayout): number {
  return layout.kind === 'encapsulated' ? layout.frames.length : layout.frames;
}

/**
 * The one range of the object that holds frame `frame` (0-based); null when there is no such frame, or when the data set
 * is deflated and must be fetched whole.
 */
export function frameRange(layout: PixelDataLayout, frame: number): FrameSpan | null {
  if (!Number.isInteger(frame) || frame < 0 || frame >= frameCount(layout)) return null;
  if (layout.kind === 'deflated') return null;
  if (layout.kind === 'native') {
    const firstBit = frame * layout.frameBits;
    return {
      start: layout.offset + Math.floor(firstBit / 8),
      end: Math.min(layout.offset + Math.ceil((firstBit + layout.frameBits) / 8), layout.offset + layout.length),
    };
  }
  const fragments = layout.frames[frame]!;
  if (fragments.length < 2) return null;
  return { start: fragments[0]!, end: fragments[fragments.length - 2]! + fragments[fragments.length - 1]! };
}

/**
 * Cuts frame `frame` out of the bytes of `frameRange`: joins fragments, and moves a native frame that does not begin on
 * a byte (1-bit multi-frame, PS3.5 8.1.1) to bit 0 of the first byte. Without need no copy is made.
 * @throws RangeError when `span` is shorter than the frame: a short answer must never be drawn
 */
export function extractFrame(layout: PixelDataLayout, frame: number, span: Uint8Array): Uint8Array {
  const range = frameRange(layout, frame);
  if (!range) throw new RangeError(`no frame ${frame + 1}`);
  if (span.length < range.end - range.start) {
    throw new RangeError(`frame ${frame + 1} needs ${range.end - range.start} bytes, got ${span.length}`);
  }
  if (layout.kind === 'native') {
    const shift = (frame * layout.frameBits) % 8;
    if (shift === 0 && layout.frameBits % 8 === 0) return span.subarray(0, range.end - range.start);
    return shiftBits(span, shift, layout.frameBits);
  }
  if (layout.kind === 'deflated') throw new RangeError('a deflated data set has no frame ranges');
  const fragments = layout.frames[frame]!;
  if (fragments.length === 2) return span.subarray(0, fragments[1]);
  let total = 0;
  for (let i = 1; i < fragments.length; i += 2) total += fragments[i]!;
  const out = new Uint8Array(total);
  for (let i = 0, at = 0; i < fragments.length; i += 2) {
    const from = fragments[i]! - range.start;
    out.set(span.subarray(from, from + fragments[i + 1]!), at);
    at += fragments[i + 1]!;
  }
  return out;
}

/** `bits` bits from bit `shift` on, least significant bit first; bits behind the last are zero. */
function shiftBits(bytes: Uint8Array, shift: number, bits: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(bits / 8));
  for (let i = 0; i < out.length; i++) out[i] = (bytes[i]! >> shift) | ((bytes[i + 1] ?? 0) << (8 - shift));
  if (bits % 8 !== 0 && out.length > 0) out[out.length - 1]! &= (1 << (bits % 8)) - 1;
  return out;
}
