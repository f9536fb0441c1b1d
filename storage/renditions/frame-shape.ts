import type { DicomJson, PixelDataLayout } from '../format/manifest.ts';

/** High-Throughput JPEG 2000, lossless only (PS3.5 A.4.4; ISO/IEC 15444-15). */
export const HTJ2K_LOSSLESS = '1.2.840.10008.1.2.4.201';
/** Implicit and Explicit VR Little Endian: cells lie in the object as the codec takes them. */
const LITTLE_ENDIAN = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1']);
/** A frame larger than this is not read into memory for a rendition. */
export const MOST_FRAME_BYTES = 32 * 1024 * 1024;
/** Below this a frame is fetched as quickly as it is. */
const LEAST_FRAME_BYTES = 8 * 1024;

/** The cells of one native frame: whole cells of Bits Allocated, whatever Bits Stored and High Bit say. */
export interface FrameShape {
  rows: number;
  columns: number;
  /** 1, or 3 interleaved. */
  samplesPerPixel: 1 | 3;
  bitsAllocated: 8 | 16;
  isSigned: boolean;
}

export function frameBytes({ rows, columns, samplesPerPixel, bitsAllocated }: FrameShape): number {
  return (rows * columns * samplesPerPixel * bitsAllocated) / 8;
}

function numberOf(attributes: DicomJson, tag: string): number | undefined {
  const value = attributes[tag]?.Value?.[0];
  return typeof value === 'number' ? value : undefined;
}

/**
 * How the frames of an instance go into a codec; null where they do not: compressed already, Big Endian, 1, 32 and 64 bits, floating
 * point, colour of 16 bits, by plane or subsampled, too large or too small, or not of the length that the header says (PS3.3 C.7.6.3).
 * @param attributes all of the instance, those of its series included
 */
export function frameShapeOf(
  attributes: DicomJson,
  transferSyntaxUID: string,
  layout: PixelDataLayout | undefined,
): FrameShape | null {
  if (layout?.kind !== 'native' || layout.tag !== '7FE00010' || !LITTLE_ENDIAN.has(transferSyntaxUID)) return null;
  const rows = numberOf(attributes, '00280010') ?? 0;
  const columns = numberOf(attributes, '00280011') ?? 0;
  const samplesPerPixel = numberOf(attributes, '00280002') ?? 1;
  const bitsAllocated = numberOf(attributes, '00280100');
  if (bitsAllocated !== 8 && bitsAllocated !== 16) return null;
  if (samplesPerPixel !== 1 && samplesPerPixel !== 3) return null;
  // the codec's binding gives three components back in 8 bits only
  if (samplesPerPixel === 3 && (bitsAllocated !== 8 || (numberOf(attributes, '00280006') ?? 0) !== 0)) return null;
  const photometric = String(attributes['00280004']?.Value?.[0] ?? '').toUpperCase();
  if (/_42[02]$/.test(photometric)) return null;
  const shape: FrameShape = {
    rows,
    columns,
    samplesPerPixel,
    bitsAllocated,
    isSigned: numberOf(attributes, '00280103') === 1,
  };
  const bytes = frameBytes(shape);
  if (bytes < LEAST_FRAME_BYTES || bytes > MOST_FRAME_BYTES) return null;
  if (layout.frameBits !== bytes * 8 || layout.frames < 1 || layout.length < layout.frames * bytes) return null;
  return shape;
}
