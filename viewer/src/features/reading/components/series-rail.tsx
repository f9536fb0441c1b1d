import { useMemo, useSyncExternalStore } from 'react';
import { formatDate } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { DocumentList } from '../documents/document-list.tsx';
import { frames } from '../frames/frames.ts';
import { OverlayList } from '../overlays/overlay-list.tsx';
import { textOf } from '../study/dicom-json.ts';
import { partText, whySplit } from '../study/part-text.ts';
import { patientText } from '../study/patient.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';
import { countOf, type Unshown } from '../study/unshown.ts';
import { Thumbnail } from './thumbnail.tsx';
import { dragType } from './viewport.tsx';

/** Counts again when frames come in or fail, a few times a second at most. */
function useFrames<T>(read: () => T): T {
  return useSyncExternalStore((changed) => {
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
  }, read);
}

function Fetched(props: { stack: Stack }) {
  const { pictures } = props.stack;
  const done = useFrames(() => pictures.reduce((n, picture) => n + (frames.has(picture.id) ? 1 : 0), 0));
  const text = messages.reading.fetched(done, pictures.length);
  return <progress className="fetched" value={done} max={pictures.length} title={text} aria-label={text} />;
}

/** The list of series of the open studies: click or drag one into a pane. */
export function SeriesRail(props: {
  opened: OpenedStudy[];
  open: string[];
  onPick: (stack: Stack, pictureId?: string) => void;
  onOthers: (objects: Unshown[]) => void;
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
  onPick: (stack: Stack, pictureId?: string) => void;
  onOthers: (objects: Unshown[]) => void;
}) {
  const { model, complete, receiving } = props.study;
  return (
    <section className="study-series">
      <header>
        <div className="rail-patient">{patientText(model.attributes)}</div>
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
      <OverlayList model={model} onGo={props.onPick} />
      <DocumentList documents={model.documents} stacks={model.stacks} onGo={props.onPick} />
      {complete ? (
        <Count model={model} onOthers={props.onOthers} />
      ) : (
        <div className="receiving">{messages.reading.listing(model.objects)}</div>
      )}
    </section>
  );
}

/** Shown and in the store; what is not shown can be listed. */
function Count(props: { model: StudyModel; onOthers: (objects: Unshown[]) => void }) {
  const { model } = props;
  const pictures = useMemo(() => model.stacks.flatMap((stack) => stack.pictures), [model]);
  const failed = useFrames(() => pictures.reduce((n, { id }) => n + (frames.failureOf(id) === undefined ? 0 : 1), 0));
  // biome-ignore lint/correctness/useExhaustiveDependencies: `failed` stands for what failureOf reads
  const count = useMemo(() => countOf(model, (id) => frames.failureOf(id)), [model, failed]);
  const text = messages.reading.shownOf(count.shown, count.inStore);
  if (count.unshown.length === 0) return <div className="soft all-shown">{text}</div>;
  return (
    <button type="button" className="others-link" onClick={() => props.onOthers(count.unshown)}>
      {text} {messages.reading.listThem(count.unshown.length)}
    </button>
  );
}
