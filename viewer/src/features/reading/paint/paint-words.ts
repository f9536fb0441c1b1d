import type { DecodedFrame } from '../decode/decode-types.ts';
import { drawPlane, type OverlayPlane } from '../decode/overlay-plane.ts';
import { type Grayscale, paintGray, type Voi } from './grayscale.ts';

/** What of a picture is painted. */
export interface Paintable {
  frame: DecodedFrame;
  /** undefined for colour. */
  grayscale?: Grayscale;
  /** Overlay planes known so far. */
  overlays: OverlayPlane[];
}

/** How a picture is to look. */
export interface Look {
  voi?: Voi;
  invert?: boolean;
  /** False: without its overlay planes. */
  overlays?: boolean;
}

const white = 0xffffffff;
const black = 0xff000000;

/**
 * Paints the whole frame in its own resolution.
 * @param words one RGBA word a pixel, of a little-endian machine
 */
export function paintWords(item: Paintable, look: Look, words: Uint32Array): void {
  const { frame, grayscale } = item;
  if (frame.kind === 'colour') {
    words.set(new Uint32Array(frame.rgba.buffer, frame.rgba.byteOffset, words.length));
    if (look.invert) for (let i = 0; i < words.length; i += 1) words[i]! ^= 0x00ffffff;
  } else if (grayscale) {
    const inverted = look.invert ? !grayscale.inverted : grayscale.inverted;
    paintGray(frame, { ...grayscale, voi: look.voi ?? grayscale.voi, inverted }, words);
  }
  if (look.overlays === false) return;
  for (const plane of item.overlays) drawPlane(words, frame.rows, frame.columns, plane, look.invert ? black : white);
}
