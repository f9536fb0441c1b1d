import { mprMessages, planeMeasureMessages as words } from '../../../../shared/messages.mpr.en.ts';
import {
  type PlaneMeasurement,
  type PlaneTool,
  planeMeasurementText,
  planePoints,
  planeTools,
} from './plane-measurement.ts';

/** What the left button does. */
export function PlaneToolChoice(props: { tool: PlaneTool; onChange: (tool: PlaneTool) => void }) {
  return (
    <fieldset className="plane-tools">
      <legend className="sr-only">{words.tools}</legend>
      {planeTools.map((name) => (
        <button
          key={name}
          type="button"
          className="button"
          aria-pressed={props.tool === name}
          title={words.hints[name]}
          onClick={() => props.onChange(name)}
        >
          {words.names[name]}
        </button>
      ))}
    </fieldset>
  );
}

/** What was measured; a choice goes back to the planes as they lay. */
export function PlaneMeasurementList(props: {
  list: readonly PlaneMeasurement[];
  onShow: (measurement: PlaneMeasurement) => void;
  onRemove: (id: number | 'all') => void;
}) {
  const finished = props.list.filter(({ kind, points }) => points.length === planePoints[kind]);
  return (
    <section className="plane-measurements" aria-label={words.list}>
      <span>{finished.length === 0 ? words.none : words.notKept}</span>
      {finished.map((measurement) => {
        const text = `${mprMessages.views[measurement.view]} ${planeMeasurementText(measurement)}`;
        return (
          <span key={measurement.id} className="plane-measurement">
            <button type="button" className="button" title={words.show} onClick={() => props.onShow(measurement)}>
              {text}
            </button>
            <button
              type="button"
              className="button"
              aria-label={words.erase(text)}
              title={words.erase(text)}
              onClick={() => props.onRemove(measurement.id)}
            >
              ×
            </button>
          </span>
        );
      })}
      <button type="button" className="button" disabled={finished.length === 0} onClick={() => props.onRemove('all')}>
        {words.eraseAll}
      </button>
    </section>
  );
}
