import { useRef, useState } from 'react';
import { valueUnitOf } from '../../annotations/value-unit.ts';
import { modalityValue } from '../../paint/grayscale.ts';
import { frameAttributesOf } from '../../study/frame-attributes.ts';
import type { Vector } from '../../study/plane.ts';
import { valueText } from '../../viewport/measurements.ts';
import type { MprSession } from '../mpr-session.ts';
import type { SlabMode } from '../reslice.ts';
import { distanceOf, type PlaneMeasurement, type PlaneMeasurementKind, planePoints } from './plane-measurement.ts';

/** Where a measurement is being made. */
export type PlaneFrame = Pick<PlaneMeasurement, 'view' | 'axes' | 'cross' | 'slab'> & {
  mode: SlabMode;
  thickness: number;
};

/** The measurements of a session and the hand that makes them: `begin` at a press, `move` while it is held, `end`. */
export interface PlaneMeasurements {
  list: readonly PlaneMeasurement[];
  begin(kind: PlaneMeasurementKind, frame: PlaneFrame, at: Vector): void;
  move(at: Vector): void;
  end(): void;
  remove(id: number | 'all'): void;
}

/** Shorter ones are a slip of the hand, mm. */
const shortest = 0.1;

/** What a place holds as it is seen, in the unit of the images. */
async function valueAt(session: MprSession, at: Vector, frame: PlaneFrame, outside: string): Promise<string> {
  const { right, down, normal } = frame.axes[frame.view];
  const { mode, thickness } = frame;
  const [stored] = await session.cut({ width: 1, height: 1, origin: at, right, down, normal, mode, thickness });
  if (stored === undefined || stored === session.empty) return outside;
  const unit = valueUnitOf(frameAttributesOf(session.pictures[0]!));
  return `${valueText(modalityValue(session.grayscale, stored) * unit.factor)} ${unit.name}`;
}

/** @param outside what is said of a place where the volume has no value */
export function usePlaneMeasurements(session: MprSession | null, outside: string): PlaneMeasurements {
  const [list, setList] = useState<readonly PlaneMeasurement[]>([]);
  const next = useRef(1);
  const change = (id: number, part: Partial<PlaneMeasurement>) =>
    setList((before) => before.map((one) => (one.id === id ? { ...one, ...part } : one)));
  const begin = (kind: PlaneMeasurementKind, frame: PlaneFrame, at: Vector) => {
    const { view, axes, cross, slab } = frame;
    const open = list.at(-1);
    if (open && kind === 'angle' && open.kind === kind && open.view === view && open.points.length === 2) {
      change(open.id, { points: [...open.points, at] });
      return;
    }
    const id = next.current++;
    const points = kind === 'probe' ? [at] : [at, at];
    // An angle of which only one arm was drawn is dropped with the next measurement.
    const finished = (one: PlaneMeasurement) => one.points.length === planePoints[one.kind];
    setList((before) => [...before.filter(finished), { id, kind, view, axes, cross, slab, points }]);
    if (kind === 'probe' && session) void valueAt(session, at, frame, outside).then((value) => change(id, { value }));
  };
  return {
    list,
    begin,
    move: (at) =>
      setList((before) => {
        const last = before.at(-1);
        if (!last || last.kind === 'probe') return before;
        return [...before.slice(0, -1), { ...last, points: [...last.points.slice(0, -1), at] }];
      }),
    end: () =>
      setList((before) => {
        const { points = [] } = before.at(-1) ?? {};
        const slip = points.length > 1 && distanceOf(points.at(-1)!, points.at(-2)!) < shortest;
        return slip ? before.slice(0, -1) : before;
      }),
    remove: (id) => setList((before) => (id === 'all' ? [] : before.filter((one) => one.id !== id))),
  };
}
