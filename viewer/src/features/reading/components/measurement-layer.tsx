import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { shapeOf, wordsAt } from '../viewport/measurement-shape.ts';
import { type Measurement, measurementLines } from '../viewport/measurements.ts';
import { mapPoint } from '../viewport/view-transform.ts';

/** What is measured and marked in the picture on the screen. */
export function MeasurementLayer(props: { controller: ViewportController }) {
  const { controller } = props;
  const shown = controller.shown;
  const matrix = controller.matrix();
  if (!shown || !matrix) return null;
  const attributes = frameAttributesOf(shown.picture);
  const mine = controller.measurements.filter((measurement) => measurement.pictureId === shown.picture.id);
  const written = mine.find(({ id }) => id === controller.measuring.writing);
  return (
    <>
      <svg className="measurements" aria-label="Measurements">
        <title>Measurements</title>
        {mine.map((measurement) => {
          const points = measurement.points.map((point) => mapPoint(matrix, point));
          const { kind } = measurement;
          const last = wordsAt(kind, points);
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

/** The line in which the text of an arrow or a mark is written: Enter keeps it, without words the mark goes. */
function TextLine(props: { controller: ViewportController; measurement: Measurement; matrix: DOMMatrix }) {
  const { controller, measurement } = props;
  const place = mapPoint(props.matrix, measurement.points.at(-1)!);
  const done = (text: string) => {
    const { annotations } = controller;
    if (text || measurement.kind === 'arrow') annotations.change(measurement.id, { text });
    else annotations.keep(({ id }) => id !== measurement.id);
    annotations.settle();
    controller.measuring.write(null);
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
