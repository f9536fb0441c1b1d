import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { numberOf, numbersOf, textsOf } from '../study/dicom-json.ts';

/**
 * Display Shutter (PS3.3 C.7.6.11): what lies outside any of its shapes is covered. Rows and columns count from 1, as in the
 * attributes.
 */
export interface Shutter {
  rectangle?: { left: number; right: number; top: number; bottom: number };
  /** Radius in pixels along a row. */
  circle?: { row: number; column: number; radius: number };
  polygon?: { row: number; column: number }[];
  /** Grey level of what is covered, 0 to 255. */
  grey: number;
}

/** The display shutter of an image, or undefined. Bitmap shutters are those of presentation states alone. */
export function shutterOf(attributes: DicomJson): Shutter | undefined {
  const shapes = textsOf(attributes, '00181600').map((shape) => shape.toUpperCase());
  const shutter: Shutter = { grey: Math.round((numberOf(attributes, '00181622') ?? 0) / 257) };
  const [left, right, top, bottom] = ['00181602', '00181604', '00181606', '00181608'].map((tag) =>
    numberOf(attributes, tag),
  );
  if (
    shapes.includes('RECTANGULAR') &&
    left !== undefined &&
    right !== undefined &&
    top !== undefined &&
    bottom !== undefined
  )
    shutter.rectangle = { left, right, top, bottom };
  const [row, column] = numbersOf(attributes, '00181610');
  const radius = numberOf(attributes, '00181612');
  if (shapes.includes('CIRCULAR') && row !== undefined && column !== undefined && radius !== undefined)
    shutter.circle = { row, column, radius };
  const vertices = numbersOf(attributes, '00181620');
  if (shapes.includes('POLYGONAL') && vertices.length >= 6)
    shutter.polygon = Array.from({ length: Math.floor(vertices.length / 2) }, (_, i) => ({
      row: vertices[2 * i]!,
      column: vertices[2 * i + 1]!,
    }));
  return shutter.rectangle || shutter.circle || shutter.polygon ? shutter : undefined;
}

function inPolygon(vertices: { row: number; column: number }[], row: number, column: number): boolean {
  let inside = false;
  for (let i = 0, j = vertices.length - 1; i < vertices.length; j = i, i += 1) {
    const [a, b] = [vertices[i]!, vertices[j]!];
    if (a.row > row === b.row > row) continue;
    if (column < a.column + ((row - a.row) / (b.row - a.row)) * (b.column - a.column)) inside = !inside;
  }
  return inside;
}

/** Whether a pixel may be seen. @param aspect width of a pixel over its height */
function isOpen({ rectangle, circle, polygon }: Shutter, row: number, column: number, aspect: number): boolean {
  if (
    rectangle &&
    (column < rectangle.left || column > rectangle.right || row < rectangle.top || row > rectangle.bottom)
  )
    return false;
  if (circle && Math.hypot(column - circle.column, (row - circle.row) / aspect) > circle.radius) return false;
  return !polygon || inPolygon(polygon, row, column);
}

/**
 * Covers what the shutter hides.
 * @param words RGBA words of `rows` by `columns`
 */
export function closeShutter(
  words: Uint32Array,
  rows: number,
  columns: number,
  shutter: Shutter,
  aspect: number,
): void {
  const { grey } = shutter;
  const cover = (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1)
      if (!isOpen(shutter, row + 1, column + 1, aspect)) words[row * columns + column] = cover;
}
