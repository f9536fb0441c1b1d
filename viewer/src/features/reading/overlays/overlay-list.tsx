import { useEffect, useSyncExternalStore } from 'react';
import { messages } from '../../../shared/messages.en.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';
import { overlayStore } from './overlay-store.ts';
import './overlays.css';
import { Presentation } from './presentation.ts';
import { type OverlaySource, overlaysOf } from './study-overlays.ts';

const words = messages.reading.overlay;

function Parts({ source }: { source: OverlaySource }) {
  const state = overlayStore.stateOf(source.key);
  if (!state) return null;
  const { overlay, problem, hidden } = state;
  if (problem) return <p className="overlay-problem">{words.failed(problem)}</p>;
  if (!overlay) return <p className="soft">{words.fetching}</p>;
  return (
    <>
      {overlay.parts.map(({ id, name, colour }) => (
        <label key={id} className="overlay-part">
          <input type="checkbox" checked={!hidden.has(id)} onChange={() => overlayStore.togglePart(source.key, id)} />
          <span className="overlay-colour" style={{ background: `rgb(${colour.join(' ')})` }} />
          {name}
        </label>
      ))}
      {overlay.missing.length > 0 && <p className="overlay-problem">{words.missing(overlay.missing)}</p>}
    </>
  );
}

/** The picture to go to when an overlay is switched on: the first that a presentation state is about. */
function placeOf(source: OverlaySource, stacks: readonly Stack[]): { stack: Stack; id: string } | null {
  const overlay = overlayStore.stateOf(source.key)?.overlay;
  if (!(overlay instanceof Presentation)) return null;
  for (const stack of stacks)
    for (const picture of stack.pictures) if (overlay.concerns(picture)) return { stack, id: picture.id };
  return null;
}

/** Segmentations, structures and presentation states of a study: a click lays one over its pictures. */
export function OverlayList(props: { model: StudyModel; onGo: (stack: Stack, pictureId: string) => void }) {
  useSyncExternalStore(overlayStore.subscribe, () => overlayStore.version);
  const sources = overlaysOf(props.model);
  const { studyInstanceUID } = props.model;
  useEffect(() => () => overlayStore.closeStudy(studyInstanceUID), [studyInstanceUID]);
  if (sources.length === 0) return null;
  return (
    <section className="overlay-list" aria-label={messages.reading.onImages}>
      <h2>{messages.reading.onImages}</h2>
      {sources.map((source) => {
        const place = placeOf(source, props.model.stacks);
        return (
          <div key={source.key}>
            <button
              type="button"
              className="overlay-toggle"
              aria-pressed={overlayStore.stateOf(source.key) !== undefined}
              onClick={() => overlayStore.toggle(source)}
            >
              <strong>{words.kind[source.kind]}</strong> {source.name}
            </button>
            <Parts source={source} />
            {place && (
              <button type="button" className="overlay-toggle" onClick={() => props.onGo(place.stack, place.id)}>
                {words.goTo}
              </button>
            )}
          </div>
        );
      })}
    </section>
  );
}
