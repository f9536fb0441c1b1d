import { LifeboatError } from '../../../contract/errors.ts';
import type { Decoded } from './decode.ts';
import type { LookupTable, RenderTables, Window } from './render-types.ts';

/** Stored values of all samples, sign extended from bits stored (PS3.5 8.1.1). */
export function storedValues({ bytes, image }: Decoded): Int32Array | Uint16Array | Float64Array {
  const count = image.rows * image.columns * image.samplesPerPixel;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shift = Math.max(0, image.highBit + 1 - image.bitsStored);
  const unused = 32 - image.bitsStored;
  const signed = image.pixelRepresentation === 1;
  if (image.bitsAllocated === 1) {
    const out = new Uint16Array(count);
    for (let i = 0; i < count; i++) out[i] = (bytes[i >> 3]! >> (i & 7)) & 1;
    return out;
  }
  const trim = (raw: number) => {
    const moved = (raw >>> shift) << unused;
    return signed ? moved >> unused : moved >>> unused;
  };
  if (image.bitsAllocated === 8 || image.bitsAllocated === 16) {
    const out = new Int32Array(count);
    if (image.bitsAllocated === 8) for (let i = 0; i < count; i++) out[i] = trim(bytes[i]!);
    else for (let i = 0; i < count; i++) out[i] = trim(view.getUint16(i * 2, true));
    return out;
  }
  if (image.bitsAllocated === 32) {
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) out[i] = trim(view.getUint32(i * 4, true));
    return out;
  }
  throw new LifeboatError('CANNOT_RENDER', `Pixels of ${image.bitsAllocated} bits cannot be rendered.`);
}

export function lookUp(table: LookupTable, value: number): number {
  const index = Math.min(Math.max(Math.round(value) - table.first, 0), table.data.length - 1);
  return table.data[index] ?? 0;
}

/** Position of a value in a window, 0 to 1 (PS3.3 C.11.2.1.2 and C.11.2.1.3). */
function windowed(value: number, { center, width, shape }: Window): number {
  if (shape === 'SIGMOID') return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  const c = shape === 'LINEAR' ? center - 0.5 : center;
  const w = shape === 'LINEAR' ? width - 1 : width;
  if (value <= c - w / 2) return 0;
  if (value > c + w / 2) return 1;
  return (value - c) / w + 0.5;
}

/** A window over all values that occur, padding left out. */
function fullWindow(
  values: ArrayLike<number>,
  modality: (stored: number) => number,
  padding?: [number, number],
): Window {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const stored = values[i]!;
    if (padding && stored >= padding[0] && stored <= padding[1]) continue;
    if (stored < low) low = stored;
    if (stored > high) high = stored;
  }
  if (low > high) return { center: 0.5, width: 1, shape: 'LINEAR_EXACT' };
  const a = modality(low);
  const b = modality(high);
  return { center: (a + b) / 2, width: Math.max(Math.abs(b - a), Number.MIN_VALUE), shape: 'LINEAR_EXACT' };
}

/** Modality LUT, VOI LUT or window, presentation LUT (PS3.4 N.2): stored values to 8-bit grey. */
export function greyOf(decoded: Decoded, tables: RenderTables, chosen: Window | undefined): Uint8Array {
  const values = storedValues(decoded);
  const { modalityLut, slope, intercept } = tables;
  const modality = modalityLut
    ? (stored: number) => lookUp(modalityLut, stored)
    : (stored: number) => stored * slope + intercept;
  const window = chosen ?? tables.window;
  const { voiLut } = tables;
  let shade: (stored: number) => number;
  if (!window && voiLut) {
    const most = 2 ** voiLut.bits - 1;
    shade = (stored) => Math.min(1, lookUp(voiLut, modality(stored)) / most);
  } else {
    const applied = window ?? fullWindow(values, modality, tables.padding);
    shade = (stored) => windowed(modality(stored), applied);
  }
  const grey = (stored: number) => Math.round((tables.inverse ? 1 - shade(stored) : shade(stored)) * 255);
  const out = new Uint8Array(values.length);
  const { bitsStored, pixelRepresentation } = decoded.image;
  if (bitsStored <= 16 && values.length > 2 ** bitsStored) {
    const low = pixelRepresentation === 1 ? -(2 ** (bitsStored - 1)) : 0;
    const map = Uint8Array.from({ length: 2 ** bitsStored }, (_, i) => grey(i + low));
    for (let i = 0; i < values.length; i++) out[i] = map[values[i]! - low]!;
  } else {
    for (let i = 0; i < values.length; i++) out[i] = grey(values[i]!);
  }
  return out;
}
