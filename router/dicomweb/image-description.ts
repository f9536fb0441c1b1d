import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';

/** Image Pixel Module (PS3.3 C.7.6.3) as far as decoding needs it. */
export interface ImageDescription {
  transferSyntaxUID: string;
  rows: number;
  columns: number;
  samplesPerPixel: number;
  photometricInterpretation: string;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  /** 0 unsigned, 1 two's complement. */
  pixelRepresentation: number;
  /** 0 by pixel, 1 by plane. */
  planarConfiguration: number;
}

const MAX_SAMPLES = 512 * 1024 * 1024;

/** First value of an attribute as a number. */
export function numberAt(json: DicomJson, tag: string): number | undefined {
  const value = json[tag]?.Value?.[0];
  if (value === null || value === undefined || value === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** All values of an attribute as numbers. */
export function numbersAt(json: DicomJson, tag: string): number[] {
  return (json[tag]?.Value ?? []).map(Number).filter(Number.isFinite);
}

/** CANNOT_RENDER when rows, columns or bits are missing or absurd. */
export function describeImage(json: DicomJson, transferSyntaxUID: string): ImageDescription {
  const rows = numberAt(json, '00280010') ?? 0;
  const columns = numberAt(json, '00280011') ?? 0;
  const samplesPerPixel = numberAt(json, '00280002') ?? 1;
  const bitsAllocated = numberAt(json, '00280100') ?? 16;
  const bitsStored = numberAt(json, '00280101') ?? bitsAllocated;
  if (rows < 1 || columns < 1 || samplesPerPixel < 1 || samplesPerPixel > 4 || rows * columns > MAX_SAMPLES) {
    throw new LifeboatError('CANNOT_RENDER', 'Rows, columns or samples per pixel make no picture.');
  }
  return {
    transferSyntaxUID,
    rows,
    columns,
    samplesPerPixel,
    photometricInterpretation: String(json['00280004']?.Value?.[0] ?? (samplesPerPixel === 3 ? 'RGB' : 'MONOCHROME2')),
    bitsAllocated,
    bitsStored,
    highBit: numberAt(json, '00280102') ?? bitsStored - 1,
    pixelRepresentation: numberAt(json, '00280103') ?? 0,
    planarConfiguration: numberAt(json, '00280006') ?? 0,
  };
}
