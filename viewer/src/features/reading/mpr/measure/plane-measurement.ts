import { dot, type Vector } from '../../study/plane.ts';
import { type Axes, add, finestStep, type ViewName } from '../frame-of-planes.ts';
import type { VolumeGeometry } from '../volume-geometry.ts';

export const planeTools = ['cross', 'length', 'angle', 'probe'] as const;
/** What the left button does in a plane. */
export type PlaneTool = (typeof planeTools)[number];
export type PlaneMeasurementKind = Exclude<PlaneTool, 'cross'>;

/** Something measured in a plane, with the planes as they lay. */
export interface PlaneMeasurement {
  id: number;
  kind: PlaneMeasurementKind;
  view: ViewName;
  /** In the patient, mm, LPS. Angle: the vertex is the second. */
  points: Vector[];
  axes: Record<ViewName, Axes>;
  cross: Vector;
  /** Mode and thickness of the slab, in words; '' without one. */
  slab: string;
  /** What a probe has read, with its unit. */
  value?: string;
}

/** Points that a finished measurement has. */
export const planePoints: Record<PlaneMeasurementKind, number> = { length: 2, angle: 3, probe: 1 };

/** mm from one place of the patient to another. */
export function distanceOf(a: Vector, b: Vector): number {
  return Math.hypot(...add(a, b, -1));
}

/** Degrees at `vertex`, 0 to 180. */
export function angleAt(a: Vector, vertex: Vector, b: Vector): number {
  const [to, from] = [add(a, vertex, -1), add(b, vertex, -1)];
  const lengths = Math.hypot(...to) * Math.hypot(...from);
  return lengths === 0 ? 0 : (Math.acos(Math.max(-1, Math.min(1, dot(to, from) / lengths))) * 180) / Math.PI;
}

/** Whether a measurement lies in the plane through `cross` with this normal: else it is not drawn over it. */
export function liesIn(
  measurement: PlaneMeasurement,
  normal: Vector,
  cross: Vector,
  geometry: VolumeGeometry,
): boolean {
  const before = measurement.axes[measurement.view].normal;
  if (Math.abs(dot(before, normal)) < 0.99999) return false;
  const most = finestStep(geometry) / 4;
  return measurement.points.every((point) => Math.abs(dot(normal, add(point, cross, -1))) <= most);
}

/** What is said of a measurement: mm from the places of the slices, degrees, or the value and its unit. */
export function planeMeasurementText({ kind, points, slab, value }: PlaneMeasurement): string {
  const [a, b, c] = points as [Vector, Vector?, Vector?];
  const behind = slab ? ` (${slab})` : '';
  if (kind === 'probe') return value ? `${value}${behind}` : '…';
  if (kind === 'length') return b ? `${distanceOf(a, b).toFixed(1)} mm${behind}` : '';
  return b && c ? `${angleAt(a, b, c).toFixed(1)}°${behind}` : '';
}
