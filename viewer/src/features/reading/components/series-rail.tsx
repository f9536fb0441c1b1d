import { useEffect, useState, useSyncExternalStore } from 'react';
import { formatDate } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { frames } from '../frames/frames.ts';
import { textOf } from '../study/dicom-json.ts';
import { partText, whySplit } from '../study/part-text.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';
import { Thumbnail } from './thumbnail.tsx';
import { dragType } from './viewport.tsx';

const receivingMs = 60_000;

function useReceiving(model: StudyModel): boolean {
  const age = () => Date.now() - new Date(model.lastReceivedAt).getTime();
  const [receiving, setReceiving] = useState(() => age() < receivingMs);
  useEffect(() => {
    const left = receivingMs - (Date.now() - new Date(model.lastReceivedAt).getTime());
    setReceiving(left > 0);
    if (left <= 0) return;
    const timer = setTimeout(() => setReceiving(false), left);
    return () => clearTimeout(timer);
  }, [model]);
  return receiving;
}

function Fetched(props: { stack: Stack }) {
  const done = useSyncExternalStore(
    (changed) => {
      let timer = 0;
      const stop = frames.subscribe(() => {
        timer ||= window.setTimeout(() => {
          timer = 0;
          changed();
        }, 200);
      });
      return () => {
        clearTimeout(timer);
        stop();
      };
    },
    () => props.stack.pictures.reduce((n, picture) => n + (frames.has(picture.id) ? 1 : 0), 0),
  );
  return (
    <progress
      className="fetched"
      value={done}
      max={props.stack.pictures.length}
      title={messages.reading.fetched(done, props.stack.pictures.length)}
    />
  );
}

/** The list of series of the open studies: click or drag one into a pane. */
export function SeriesRail(props: {
  opened: OpenedStudy[];
  open: string[];
  onPick: (stack: Stack) => void;
  onOthers: (model: StudyModel) => void;
}) {
  return (
    <>
      {props.opened.map((study) => (
        <StudySeries key={study.model.studyInstanceUID} {...props} study={study} />
      ))}
    </>
  );
}

function StudySeries(props: {
  study: OpenedStudy;
  open: string[];
  onPick: (stack: Stack) => void;
  onOthers: (model: StudyModel) => void;
}) {
  const { model, complete } = props.study;
  const receiving = useReceiving(model);
  const shown = model.objects - model.others.length;
  return (
    <section className="study-series">
      <header>
        <strong>{formatDate(textOf(model.attributes, '00080020')) || messages.reading.series}</strong>
        <span className="soft"> {textOf(model.attributes, '00081030')}</span>
        {receiving && complete && <div className="receiving">{messages.reading.receiving(model.objects)}</div>}
      </header>
      <ul>
        {model.stacks.map((stack) => (
          <li key={stack.id}>
            <button
              type="button"
              className="series"
              draggable
              aria-pressed={props.open.includes(stack.id)}
              onDragStart={(event) => event.dataTransfer.setData(dragType, stack.id)}
              onClick={() => props.onPick(stack)}
            >
              <Thumbnail stack={stack} />
              <span className="series-text">
                <strong>
                  {stack.modality} {stack.seriesNumber && `#${stack.seriesNumber}`}
                </strong>
                <span className="series-description">{stack.description}</span>
                {stack.traits.length > 0 && (
                  <span className="series-part" title={whySplit(stack)}>
                    {partText(stack)}
                  </span>
                )}
                <span className="soft">
                  {stack.multiFrame
                    ? messages.reading.frames(stack.pictures.length)
                    : messages.reading.count(stack.pictures.length)}
                </span>
                <Fetched stack={stack} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {!complete ? (
        <div className="receiving">{messages.reading.listing(model.objects)}</div>
      ) : model.others.length > 0 ? (
        <button type="button" className="others-link" onClick={() => props.onOthers(model)}>
          {messages.reading.shownOf(shown, model.objects)}
        </button>
      ) : (
        <div className="soft all-shown">{messages.reading.shownOf(shown, model.objects)}</div>
      )}
    </section>
  );
}
