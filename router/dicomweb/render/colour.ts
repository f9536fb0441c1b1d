import { LifeboatError } from '../../../contract/errors.ts';
import type { Decoded } from './decode.ts';
import { lookUp, storedValues } from './grey.ts';
import type { LookupTable, Palette } from './render-types.ts';

/** Palette colour (PS3.3 C.7.6.3.1.5): 8 or 16 bit entries to 8-bit RGB. */
export function paletteRgb(decoded: Decoded, palette: Palette): Uint8Array {
  const values = storedValues(decoded);
  const out = new Uint8Array(values.length * 3);
  const entry = (table: LookupTable, value: number) =>
    table.bits > 8 ? lookUp(table, value) >> (table.bits - 8) : lookUp(table, value);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    out[i * 3] = entry(palette.red, value);
    out[i * 3 + 1] = entry(palette.green, value);
    out[i * 3 + 2] = entry(palette.blue, value);
  }
  return out;
}

/** Chroma that two neighbours share, spread to both: Y1 Y2 Cb Cr to Y Cb Cr, Y Cb Cr (PS3.3 C.7.6.3.1.2). */
function spread422(bytes: Uint8Array, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i + 1 < pixels; i += 2) {
    const at = i * 2;
    out.set([bytes[at]!, bytes[at + 2]!, bytes[at + 3]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!], i * 3);
  }
  return out;
}

function byPixel(bytes: Uint8Array, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    out[i * 3] = bytes[i]!;
    out[i * 3 + 1] = bytes[pixels + i]!;
    out[i * 3 + 2] = bytes[pixels * 2 + i]!;
  }
  return out;
}

/** YCbCr of full range to RGB in place (PS3.3 C.7.6.3.1.2). */
function ybrToRgb(bytes: Uint8Array): void {
  const clamp = (value: number) => Math.max(0, Math.min(255, Math.round(value)));
  for (let i = 0; i + 2 < bytes.length; i += 3) {
    const y = bytes[i]!;
    const cb = bytes[i + 1]! - 128;
    const cr = bytes[i + 2]! - 128;
    bytes[i] = clamp(y + 1.402 * cr);
    bytes[i + 1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
    bytes[i + 2] = clamp(y + 1.772 * cb);
  }
}

/** Three samples a pixel to interleaved 8-bit RGB. */
export function colourRgb(decoded: Decoded): Uint8Array {
  const { image } = decoded;
  const pixels = image.rows * image.columns;
  if (image.samplesPerPixel !== 3) {
    throw new LifeboatError(
      'CANNOT_RENDER',
      `Pictures of ${image.samplesPerPixel} samples a pixel cannot be rendered.`,
    );
  }
  let bytes: Uint8Array;
  if (image.bitsAllocated === 8) bytes = decoded.bytes;
  else {
    const values = storedValues(decoded);
    const shift = image.bitsStored - 8;
    bytes = Uint8Array.from(values, (value) => (shift >= 0 ? value >> shift : value << -shift));
  }
  const photometric = image.photometricInterpretation;
  let rgb: Uint8Array;
  if (/_422$/.test(photometric)) rgb = spread422(bytes, pixels);
  else if (image.planarConfiguration === 1) rgb = byPixel(bytes, pixels);
  else rgb = bytes.slice(0, pixels * 3);
  if (photometric === 'YBR_FULL' || photometric === 'YBR_FULL_422') ybrToRgb(rgb);
  else if (photometric !== 'RGB' && photometric !== 'YBR_RCT' && photometric !== 'YBR_ICT') {
    throw new LifeboatError('CANNOT_RENDER', `Photometric interpretation ${photometric} cannot be rendered.`);
  }
  return rgb;
}
