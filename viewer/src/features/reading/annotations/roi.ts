import { modalityValue, paddingOf } from '../paint/grayscale.ts';
import type { ReadyPicture } from '../paint/painted-picture.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { Calibration } from '../study/geometry.ts';
import type { Point } from '../study/point.ts';
import { type ValueUnit, valueUnitOf } from './value-unit.ts';

export type RoiShape = 'ellipse' | 'rectangle' | 'freehand';

/** What the pixels whose centres lie inside a region have. */
export interface RoiValues {
  pixels: number;
  mean: number;
  /** Standard deviation of the pixels themselves (divided by their number). */
  deviation: number;
  least: number;
  greatest: number;
  unit: ValueUnit;
}

function boxOf(points: readonly Point[]) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** Area in mm² (pixels where there is no calibration) of the shape itself, not of the pixels that it holds. */
export function areaOf(shape: RoiShape, points: readonly Point[], calibration: Calibration | null): number {
  const pixel = (calibration?.row ?? 1) * (calibration?.column ?? 1);
  if (shape === 'freehand') {
    let twice = 0;
    for (const [i, a] of points.entries()) {
      const b = points[(i + 1) % points.length]!;
      twice += a.x * b.y - b.x * a.y;
    }
    return (Math.abs(twice) / 2) * pixel;
  }
  const { left, right, top, bottom } = boxOf(points);
  const box = (right - left) * (bottom - top) * pixel;
  return shape === 'ellipse' ? (box * Math.PI) / 4 : box;
}

function insideOf(shape: RoiShape, points: readonly Point[]): (x: number, y: number) => boolean {
  const { left, right, top, bottom } = boxOf(points);
  if (shape === 'rectangle') return () => true;
  if (shape === 'ellipse') {
    const [cx, cy, rx, ry] = [(left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2];
    return (x, y) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
  }
  return (x, y) => {
    let inside = false;
    for (const [i, a] of points.entries()) {
      const b = points[(i + 1) % points.length]!;
      if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
    }
    return inside;
  };
}

/** Whether two sides of a closed line cross: it then has no one area. */
export function crossesItself(points: readonly Point[]): boolean {
  const side = (a: Point, b: Point, p: Point) => (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
  const n = points.length;
  for (let i = 0; i < n; i += 1) {
    const [a, b] = [points[i]!, points[(i + 1) % n]!];
    for (let j = i + 2; j < n; j += 1) {
      if (i === 0 && j === n - 1) continue;
      const [c, d] = [points[j]!, points[(j + 1) % n]!];
      if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) return true;
    }
  }
  return false;
}

/** Values inside a region; null for colour and for regions without the centre of a pixel. Padding does not count. */
export function valuesIn(item: ReadyPicture, shape: RoiShape, points: readonly Point[]): RoiValues | null {
  const { frame, grayscale } = item;
  if (frame.kind !== 'gray' || !grayscale) return null;
  const attributes = frameAttributesOf(item.picture);
  const padding = paddingOf(attributes);
  const unit = valueUnitOf(attributes);
  const { left, right, top, bottom } = boxOf(points);
  const inside = insideOf(shape, points);
  const from = (edge: number) => Math.max(0, Math.ceil(edge - 0.5));
  const lastColumn = Math.min(frame.columns - 1, Math.floor(right - 0.5));
  const lastRow = Math.min(frame.rows - 1, Math.floor(bottom - 0.5));
  const values: number[] = [];
  for (let row = from(top); row <= lastRow; row += 1)
    for (let column = from(left); column <= lastColumn; column += 1) {
      if (!inside(column + 0.5, row + 0.5)) continue;
      const stored = frame.pixels[row * frame.columns + column]!;
      if (padding && stored >= padding.from && stored <= padding.to) continue;
      values.push(modalityValue(grayscale, stored) * unit.factor);
    }
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  let [least, greatest] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return { pixels: values.length, mean, deviation: Math.sqrt(variance), least, greatest, unit };
}

/** The value of the pixel that a point lies in; colours as R G B; '' outside of the picture. */
export function valueAt(
  item: ReadyPicture,
  { x, y }: Point,
): { value: number; unit: ValueUnit } | { colour: string } | null {
  const { frame, grayscale } = item;
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= frame.columns || row >= frame.rows) return null;
  const at = row * frame.columns + column;
  if (frame.kind !== 'gray') return { colour: [...frame.rgba.slice(4 * at, 4 * at + 3)].join(' ') };
  if (!grayscale) return null;
  const unit = valueUnitOf(frameAttributesOf(item.picture));
  return { value: modalityValue(grayscale, frame.pixels[at]!) * unit.factor, unit };
}
