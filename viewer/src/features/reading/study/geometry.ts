import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { numbersOf, textsOf } from './dicom-json.ts';
import { aspectRatioOf, type Calibration, spacingOf } from './pixel-spacing.ts';
import type { Point } from './point.ts';
import {
  commonRegion,
  isInside,
  isSpatial,
  measurableRegion,
  regionsOf,
  type UltrasoundRegion,
  unitName,
} from './ultrasound-regions.ts';

export type { Calibration, SpacingPlane } from './pixel-spacing.ts';
export type { Point } from './point.ts';

function calibrationOf(region: UltrasoundRegion): Calibration {
  return { row: region.deltaY * 10, column: region.deltaX * 10, plane: 'patient' };
}

/**
 * Pixel size at the given points, or null when the image has none there: then lengths are in pixels. Where an ultrasound
 * image has regions they alone count, and only those that are measured in cm both ways (PS3.3 C.8.5.5).
 */
export function calibrationAt(attributes: DicomJson, points: Point[]): Calibration | null {
  const regions = regionsOf(attributes);
  if (regions.length === 0) return spacingOf(attributes);
  const region = measurableRegion(regions, points);
  return region && calibrationOf(region);
}

/** Why there are no millimetres at the given points. */
export type Uncalibrated = { reason: 'none' | 'outside' } | { reason: 'axes'; horizontal: string; vertical: string };

/** Says why `calibrationAt` gives nothing at these points. */
export function whyUncalibrated(attributes: DicomJson, points: Point[]): Uncalibrated {
  const regions = regionsOf(attributes);
  if (regions.length === 0) return { reason: 'none' };
  const odd = regions.find((region) => !isSpatial(region) && points.some((point) => isInside(region, point)));
  if (!odd) return { reason: 'outside' };
  return { reason: 'axes', horizontal: unitName(odd.unitX), vertical: unitName(odd.unitY) };
}

/** The one pixel size of a whole picture, for a ruler; null where there is none or parts of it differ. */
export function wholeCalibration(attributes: DicomJson): Calibration | null {
  const regions = regionsOf(attributes);
  if (regions.length === 0) return spacingOf(attributes);
  const region = commonRegion(regions);
  if (!region) return null;
  const calibration = calibrationOf(region);
  const drawn = pixelAspectOf(attributes) / (calibration.column / calibration.row);
  return Math.abs(drawn - 1) < 0.01 ? calibration : null;
}

/**
 * Width of a displayed pixel over its height: Pixel Aspect Ratio (PS3.3 C.7.6.3.1.7) and the regions' deltas for
 * ultrasound, the spacing for all else.
 */
export function pixelAspectOf(attributes: DicomJson): number {
  const regions = regionsOf(attributes);
  if (regions.length === 0) {
    const spacing = spacingOf(attributes);
    if (spacing) return spacing.column / spacing.row;
  }
  const given = aspectRatioOf(attributes);
  if (given) return given;
  const region = commonRegion(regions);
  return region ? region.deltaX / region.deltaY : 1;
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
