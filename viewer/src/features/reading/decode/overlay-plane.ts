import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { numberOf, numbersOf, textOf } from '../study/dicom-json.ts';

/** An overlay plane of one frame (PS3.3 C.9.2). */
export interface OverlayPlane {
  rows: number;
  columns: number;
  /** Row and column of the image on which its first pixel lies, from 0; may be negative. */
  top: number;
  left: number;
  /** Region of interest; else graphics. */
  isRegion: boolean;
  /** Bits row after row, least significant first, from bit `firstBit` on. */
  bits: Uint8Array;
  firstBit: number;
}

/** What the header says of an overlay plane. */
export interface OverlayHeader {
  /** '6000' to '601E'. */
  group: string;
  rows: number;
  columns: number;
  top: number;
  left: number;
  isRegion: boolean;
  description: string;
  /** Bit of the pixel cells that it lies in (retired in 2004), or undefined when it has its own Overlay Data. */
  embeddedBit?: number;
  /** Frames of the image that it belongs to, from 0; undefined: all of them. */
  frames?: { first: number; count: number };
}

/** Overlay planes that an image announces and that have data. */
export function overlayHeadersOf(attributes: DicomJson): OverlayHeader[] {
  const groups = new Set(
    Object.keys(attributes).flatMap((tag) => (/^60[01][02468ACE]/.test(tag) ? [tag.slice(0, 4)] : [])),
  );
  const imageRows = numberOf(attributes, '00280010') ?? 0;
  const imageColumns = numberOf(attributes, '00280011') ?? 0;
  return [...groups].sort().flatMap((group): OverlayHeader[] => {
    const data = attributes[`${group}3000`];
    const hasData = data !== undefined && (data.InlineBinary ?? data.BulkDataURI ?? data.Value) !== undefined;
    const bit = numberOf(attributes, `${group}0102`);
    const allocated = numberOf(attributes, `${group}0100`) ?? 1;
    if (!hasData && (bit === undefined || allocated === 1)) return [];
    const [top = 1, left = 1] = numbersOf(attributes, `${group}0050`);
    const count = numberOf(attributes, `${group}0015`);
    const header: OverlayHeader = {
      group,
      rows: numberOf(attributes, `${group}0010`) ?? imageRows,
      columns: numberOf(attributes, `${group}0011`) ?? imageColumns,
      top: top - 1,
      left: left - 1,
      isRegion: textOf(attributes, `${group}0040`) === 'R',
      description: textOf(attributes, `${group}0022`) || textOf(attributes, `${group}1500`),
    };
    if (!hasData) return [{ ...header, rows: imageRows, columns: imageColumns, top: 0, left: 0, embeddedBit: bit! }];
    if (count !== undefined) header.frames = { first: (numberOf(attributes, `${group}0051`) ?? 1) - 1, count };
    return [header];
  });
}

/** Bits of the pixel cells that hold overlay planes: those outside the stored values. */
export function embeddedBitsOf(attributes: DicomJson): number[] {
  return overlayHeadersOf(attributes).flatMap(({ embeddedBit }) => embeddedBit ?? []);
}

/** One bit of every cell, packed as Overlay Data is. */
export function embeddedPlane(cells: Uint8Array | Uint16Array | Uint32Array, bit: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil(cells.length / 8));
  for (let i = 0; i < cells.length; i += 1) if ((cells[i]! >>> bit) & 1) packed[i >> 3]! |= 1 << (i & 7);
  return packed;
}

/**
 * The plane of one frame out of Overlay Data; null when this frame has none.
 * @param bits of all frames of the overlay, one after the other without padding
 */
export function planeOf(header: OverlayHeader, frame: number, bits: Uint8Array): OverlayPlane | null {
  const { rows, columns, top, left, isRegion, frames } = header;
  const index = frames ? frame - frames.first : 0;
  if (frames && (index < 0 || index >= frames.count)) return null;
  const firstBit = index * rows * columns;
  return bits.length * 8 >= firstBit + rows * columns ? { rows, columns, top, left, isRegion, bits, firstBit } : null;
}

function isSet(plane: OverlayPlane, row: number, column: number): boolean {
  if (row < 0 || column < 0 || row >= plane.rows || column >= plane.columns) return false;
  const at = plane.firstBit + row * plane.columns + column;
  return ((plane.bits[at >> 3]! >> (at & 7)) & 1) === 1;
}

function isEdge(plane: OverlayPlane, row: number, column: number): boolean {
  return !(
    isSet(plane, row - 1, column) &&
    isSet(plane, row + 1, column) &&
    isSet(plane, row, column - 1) &&
    isSet(plane, row, column + 1)
  );
}

/**
 * Draws a plane into a painted picture: graphics as they are, of a region of interest only its edge, so that what it marks
 * stays visible. What lies outside the picture is cut off.
 * @param picture RGBA words of `rows` by `columns`
 */
export function drawPlane(
  picture: Uint32Array,
  rows: number,
  columns: number,
  plane: OverlayPlane,
  colour: number,
): void {
  const lastRow = Math.min(plane.rows, rows - plane.top);
  const lastColumn = Math.min(plane.columns, columns - plane.left);
  for (let row = Math.max(0, -plane.top); row < lastRow; row += 1)
    for (let column = Math.max(0, -plane.left); column < lastColumn; column += 1)
      if (isSet(plane, row, column) && (!plane.isRegion || isEdge(plane, row, column)))
        picture[(row + plane.top) * columns + column + plane.left] = colour;
}
