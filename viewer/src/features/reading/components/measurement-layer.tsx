import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { Point } from '../study/point.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { type Measurement, measurementLines } from '../viewport/measurements.ts';
import { mapPoint } from '../viewport/view-transform.ts';

const pathOf = (points: readonly Point[], closed = false) =>
  points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('') + (closed ? 'Z' : '');

/** An arrow's head at `tip`, in view pixels. */
function headPath(tip: Point, tail: Point): string {
  const angle = Math.atan2(tail.y - tip.y, tail.x - tip.x);
  const wing = (turn: number) => ({ x: tip.x + 13 * Math.cos(angle + turn), y: tip.y + 13 * Math.sin(angle + turn) });
  return pathOf([wing(0.42), tip, wing(-0.42)]);
}

/** The lines of a measurement. @param p its points in the view */
function shapeOf(kind: Measurement['kind'], p: readonly Point[]): string {
  const [a, b, c, d] = p;
  if (!a || !b) return '';
  switch (kind) {
    case 'bidirectional':
    case 'cobb':
      return pathOf([a, b]) + (c && d ? pathOf([c, d]) : '');
    case 'ellipse': {
      const [rx, ry] = [Math.abs(a.x - b.x) / 2, Math.abs(a.y - b.y) / 2];
      const y = (a.y + b.y) / 2;
      const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
      return `M${left} ${y}A${rx} ${ry} 0 1 1 ${right} ${y}A${rx} ${ry} 0 1 1 ${left} ${y}Z`;
    }
    case 'rectangle':
      return pathOf([a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }], true);
    case 'freehand':
      return pathOf(p, true);
    case 'arrow':
      return pathOf([a, b]) + headPath(a, b);
    default:
      return '';
  }
}

/** What is measured and marked in the picture on the screen. */
export function MeasurementLayer(props: { controller: ViewportController }) {
  const { controller } = props;
  const shown = controller.shown;
  const matrix = controller.matrix();
  if (!shown || !matrix) return null;
  const attributes = frameAttributesOf(shown.picture);
  const mine = controller.measurements.filter((measurement) => measurement.pictureId === shown.picture.id);
  const written = mine.find(({ id }) => id === controller.writing);
  return (
    <>
      <svg className="measurements" aria-label="Measurements">
        <title>Measurements</title>
        {mine.map((measurement) => {
          const points = measurement.points.map((point) => mapPoint(matrix, point));
          const { kind } = measurement;
          const last = kind === 'arrow' ? points.at(-1)! : lowestRight(points);
          const handles = kind === 'freehand' || kind === 'text' ? [] : points;
          return (
            <g key={measurement.id} data-kind={kind}>
              {kind === 'length' || kind === 'angle' ? (
                <polyline points={points.map((point) => `${point.x},${point.y}`).join(' ')} />
              ) : (
                <path d={shapeOf(kind, points)} />
              )}
              {handles.map((point, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the points of a measurement have no other identity
                <circle key={i} cx={point.x} cy={point.y} r={3.5} />
              ))}
              <text x={last.x + 8} y={last.y - 6}>
                {measurementLines(measurement, attributes, shown).map((line, i) => (
                  <tspan key={line} x={last.x + 8} dy={i === 0 ? 0 : '1.25em'}>
                    {line}
                  </tspan>
                ))}
              </text>
            </g>
          );
        })}
      </svg>
      {written && <TextLine key={written.id} controller={controller} measurement={written} matrix={matrix} />}
    </>
  );
}

/** Where the words of a measurement stand: at its point farthest to the right. */
function lowestRight(points: readonly Point[]): Point {
  return points.reduce((best, point) => (point.x > best.x ? point : best), points[0]!);
}

/** The line in which the text of an arrow or a mark is written: Enter keeps it, without words the mark goes. */
function TextLine(props: { controller: ViewportController; measurement: Measurement; matrix: DOMMatrix }) {
  const { controller, measurement } = props;
  const place = mapPoint(props.matrix, measurement.points.at(-1)!);
  const done = (text: string) => {
    const { annotations } = controller;
    if (text || measurement.kind === 'arrow') annotations.change(measurement.id, { text });
    else annotations.keep(({ id }) => id !== measurement.id);
    annotations.settle();
    controller.write(null);
  };
  return (
    <input
      className="mark-text"
      style={{ left: place.x + 8, top: place.y - 12 }}
      aria-label={deskMessages.measure.write}
      defaultValue={measurement.text}
      // biome-ignore lint/a11y/noAutofocus: it opens under the hand that has just drawn the mark
      autoFocus
      maxLength={200}
      onBlur={(event) => done(event.target.value.trim())}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
        event.stopPropagation();
      }}
    />
  );
}
