import { numbersOf, textOf } from './dicom-json.ts';
import { frameAttributesOf } from './frame-attributes.ts';
import type { Point } from './point.ts';
import { normalOf } from './split.ts';
import type { Picture, Stack } from './study-model.ts';

/** A place or a direction in the patient, mm, LPS (PS3.3 C.7.6.2.1.1). */
export type Vector = [number, number, number];

/** Where the pixels of a picture lie in the patient. */
export interface Plane {
  /** Centre of the first pixel. */
  origin: Vector;
  /** Direction of growing columns and of growing rows, unit length. */
  right: Vector;
  down: Vector;
  normal: Vector;
  /** mm from row to row and from column to column. */
  rowSpacing: number;
  columnSpacing: number;
  rows: number;
  columns: number;
  /** Frame of Reference UID; '' where there is none: its places compare with no other picture's. */
  frameOfReference: string;
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

const planes = new WeakMap<Picture, Plane | null>();

function readPlane(picture: Picture): Plane | null {
  const attributes = frameAttributesOf(picture);
  const cosines = numbersOf(attributes, '00200037');
  const origin = numbersOf(attributes, '00200032');
  const [rowSpacing = 0, columnSpacing = 0] = numbersOf(attributes, '00280030');
  const [rows = 0] = numbersOf(attributes, '00280010');
  const [columns = 0] = numbersOf(attributes, '00280011');
  if (cosines.length !== 6 || origin.length !== 3 || !(rowSpacing > 0) || !(columnSpacing > 0)) return null;
  const normal = normalOf(cosines);
  if (!(Math.hypot(...normal) > 0.9)) return null;
  return {
    origin: origin as Vector,
    right: cosines.slice(0, 3) as Vector,
    down: cosines.slice(3) as Vector,
    normal,
    rowSpacing,
    columnSpacing,
    rows,
    columns,
    frameOfReference: textOf(attributes, '00200052'),
  };
}

/** The plane of a picture by Image Position and Orientation (Patient) and Pixel Spacing, or null where it has none. */
export function planeOf(picture: Picture): Plane | null {
  let plane = planes.get(picture);
  if (plane === undefined) {
    plane = readPlane(picture);
    planes.set(picture, plane);
  }
  return plane;
}

/** Place in the patient of a point of the picture (pixel corners are whole numbers). */
export function toPatient(plane: Plane, { x, y }: Point): Vector {
  const along = (x - 0.5) * plane.columnSpacing;
  const downwards = (y - 0.5) * plane.rowSpacing;
  return [0, 1, 2].map((i) => plane.origin[i]! + plane.right[i]! * along + plane.down[i]! * downwards) as Vector;
}

/** The point of the picture at or above which a place in the patient lies. */
export function toPicture(plane: Plane, place: Vector): Point {
  const from = place.map((value, i) => value - plane.origin[i]!) as Vector;
  return {
    x: dot(from, plane.right) / plane.columnSpacing + 0.5,
    y: dot(from, plane.down) / plane.rowSpacing + 0.5,
  };
}

/** Centre of a plane's picture. */
export function centreOf(plane: Plane): Vector {
  return toPatient(plane, { x: plane.columns / 2, y: plane.rows / 2 });
}

/** Signed distance (mm) of a place from a plane, along its normal. */
export function distanceFrom(plane: Plane, place: Vector): number {
  return dot(plane.normal, place.map((value, i) => value - plane.origin[i]!) as Vector);
}

export interface StackPlaces {
  /** Of the first picture; the others are parallel. */
  normal: Vector;
  frameOfReference: string;
  /** Distance of each picture along the normal, mm. */
  along: number[];
}

const places = new WeakMap<Stack, StackPlaces | null>();

/** Where the pictures of a stack lie along their common normal; null where they are no pile of parallel planes. */
export function placesOf(stack: Stack): StackPlaces | null {
  const known = places.get(stack);
  if (known !== undefined) return known;
  let found: StackPlaces | null = null;
  const all = stack.pictures.map(planeOf);
  const first = all[0];
  if (first && all.every((plane) => plane && dot(plane.normal, first.normal) > 0.99))
    found = {
      normal: first.normal,
      frameOfReference: first.frameOfReference,
      along: all.map((plane) => dot(first.normal, plane!.origin)),
    };
  places.set(stack, found);
  return found;
}

/** Index of the value nearest to `wanted`. */
export function nearest(values: readonly number[], wanted: number): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1)
    if (Math.abs(values[i]! - wanted) < Math.abs(values[best]! - wanted)) best = i;
  return best;
}

/**
 * The line in which the picture of `other` cuts `plane`, as two points of that picture; null where they are (nearly) parallel,
 * do not meet, or have no common frame of reference.
 */
export function cutOf(plane: Plane, other: Plane): [Point, Point] | null {
  if (!plane.frameOfReference || plane.frameOfReference !== other.frameOfReference) return null;
  if (Math.abs(dot(plane.normal, other.normal)) > 0.99) return null;
  const corners = [
    { x: 0, y: 0 },
    { x: other.columns, y: 0 },
    { x: other.columns, y: other.rows },
    { x: 0, y: other.rows },
  ].map((corner) => toPatient(other, corner));
  const crossings: Point[] = [];
  for (const [i, a] of corners.entries()) {
    const b = corners[(i + 1) % 4]!;
    const [da, db] = [distanceFrom(plane, a), distanceFrom(plane, b)];
    if (da > 0 === db > 0) continue;
    const part = da / (da - db);
    crossings.push(toPicture(plane, a.map((value, k) => value + part * (b[k]! - value)) as Vector));
  }
  return crossings.length === 2 ? [crossings[0]!, crossings[1]!] : null;
}
