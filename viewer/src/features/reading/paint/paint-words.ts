import type { DecodedFrame, GrayPixels, Palette } from '../decode/decode-types.ts';
import { drawPlane, type OverlayPlane } from '../decode/overlay-plane.ts';
import { type Grayscale, paintGray, type Voi } from './grayscale.ts';
import { closeShutter, type Shutter } from './shutter.ts';

/** What of a picture is painted. */
export interface Paintable {
  frame: DecodedFrame;
  /** undefined for colour. */
  grayscale?: Grayscale;
  /** Overlay planes known so far. */
  overlays: OverlayPlane[];
  /** What the image itself covers, and the width of its pixels over their height. */
  shutter?: { shape: Shutter; aspect: number };
}

/** How a picture is to look. */
export interface Look {
  voi?: Voi;
  invert?: boolean;
  /** False: without its overlay planes and shutter. */
  overlays?: boolean;
}

const white = 0xffffffff;
const black = 0xff000000;

/** Colours the values from the first mapped one on; no window touches them. */
function paintSupplement(pixels: GrayPixels, palette: Palette, words: Uint32Array): void {
  const { firstMapped, red, green, blue } = palette;
  const last = red.length - 1;
  for (let i = 0; i < pixels.length; i += 1) {
    const entry = Math.min(last, pixels[i]! - firstMapped);
    if (entry >= 0) words[i] = (0xff000000 | (blue[entry]! << 16) | (green[entry]! << 8) | red[entry]!) >>> 0;
  }
}

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
    if (frame.supplement) paintSupplement(frame.pixels, frame.supplement, words);
  }
  if (look.overlays === false) return;
  const { shutter } = item;
  if (shutter) closeShutter(words, frame.rows, frame.columns, shutter.shape, shutter.aspect);
  for (const plane of item.overlays) drawPlane(words, frame.rows, frame.columns, plane, look.invert ? black : white);
}
