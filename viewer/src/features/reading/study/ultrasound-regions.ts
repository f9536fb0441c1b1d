import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf, numberOf } from './dicom-json.ts';
import type { Point } from './point.ts';

/** A region of an ultrasound picture with its own axes (PS3.3 C.8.5.5). */
export interface UltrasoundRegion {
  /** First and last column and row, both inside. */
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** Physical Units X/Y Direction: what its columns and rows count. */
  unitX: number;
  unitY: number;
  /** Physical units a pixel, without sign. */
  deltaX: number;
  deltaY: number;
  /** Region Flags, bit 0: its pixels lie under those of the others. */
  lowPriority: boolean;
}

const centimetres = 3;

/** Names of Physical Units X/Y Direction (0018,6024) and (0018,6026). */
const unitNames: Record<number, string> = {
  1: 'percent',
  2: 'dB',
  3: 'cm',
  4: 'seconds',
  5: 'hertz',
  6: 'dB/s',
  7: 'cm/s',
  8: 'cm²',
  9: 'cm²/s',
  10: 'cm³',
  11: 'cm³/s',
  12: 'degrees',
};

/** Name of a physical unit of a region; 'no unit' for those that have none. */
export function unitName(unit: number): string {
  return unitNames[unit] ?? 'no unit';
}

/** All complete regions of a picture. */
export function regionsOf(attributes: DicomJson): UltrasoundRegion[] {
  return itemsOf(attributes, '00186011').flatMap((item) => {
    const [x0, y0, x1, y1] = ['00186018', '0018601A', '0018601C', '0018601E'].map((tag) => numberOf(item, tag));
    if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined) return [];
    return [
      {
        x0,
        y0,
        x1,
        y1,
        unitX: numberOf(item, '00186024') ?? 0,
        unitY: numberOf(item, '00186026') ?? 0,
        deltaX: Math.abs(numberOf(item, '0018602C') ?? 0),
        deltaY: Math.abs(numberOf(item, '0018602E') ?? 0),
        lowPriority: ((numberOf(item, '00186016') ?? 0) & 1) === 1,
      },
    ];
  });
}

/** Whether both axes of a region are lengths: only then a distance in it is one. */
export function isSpatial(region: UltrasoundRegion): boolean {
  return region.unitX === centimetres && region.unitY === centimetres && region.deltaX > 0 && region.deltaY > 0;
}

/** Whether a point of the image (pixel corners are whole numbers) lies in a region. */
export function isInside(region: UltrasoundRegion, { x, y }: Point): boolean {
  return x >= region.x0 && x <= region.x1 + 1 && y >= region.y0 && y <= region.y1 + 1;
}

function sameScale(a: UltrasoundRegion, b: UltrasoundRegion): boolean {
  const near = (p: number, q: number) => Math.abs(p - q) <= 1e-3 * Math.max(p, q);
  return isSpatial(b) && near(a.deltaX, b.deltaX) && near(a.deltaY, b.deltaY);
}

/**
 * The region in which all points may be measured in cm: it holds them all, both its axes are cm, and at none of them a
 * region of other scale lies over it or beside it with equal right.
 */
export function measurableRegion(regions: UltrasoundRegion[], points: Point[]): UltrasoundRegion | null {
  return (
    regions.find(
      (region) =>
        isSpatial(region) &&
        points.every(
          (point) =>
            isInside(region, point) &&
            regions.every(
              (other) =>
                other === region ||
                !isInside(other, point) ||
                sameScale(region, other) ||
                (other.lowPriority && !region.lowPriority),
            ),
        ),
    ) ?? null
  );
}

/** The one scale that all spatial regions of a picture share, or null when there is none or they differ. */
export function commonRegion(regions: UltrasoundRegion[]): UltrasoundRegion | null {
  const [first, ...rest] = regions.filter(isSpatial);
  return first && rest.every((region) => sameScale(first, region)) ? first : null;
}
