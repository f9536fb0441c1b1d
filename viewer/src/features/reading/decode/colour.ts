import { type ColourFrame, DecodeError, type Palette, type PixelFormat } from './decode-types.ts';

type Samples = Uint8Array | Uint16Array | Uint32Array;

/** Three samples a pixel as 8-bit RGBA, still in their own colour space. */
function interleave8(samples: Samples, pixels: number, planar: boolean, shift: number): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(pixels * 4);
  const step = planar ? 1 : 3;
  const plane = planar ? pixels : 1;
  for (let i = 0, o = 0; i < pixels; i += 1, o += 4) {
    const at = i * step;
    rgba[o] = samples[at]! >>> shift;
    rgba[o + 1] = samples[at + plane]! >>> shift;
    rgba[o + 2] = samples[at + 2 * plane]! >>> shift;
    rgba[o + 3] = 255;
  }
  return rgba;
}

/** YBR_FULL to RGB in place (PS3.3 C.7.6.3.1.2, ITU-R BT.601 over the full range). */
function fullToRgb(rgba: Uint8ClampedArray): void {
  for (let o = 0; o < rgba.length; o += 4) {
    const y = rgba[o]!;
    const cb = rgba[o + 1]! - 128;
    const cr = rgba[o + 2]! - 128;
    rgba[o] = y + 1.402 * cr;
    rgba[o + 1] = y - 0.344136 * cb - 0.714136 * cr;
    rgba[o + 2] = y + 1.772 * cb;
  }
}

/** YBR_PARTIAL to RGB in place: luma 16 to 235, chroma 16 to 240. */
function partialToRgb(rgba: Uint8ClampedArray): void {
  for (let o = 0; o < rgba.length; o += 4) {
    const y = 1.164383 * (rgba[o]! - 16);
    const cb = rgba[o + 1]! - 128;
    const cr = rgba[o + 2]! - 128;
    rgba[o] = y + 1.596027 * cr;
    rgba[o + 1] = y - 0.391762 * cb - 0.812968 * cr;
    rgba[o + 2] = y + 2.017232 * cb;
  }
}

/** Y1 Y2 Cb Cr of two neighbours to two pixels (PS3.3 C.7.6.3.1.2, YBR_FULL_422), as RGBA still in YBR. */
export function expand422(bytes: Uint8Array, pixels: number): Uint8ClampedArray<ArrayBuffer> {
  if (bytes.length < pixels * 2) throw new DecodeError('the image has fewer bytes of pixels than it says');
  const rgba = new Uint8ClampedArray(pixels * 4);
  for (let i = 0, o = 0; i < pixels; i += 1, o += 4) {
    const pair = (i >> 1) * 4;
    rgba[o] = bytes[pair + (i & 1)]!;
    rgba[o + 1] = bytes[pair + 2]!;
    rgba[o + 2] = bytes[pair + 3]!;
    rgba[o + 3] = 255;
  }
  return rgba;
}

/** Converts in place from the colour space of Photometric Interpretation to RGB. */
export function toRgb(rgba: Uint8ClampedArray, photometricInterpretation: string): void {
  if (photometricInterpretation.startsWith('YBR_PARTIAL')) partialToRgb(rgba);
  else if (photometricInterpretation.startsWith('YBR_FULL')) fullToRgb(rgba);
}

/** Three-sample cells to a colour frame. @param rgb the codec already gave RGB */
export function colourFrame(samples: Samples, format: PixelFormat, planar: boolean, rgb: boolean): ColourFrame {
  const pixels = format.rows * format.columns;
  if (samples.length < pixels * 3) throw new DecodeError('the image has fewer bytes of pixels than it says');
  const rgba = interleave8(samples, pixels, planar, Math.max(0, format.bitsStored - 8));
  if (!rgb) toRgb(rgba, format.photometricInterpretation);
  return { kind: 'colour', rows: format.rows, columns: format.columns, rgba };
}

/** Looks every stored value up in the palette; values beyond its ends take the end's colour (PS3.3 C.7.6.3.1.5). */
export function paletteFrame(values: ArrayLike<number>, format: PixelFormat, palette: Palette): ColourFrame {
  const pixels = format.rows * format.columns;
  const rgba = new Uint8ClampedArray(pixels * 4);
  const last = palette.red.length - 1;
  for (let i = 0, o = 0; i < pixels; i += 1, o += 4) {
    const entry = Math.min(last, Math.max(0, values[i]! - palette.firstMapped));
    rgba[o] = palette.red[entry]!;
    rgba[o + 1] = palette.green[entry]!;
    rgba[o + 2] = palette.blue[entry]!;
    rgba[o + 3] = 255;
  }
  return { kind: 'colour', rows: format.rows, columns: format.columns, rgba };
}
