import { useRef, useState } from 'react';
import { formatBytes } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { useSession } from '../../shared/session.ts';
import { Link } from '../../shared/ui/link.tsx';
import { ProgressBar } from '../../shared/ui/progress-bar.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { chosenFiles, droppedFiles } from './collect.ts';
import { AskPatients, PatientLines } from './patients.tsx';
import { type FileRow, mayTryAgain, type UploadState, useUpload } from './use-upload.ts';
import './upload.css';

const text = pageMessages.upload;
const shownRows = 500;
const badge = {
  kept: 'badge badge-good',
  refused: 'badge badge-bad',
  left: 'badge',
  waiting: 'badge',
  sending: 'badge',
  unread: 'badge badge-bad',
  missing: 'badge badge-bad',
};
const isProblem = (row: FileRow) => ['refused', 'unread', 'missing'].includes(row.state);

function Rows(props: { rows: FileRow[] }) {
  const more = props.rows.length - shownRows;
  return (
    <>
      <table className="table upload-rows">
        <thead>
          <tr>
            <th>{text.result}</th>
            <th>{text.file}</th>
            <th>{text.size}</th>
          </tr>
        </thead>
        <tbody>
          {props.rows.slice(0, shownRows).map((row) => (
            <tr key={row.path}>
              <td>
                <span className={badge[row.state]}>{text[row.state]}</span>
              </td>
              <td>
                <bdi>{row.path}</bdi>
                {row.reason && <div className="soft">{row.reason}</div>}
              </td>
              <td className="nowrap">{formatBytes(row.size)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <p className="soft">{text.moreFiles(more)}</p>}
    </>
  );
}

function Outcome(props: { state: UploadState; onReset: () => void; onRetry: () => void }) {
  const { session } = useSession();
  const { rows, stopped, studies, patients } = props.state;
  const count = (state: FileRow['state']) => rows.filter((row) => row.state === state).length;
  const kept = count('kept');
  const refused = count('refused');
  const unread = count('unread');
  const missing = count('missing');
  const problems = refused + unread + missing > 0;
  const good = !problems && !stopped && kept > 0;
  const again = rows.filter(mayTryAgain).length;
  const partly = rows.some((row) => row.reason === text.notChosen);
  return (
    <div className={`notice ${good ? 'upload-good' : problems || stopped ? 'notice-warn' : ''}`} role="status">
      <p>
        <strong>
          {kept === 0 && !problems && !stopped
            ? text.nothing
            : good
              ? text.allKept(kept, !partly)
              : text.summary(kept, refused, count('left'), unread, missing)}
        </strong>
      </p>
      <PatientLines patients={kept > 0 ? patients : []} />
      {unread > 0 && <p>{text.unreadHint(unread)}</p>}
      {missing > 0 && <p>{text.missingHint(missing)}</p>}
      {stopped && <p>{text.stopped}</p>}
      <p className="row">
        {studies.length > 0 && session?.role !== 'modality' && (
          <Link className="button button-primary" to={`./viewer?StudyInstanceUIDs=${studies.join(',')}`}>
            {text.open}
          </Link>
        )}
        {again > 0 && (
          <button type="button" className="button button-primary" onClick={props.onRetry}>
            {text.retry(again)}
          </button>
        )}
        <button type="button" className="button" onClick={props.onReset}>
          {text.again}
        </button>
      </p>
    </div>
  );
}

/** For staff with a CD or USB stick: drop, watch, read the result of every file. */
export default function UploadPage() {
  const { state, start, send, stop, reset, retry } = useUpload();
  const [over, setOver] = useState(false);
  const [problemsOnly, setProblemsOnly] = useState(false);
  const folder = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);
  useTitle(text.title);
  const dicom = state.rows.filter((row) => row.state !== 'left' && row.size > 0);
  const finished = dicom.filter((row) => row.state !== 'waiting' && row.state !== 'sending').length;
  const rows = problemsOnly ? state.rows.filter(isProblem) : state.rows;
  const choose = (input: HTMLInputElement) => {
    if (input.files?.length) void start(chosenFiles(input.files));
  };
  return (
    <div className="page upload">
      <h1>{text.title}</h1>
      <p className="soft">{text.lead}</p>
      {state.phase === 'idle' && (
        // biome-ignore lint/a11y/noStaticElementInteractions: a drop target; the buttons inside do the same by keyboard
        <div
          className={over ? 'upload-drop upload-over' : 'upload-drop'}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            void start(droppedFiles(event.dataTransfer));
          }}
        >
          <p className="upload-big">{text.drop}</p>
          <p className="row">
            <button type="button" className="button button-primary" onClick={() => folder.current?.click()}>
              {text.chooseFolder}
            </button>
            <button type="button" className="button" onClick={() => files.current?.click()}>
              {text.chooseFiles}
            </button>
          </p>
          <input
            ref={folder}
            type="file"
            hidden
            multiple
            {...{ webkitdirectory: '' }}
            onChange={(e) => choose(e.target)}
          />
          <input ref={files} type="file" hidden multiple onChange={(e) => choose(e.target)} />
        </div>
      )}
      {state.phase === 'reading' && <p role="status">{text.reading(state.found, state.looked)}</p>}
      {state.phase === 'asking' && (
        <AskPatients patients={state.patients} onSend={(keys) => void send(keys)} onCancel={reset} />
      )}
      {state.phase === 'sending' && (
        <div className="upload-progress">
          <PatientLines patients={state.patients} />
          <ProgressBar
            done={state.sentBytes}
            all={state.allBytes}
            label={`${text.progress(finished, dicom.length)} · ${text.bytes(state.sentBytes, state.allBytes)}`}
          />
          <button type="button" className="button" onClick={stop}>
            {text.stop}
          </button>
        </div>
      )}
      {state.phase === 'done' && <Outcome state={state} onReset={reset} onRetry={() => void retry()} />}
      {state.rows.length > 0 && (
        <>
          <label className="row upload-filter">
            <input type="checkbox" checked={problemsOnly} onChange={(e) => setProblemsOnly(e.target.checked)} />
            {text.problemsOnly}
          </label>
          <Rows rows={rows} />
        </>
      )}
    </div>
  );
}
