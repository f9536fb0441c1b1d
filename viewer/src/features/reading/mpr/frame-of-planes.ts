import { dot, type Vector } from '../study/plane.ts';
import type { VolumeGeometry } from './volume-geometry.ts';

/** The three views. */
export const views = ['axial', 'coronal', 'sagittal'] as const;
export type ViewName = (typeof views)[number];

/** Directions of a view in the patient, unit length. */
export interface Axes {
  right: Vector;
  down: Vector;
  normal: Vector;
}

/** Patient's left at the right of axial and coronal views; sagittal ones are seen from the left. */
export function startingAxes(): Record<ViewName, Axes> {
  return {
    axial: { right: [1, 0, 0], down: [0, 1, 0], normal: [0, 0, 1] },
    coronal: { right: [1, 0, 0], down: [0, 0, -1], normal: [0, 1, 0] },
    sagittal: { right: [0, 1, 0], down: [0, 0, -1], normal: [1, 0, 0] },
  };
}

export function add(a: Vector, b: Vector, factor = 1): Vector {
  return [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]];
}

export function scaled(a: Vector, factor: number): Vector {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** Turns a direction about an axis (Rodrigues). @param angle radians */
export function turned(direction: Vector, axis: Vector, angle: number): Vector {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const across = cross(axis, direction);
  const along = dot(axis, direction) * (1 - cos);
  return [0, 1, 2].map((i) => direction[i]! * cos + across[i]! * sin + axis[i]! * along) as Vector;
}

/** Turns the other two views about the normal of one of them: that one stays as it is. */
export function turnOthers(axes: Record<ViewName, Axes>, about: ViewName, angle: number): Record<ViewName, Axes> {
  const { normal } = axes[about];
  const next = { ...axes };
  for (const view of views)
    if (view !== about)
      next[view] = {
        right: turned(axes[view].right, normal, angle),
        down: turned(axes[view].down, normal, angle),
        normal: turned(axes[view].normal, normal, angle),
      };
  return next;
}

/** Centre of a volume. */
export function centreOf({ columns, rows, slices, origin, ...steps }: VolumeGeometry): Vector {
  return add(
    add(add(origin, steps.columnStep, (columns - 1) / 2), steps.rowStep, (rows - 1) / 2),
    steps.sliceStep,
    (slices - 1) / 2,
  );
}

/** Greatest extent of a volume along each axis of a view, mm. */
export function extentAlong({ columns, rows, slices, ...steps }: VolumeGeometry, direction: Vector): number {
  return (
    columns * Math.abs(dot(steps.columnStep, direction)) +
    rows * Math.abs(dot(steps.rowStep, direction)) +
    slices * Math.abs(dot(steps.sliceStep, direction))
  );
}

/** Smallest distance of neighbouring values, mm. */
export function finestStep({ columnStep, rowStep, sliceStep }: VolumeGeometry): number {
  return Math.min(Math.hypot(...columnStep), Math.hypot(...rowStep), Math.hypot(...sliceStep));
}

/** A point of the patient kept inside the volume. */
export function inside(geometry: VolumeGeometry, point: Vector): Vector {
  const centre = centreOf(geometry);
  let kept = point;
  for (const [step, count] of [
    [geometry.columnStep, geometry.columns],
    [geometry.rowStep, geometry.rows],
    [geometry.sliceStep, geometry.slices],
  ] as [Vector, number][]) {
    const length = Math.hypot(...step);
    const direction = scaled(step, 1 / length);
    const along = dot(add(kept, centre, -1), direction);
    const most = ((count - 1) / 2) * length;
    if (Math.abs(along) > most) kept = add(kept, direction, Math.sign(along) * most - along);
  }
  return kept;
}
