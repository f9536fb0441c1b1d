import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf, numberOf, numbersOf, textsOf } from './dicom-json.ts';

export interface Point {
  x: number;
  y: number;
}

/** Size of a pixel. `plane` says what the millimetres mean. */
export interface Calibration {
  /** mm from row to row and from column to column. */
  row: number;
  column: number;
  plane: 'patient' | 'detector';
}

const centimetres = 3;

/** Ultrasound region (PS3.3 C.8.5.5) that holds a point and is measured in cm both ways. */
function regionSpacing(attributes: DicomJson, points: Point[]): Calibration | null {
  for (const region of itemsOf(attributes, '00186011')) {
    const x0 = numberOf(region, '00186018') ?? 0;
    const y0 = numberOf(region, '0018601A') ?? 0;
    const x1 = numberOf(region, '0018601C') ?? 0;
    const y1 = numberOf(region, '0018601E') ?? 0;
    if (numberOf(region, '00186024') !== centimetres || numberOf(region, '00186026') !== centimetres) continue;
    if (!points.every((point) => point.x >= x0 && point.x <= x1 + 1 && point.y >= y0 && point.y <= y1 + 1)) continue;
    const column = Math.abs(numberOf(region, '0018602C') ?? 0) * 10;
    const row = Math.abs(numberOf(region, '0018602E') ?? 0) * 10;
    if (row > 0 && column > 0) return { row, column, plane: 'patient' };
  }
  return null;
}

function pairOf(attributes: DicomJson, tag: string): [number, number] | null {
  const [row, column] = numbersOf(attributes, tag);
  return row && row > 0 ? [row, column && column > 0 ? column : row] : null;
}

/**
 * Pixel size at the given points, or null when the image has none: then lengths are in pixels. Pixel Spacing first; for
 * projections Imager Pixel Spacing, which is the size at the detector and not in the patient (PS3.3 10.7.1.3).
 */
export function calibrationAt(attributes: DicomJson, points: Point[]): Calibration | null {
  if (itemsOf(attributes, '00186011').length > 0) {
    const region = regionSpacing(attributes, points);
    if (region) return region;
  }
  const patient = pairOf(attributes, '00280030');
  const detector = pairOf(attributes, '00181164') ?? pairOf(attributes, '00182010');
  if (patient) {
    const isProjection = numbersOf(attributes, '00200037').length < 6 && detector !== null;
    const uncorrected = isProjection && detector[0] === patient[0] && detector[1] === patient[1];
    return { row: patient[0], column: patient[1], plane: uncorrected ? 'detector' : 'patient' };
  }
  return detector ? { row: detector[0], column: detector[1], plane: 'detector' } : null;
}

/** Width of a displayed pixel over its height (PS3.3 C.7.6.3.1.7). */
export function pixelAspectOf(attributes: DicomJson): number {
  const spacing = pairOf(attributes, '00280030') ?? pairOf(attributes, '00181164');
  if (spacing) return spacing[1] / spacing[0];
  const [vertical, horizontal] = numbersOf(attributes, '00280034');
  return vertical && horizontal && vertical > 0 ? horizontal / vertical : 1;
}

/** Length of a line in mm, or in pixels where there is no calibration. */
export function lengthOf(a: Point, b: Point, calibration: Calibration | null): number {
  return Math.hypot((b.x - a.x) * (calibration?.column ?? 1), (b.y - a.y) * (calibration?.row ?? 1));
}

/** Angle at `vertex`, in degrees, in the true proportions of the image. */
export function angleOf(a: Point, vertex: Point, b: Point, aspect: number): number {
  const one = Math.atan2(a.y - vertex.y, (a.x - vertex.x) * aspect);
  const two = Math.atan2(b.y - vertex.y, (b.x - vertex.x) * aspect);
  const degrees = Math.abs(((one - two) * 180) / Math.PI);
  return degrees > 180 ? 360 - degrees : degrees;
}

type Vector = [number, number, number];

/** Letters of a direction in the patient (LPS: +x left, +y posterior, +z head), the strongest first. */
export function lettersOf([x, y, z]: Vector): string {
  return (
    [
      [Math.abs(x), x > 0 ? 'L' : 'R'],
      [Math.abs(y), y > 0 ? 'P' : 'A'],
      [Math.abs(z), z > 0 ? 'H' : 'F'],
    ] as [number, string][]
  )
    .filter(([size]) => size > 0.25)
    .sort((p, q) => q[0] - p[0])
    .map(([, letter]) => letter)
    .join('');
}

const opposite: Record<string, string> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' };

function opposed(letters: string): string {
  return [...letters].map((letter) => opposite[letter] ?? letter).join('');
}

export interface Markers {
  top: string;
  right: string;
  bottom: string;
  left: string;
}

/**
 * Orientation letters at the four edges of the view.
 * @param right direction of the view's right edge in the image, (columns, rows), unit length
 * @param down the same for the bottom edge
 */
export function markersOf(attributes: DicomJson, right: Point, down: Point): Markers | null {
  const cosines = numbersOf(attributes, '00200037');
  if (cosines.length >= 6) {
    const along = (direction: Point): Vector => [
      cosines[0]! * direction.x + cosines[3]! * direction.y,
      cosines[1]! * direction.x + cosines[4]! * direction.y,
      cosines[2]! * direction.x + cosines[5]! * direction.y,
    ];
    const r = lettersOf(along(right));
    const d = lettersOf(along(down));
    return { top: opposed(d), right: r, bottom: d, left: opposed(r) };
  }
  const [row, column] = textsOf(attributes, '00200020');
  if (!row || !column) return null;
  const along = (direction: Point): string => {
    if (Math.abs(direction.x) >= Math.abs(direction.y)) return direction.x > 0 ? row : opposed(row);
    return direction.y > 0 ? column : opposed(column);
  };
  const r = along(right);
  const d = along(down);
  return { top: opposed(d), right: r, bottom: d, left: opposed(r) };
}
