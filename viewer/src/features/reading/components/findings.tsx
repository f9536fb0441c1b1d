import { useState } from 'react';
import { archiveDoor } from '../../../shared/api/door.ts';
import { formatDate, formatTime } from '../../../shared/format.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { useSession } from '../../../shared/session.ts';
import type { AnnotationStore } from '../annotations/annotation-store.ts';
import type { Findings as StudyFindings } from '../annotations/use-annotations.ts';
import { textOf } from '../study/dicom-json.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { StudyModel } from '../study/study-model.ts';

const words = deskMessages.findings;

/** Asks for a text and stores it as a provisional finding of a study. */
function NewFinding(props: { model: StudyModel; author: string; onDone: () => void }) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const keep = async () => {
    setBusy(true);
    try {
      const { keepFinding } = await import('../annotations/keep.ts');
      await keepFinding(props.model, text.trim(), { name: props.author, at: new Date() });
      props.onDone();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <form
      className="finding-form"
      onSubmit={(event) => {
        event.preventDefault();
        void keep();
      }}
    >
      <textarea
        aria-label={words.text}
        placeholder={words.placeholder}
        rows={6}
        maxLength={10_000}
        // biome-ignore lint/a11y/noAutofocus: the reader has just asked to write
        autoFocus
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {problem && <div role="alert">{problem}</div>}
      <button type="submit" className="button" disabled={busy || text.trim() === ''}>
        {words.keep}
      </button>{' '}
      <button type="button" className="button" onClick={props.onDone}>
        {words.discard}
      </button>
    </form>
  );
}

/** Above the series: what was written provisionally of the open studies. */
export function FindingList(props: { findings: StudyFindings[] }) {
  const all = props.findings.flatMap(({ findings }) => findings);
  if (all.length === 0) return null;
  return (
    <section className="finding-list" aria-label={words.title}>
      {all.map((finding) => (
        <article key={finding.sopInstanceUID} className="finding">
          <div className="finding-head">
            {words.head(finding.author, formatDate(finding.date), formatTime(finding.time))}
          </div>
          <p>{finding.text}</p>
        </article>
      ))}
    </section>
  );
}

/** Always at the foot of the rail: where a finding is written, and what of measurements and marks is not kept yet. */
export function Findings(props: { opened: OpenedStudy[]; store: AnnotationStore }) {
  const { opened, store } = props;
  const { session } = useSession();
  const [writing, setWriting] = useState<string | null>(null);
  const [said, setSaid] = useState('');
  const author = session?.user ?? '';
  const mayKeep = archiveDoor().live && author !== '';
  const keep = async () => {
    setSaid('');
    try {
      const { keepAnnotations } = await import('../annotations/keep.ts');
      const models = opened.map(({ model }) => model);
      setSaid(words.kept(await keepAnnotations(store, models, { name: author, at: new Date() })));
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  const complete = opened.filter((study) => study.complete);
  if (complete.length === 0 || !mayKeep) return null;
  return (
    <section className="findings" aria-label={words.title}>
      {complete.map(({ model }) => {
        const uid = model.studyInstanceUID;
        const date = formatDate(textOf(model.attributes, '00080020'));
        return (
          <div key={uid}>
            {writing === uid && <NewFinding model={model} author={author} onDone={() => setWriting(null)} />}
            {writing !== uid && (
              <button type="button" className="button finding-new" onClick={() => setWriting(uid)}>
                {words.write(complete.length > 1 ? date : '')}
              </button>
            )}
          </div>
        );
      })}
      {store.unkept > 0 && (
        <button type="button" className="button finding-new" onClick={keep}>
          {words.keepMarks(store.unkept)}
        </button>
      )}
      {said && <div role="status">{said}</div>}
    </section>
  );
}
