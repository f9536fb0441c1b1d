import type { Vector } from '../../study/plane.ts';
import { type PlaneMeasurement, planeMeasurementText } from './plane-measurement.ts';

/** Measurements of a plane, drawn over it. @param toView from the patient to CSS pixels of the pane */
export function PlaneMarks(props: {
  list: readonly PlaneMeasurement[];
  toView: (point: Vector) => { x: number; y: number };
}) {
  return (
    <svg className="measurements mpr-measurements" aria-hidden="true">
      {props.list.map((measurement) => {
        const points = measurement.points.map(props.toView);
        const last = points.at(-1)!;
        return (
          <g key={measurement.id} data-kind={measurement.kind}>
            <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
            {points.map(({ x, y }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the points of a measurement have no other identity
              <circle key={i} cx={x} cy={y} r={3.5} />
            ))}
            <text x={last.x + 8} y={last.y - 6}>
              {planeMeasurementText(measurement)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
