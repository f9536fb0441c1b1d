import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import type { GrayFrame, GrayPixels } from '../decode/decode-types.ts';
import type { LookupTable } from '../decode/lookup-table.ts';
import { numberOf, numbersOf, textOf, textsOf } from '../study/dicom-json.ts';

export type VoiFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

/**
 * VOI transformation (PS3.3 C.11.2), applied to the output of the modality transformation. A table with centre and width
 * is stretched over these values.
 */
export type Voi =
  | { kind: 'window'; center: number; width: number; function: VoiFunction }
  | { kind: 'table'; table: LookupTable; center?: number; width?: number };

/** Everything between stored values and light. */
export interface Grayscale {
  slope: number;
  intercept: number;
  modalityTable?: LookupTable;
  voi: Voi;
  inverted: boolean;
}

/** A window named in the image. */
export interface NamedWindow {
  name: string;
  center: number;
  width: number;
}

function clampIndex(table: LookupTable, value: number): number {
  const index = Math.round(value) - table.firstMapped;
  return index < 0 ? 0 : index >= table.data.length ? table.data.length - 1 : index;
}

/** Stored value to modality value: Hounsfield units, say (PS3.3 C.11.1). */
export function modalityValue(grayscale: Grayscale, stored: number): number {
  const table = grayscale.modalityTable;
  return table ? table.data[clampIndex(table, stored)]! : stored * grayscale.slope + grayscale.intercept;
}

function tableLight(voi: Extract<Voi, { kind: 'table' }>, value: number): number {
  const { table, center, width } = voi;
  const { firstMapped, data, bits } = table;
  const at =
    center === undefined || width === undefined
      ? value
      : firstMapped + ((value - center) / width + 0.5) * (data.length - 1);
  return data[clampIndex(table, at)]! / (2 ** bits - 1);
}

/**
 * A window as a VOI transformation. LINEAR knows no width below 1 (PS3.3 C.11.2.1.2.1): an image that brings one can only
 * mean the straight line between its two ends, which is LINEAR_EXACT.
 */
export function windowVoi(center: number, width: number, name: VoiFunction): Voi {
  return { kind: 'window', center, width, function: name === 'LINEAR' && width < 1 ? 'LINEAR_EXACT' : name };
}

/** Modality value to light, 0 to 1 (PS3.3 C.11.2.1.1, C.11.2.1.2.1, C.11.2.1.3). */
export function lightOf(voi: Voi, value: number): number {
  if (voi.kind === 'table') return tableLight(voi, value);
  const { center, width } = voi;
  if (voi.function === 'SIGMOID') return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (voi.function === 'LINEAR_EXACT') {
    if (value <= center - width / 2) return 0;
    if (value > center + width / 2) return 1;
    return (value - center) / width + 0.5;
  }
  if (value <= center - 0.5 - (width - 1) / 2) return 0;
  if (value > center - 0.5 + (width - 1) / 2) return 1;
  return (value - (center - 0.5)) / (width - 1) + 0.5;
}

function byteOf(grayscale: Grayscale, stored: number): number {
  const light = Math.min(1, Math.max(0, lightOf(grayscale.voi, modalityValue(grayscale, stored))));
  const byte = Math.round(light * 255);
  return grayscale.inverted ? 255 - byte : byte;
}

const grey = new Uint32Array(256).map((_, v) => (0xff000000 | (v << 16) | (v << 8) | v) >>> 0);

function tableRange(pixels: GrayPixels): [number, number] | null {
  if (pixels instanceof Int8Array) return [-128, 127];
  if (pixels instanceof Uint8Array) return [0, 255];
  if (pixels instanceof Int16Array) return [-32768, 32767];
  if (pixels instanceof Uint16Array) return [0, 65535];
  return null;
}

/** Paints stored values as opaque RGBA words (little-endian machine, which WebAssembly and all browsers have). */
export function paintGray(frame: GrayFrame, grayscale: Grayscale, out: Uint32Array, range?: [number, number]): void {
  const { pixels } = frame;
  if (tableRange(pixels)) {
    const [low, high] = range ?? tableRange(pixels)!;
    const table = new Uint32Array(high - low + 1);
    for (let value = low; value <= high; value += 1) table[value - low] = grey[byteOf(grayscale, value)]!;
    for (let i = 0; i < pixels.length; i += 1) out[i] = table[pixels[i]! - low]!;
    return;
  }
  for (let i = 0; i < pixels.length; i += 1) out[i] = grey[byteOf(grayscale, pixels[i]!)]!;
}

/** Least and greatest stored value; values of Pixel Padding (PS3.3 C.7.5.1.1.2) and NaN do not count. */
export function storedRangeOf(frame: GrayFrame, padding?: { from: number; to: number }): [number, number] {
  const { pixels } = frame;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < pixels.length; i += 1) {
    const value = pixels[i]!;
    if (padding && value >= padding.from && value <= padding.to) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Pixel Padding Value and Range Limit, or undefined. With signed pixels they are signed, whatever VR they came in. */
export function paddingOf(attributes: DicomJson): { from: number; to: number } | undefined {
  const signed = numberOf(attributes, '00280103') === 1;
  const read = (tag: string) => {
    const value = numberOf(attributes, tag);
    return signed && value !== undefined && value > 0x7fff && value <= 0xffff ? value - 0x10000 : value;
  };
  const value = read('00280120');
  if (value === undefined) return undefined;
  const limit = read('00280121') ?? value;
  return { from: Math.min(value, limit), to: Math.max(value, limit) };
}

/** Windows that the image itself brings (Window Center, Width and Explanation). */
export function windowsOf(attributes: DicomJson): NamedWindow[] {
  const centers = numbersOf(attributes, '00281050');
  const widths = numbersOf(attributes, '00281051');
  const names = textsOf(attributes, '00281055');
  return centers.flatMap((center, i) => {
    const width = widths[i];
    return width !== undefined && width > 0 ? [{ name: names[i] ?? '', center, width }] : [];
  });
}

/** VOI LUT Function (0028,1056); LINEAR unless the image says otherwise. */
export function voiFunctionOf(attributes: DicomJson): VoiFunction {
  const name = textOf(attributes, '00281056').toUpperCase();
  return name === 'SIGMOID' || name === 'LINEAR_EXACT' ? name : 'LINEAR';
}

/** Modality transformation and polarity of an image, with a VOI that shows all of `range` (stored values). */
export function grayscaleOf(
  attributes: DicomJson,
  range: [number, number],
  tables: { modality?: LookupTable; voi?: LookupTable } = {},
): Grayscale {
  const grayscale: Grayscale = {
    slope: numberOf(attributes, '00281053') || 1,
    intercept: numberOf(attributes, '00281052') ?? 0,
    modalityTable: tables.modality,
    voi: { kind: 'window', center: 0, width: 1, function: 'LINEAR' },
    inverted:
      textOf(attributes, '00280004') === 'MONOCHROME1' || textOf(attributes, '20500020').toUpperCase() === 'INVERSE',
  };
  const [window] = windowsOf(attributes);
  if (window) grayscale.voi = windowVoi(window.center, window.width, voiFunctionOf(attributes));
  else if (tables.voi) grayscale.voi = { kind: 'table', table: tables.voi };
  else grayscale.voi = fullRangeVoi(grayscale, range);
  return grayscale;
}

/** A window from the least to the greatest value of the image. */
export function fullRangeVoi(grayscale: Grayscale, range: [number, number]): Voi {
  const a = modalityValue(grayscale, range[0]);
  const b = modalityValue(grayscale, range[1]);
  const width = Math.abs(b - a) || 1;
  return { kind: 'window', center: (a + b) / 2, width, function: 'LINEAR_EXACT' };
}
