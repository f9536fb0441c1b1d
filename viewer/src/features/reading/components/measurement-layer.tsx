import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { measurementText } from '../viewport/measurements.ts';
import { mapPoint } from '../viewport/view-transform.ts';

/** Lengths and angles of the picture on the screen. */
export function MeasurementLayer(props: { controller: ViewportController }) {
  const { controller } = props;
  const shown = controller.shown;
  const matrix = controller.matrix();
  if (!shown || !matrix) return null;
  const attributes = frameAttributesOf(shown.picture);
  const mine = controller.measurements.filter((measurement) => measurement.pictureId === shown.picture.id);
  return (
    <svg className="measurements" aria-label="Measurements">
      <title>Measurements</title>
      {mine.map((measurement) => {
        const points = measurement.points.map((point) => mapPoint(matrix, point));
        const last = points[points.length - 1]!;
        return (
          <g key={measurement.id}>
            <polyline points={points.map((point) => `${point.x},${point.y}`).join(' ')} />
            {points.map((point, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the points of a measurement have no other identity
              <circle key={i} cx={point.x} cy={point.y} r={3.5} />
            ))}
            <text x={last.x + 8} y={last.y - 6}>
              {measurementText(measurement, attributes)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
