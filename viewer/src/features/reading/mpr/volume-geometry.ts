import type { NoVolume } from '../../../shared/messages.mpr.en.ts';
import { numberOf, textOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { dot, type Plane, planeOf, type Vector } from '../study/plane.ts';
import type { Picture, Stack } from '../study/study-model.ts';

/** A pile of equal slices, evenly spaced: column i, row j, slice k lie at origin + i*columnStep + j*rowStep + k*sliceStep. */
export interface VolumeGeometry {
  columns: number;
  rows: number;
  slices: number;
  /** Centre of the first pixel of the first slice; mm, LPS. */
  origin: Vector;
  columnStep: Vector;
  rowStep: Vector;
  /** With a tilted gantry it is not along the normal of the slices. */
  sliceStep: Vector;
}

export type VolumeCheck = { geometry: VolumeGeometry; pictures: Picture[] } | NoVolume;

const fewest = 3;
/** Values kept at most: half a gigabyte of 16-bit ones. */
const mostValues = 256 * 2 ** 20;

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a: Vector, f: number): Vector => [a[0] * f, a[1] * f, a[2] * f];
const sameDirection = (a: Vector, b: Vector) => dot(a, b) > 0.99995;
const alike = (a: number, b: number) => Math.abs(a - b) <= 0.002 * Math.max(a, b);

function isColour(picture: Picture): boolean {
  const { attributes } = picture;
  return (numberOf(attributes, '00280002') ?? 1) > 1 || textOf(attributes, '00280004') === 'PALETTE COLOR';
}

function planesOf(pictures: readonly Picture[]): Plane[] | NoVolume {
  const planes: Plane[] = [];
  for (const picture of pictures) {
    const plane = planeOf(picture);
    if (!plane) return { why: 'noPlane' };
    planes.push(plane);
  }
  const [first] = planes as [Plane];
  for (const plane of planes) {
    if (!sameDirection(plane.right, first.right) || !sameDirection(plane.down, first.down))
      return { why: 'orientation' };
    if (plane.rows !== first.rows || plane.columns !== first.columns) return { why: 'size' };
    if (!alike(plane.rowSpacing, first.rowSpacing) || !alike(plane.columnSpacing, first.columnSpacing))
      return { why: 'size' };
    if (plane.frameOfReference !== first.frameOfReference) return { why: 'parts' };
  }
  return planes;
}

const checks = new WeakMap<Stack, VolumeCheck>();

function checkVolume(stack: Stack): VolumeCheck {
  const { pictures } = stack;
  if (pictures.length < fewest) return { why: 'few' };
  if (pictures.some(isColour)) return { why: 'colour' };
  if (stack.traits.some(({ value }) => value === 'various')) return { why: 'parts' };
  const planes = planesOf(pictures);
  if ('why' in planes) return planes;
  const first = planes[0]!;
  const order = planes
    .map((plane, i) => ({ plane, picture: pictures[i]!, along: dot(first.normal, plane.origin) }))
    .sort((a, b) => a.along - b.along);
  const gaps = order.slice(1).map(({ along }, i) => along - order[i]!.along);
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)];
  if (least < 0.01) return { why: 'sameplace' };
  // Rounding of positions apart, a gap is a missing slice or another spacing: what would be drawn there is invented.
  if (most - least > Math.max(0.05, 0.05 * least)) return { why: 'spacing', least, most };
  if (first.columns * first.rows * order.length > mostValues) return { why: 'memory' };
  const [bottom, top] = [order[0]!.plane, order.at(-1)!.plane];
  return {
    pictures: order.map(({ picture }) => picture),
    geometry: {
      columns: first.columns,
      rows: first.rows,
      slices: order.length,
      origin: bottom.origin,
      columnStep: times(first.right, first.columnSpacing),
      rowStep: times(first.down, first.rowSpacing),
      sliceStep: times(minus(top.origin, bottom.origin), 1 / (order.length - 1)),
    },
  };
}

/** Whether a stack is a volume, with its pictures in the order of their places; or why it is none. */
export function volumeOf(stack: Stack): VolumeCheck {
  let check = checks.get(stack);
  if (!check) {
    check = checkVolume(stack);
    checks.set(stack, check);
  }
  return check;
}

/** Slope and intercept (PS3.3 C.11.1) of each picture: where they differ, values must be turned before they are mixed. */
export function sameRescale(pictures: readonly Picture[]): boolean {
  const key = (picture: Picture) => {
    const attributes = frameAttributesOf(picture);
    return `${numberOf(attributes, '00281053') ?? 1} ${numberOf(attributes, '00281052') ?? 0}`;
  };
  const [first] = pictures;
  return first === undefined || pictures.every((picture) => key(picture) === key(first));
}
