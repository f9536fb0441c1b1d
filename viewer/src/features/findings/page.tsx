import { useState } from 'react';
import { storeObjects } from '../../shared/api/store-objects.ts';
import { formatDate, formatPersonName, formatTime } from '../../shared/format.ts';
import { findingsMessages as words } from '../../shared/messages.findings.en.ts';
import { useSession } from '../../shared/session.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { formalReportOf } from './formal-report.ts';
import { type FindingRow, useFindings } from './use-findings.ts';

/** Ticks a finding as formally reported, after asking once more: a tick cannot be taken back. */
function Tick(props: { row: FindingRow; onDone: () => void }) {
  const { row } = props;
  const { session } = useSession();
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  if (!session?.user) return null;
  const tick = async () => {
    setBusy(true);
    setProblem('');
    try {
      const text = words.tickText(row.author, formatDate(row.date), formatTime(row.time));
      await storeObjects([formalReportOf(row.report, text, session.user, new Date())]);
      props.onDone();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  if (!asked)
    return (
      <button
        type="button"
        className="button"
        aria-label={words.tickOf(formatPersonName(row.patientName) || row.patientID)}
        onClick={() => setAsked(true)}
      >
        {words.tick}
      </button>
    );
  return (
    <>
      <button type="button" className="button button-primary" disabled={busy} onClick={tick}>
        {words.sure}
      </button>{' '}
      <button type="button" className="button" disabled={busy} onClick={() => setAsked(false)}>
        {words.notYet}
      </button>
      {problem && <div role="alert">{problem}</div>}
    </>
  );
}

function Rows(props: { rows: FindingRow[]; label: string; onDone: () => void }) {
  return (
    <table className="table" aria-label={props.label}>
      <thead>
        <tr>
          {words.columns.map((column) => (
            <th key={column}>{column}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={row.sopInstanceUID}>
            <td>
              {formatDate(row.date)} {formatTime(row.time)}
            </td>
            <td>{row.author}</td>
            <td>
              <Link to={`./viewer?StudyInstanceUIDs=${row.studyInstanceUID}`}>
                {formatPersonName(row.patientName) || '—'}
              </Link>
              <div className="soft">{row.patientID}</div>
            </td>
            <td>
              {formatDate(row.studyDate)} {row.studyDescription}
              <div className="soft">{row.accessionNumber}</div>
            </td>
            <td style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{row.text}</td>
            <td>
              {row.reported ? (
                words.by(row.reported.by, formatDate(row.reported.date), formatTime(row.reported.time))
              ) : (
                <Tick row={row} onDone={props.onDone} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What was written provisionally, for the formal reports after the outage; what is reported since, apart. */
export default function FindingsPage() {
  useTitle(words.title);
  const { rows, unread, more, problem, again } = useFindings();
  const open = rows?.filter(({ reported }) => !reported) ?? [];
  const done = rows?.filter(({ reported }) => reported) ?? [];
  return (
    <div className="page">
      <h1>{words.title}</h1>
      <p className="soft">{words.intro}</p>
      {problem && <p role="alert">{problem}</p>}
      {unread > 0 && <p role="alert">{words.unread(unread)}</p>}
      {more && <p role="status">{words.more}</p>}
      {rows !== null && open.length === 0 && <p>{done.length > 0 ? words.noneOpen : words.none}</p>}
      {open.length > 0 && <Rows rows={open} label={words.title} onDone={again} />}
      {done.length > 0 && (
        <>
          <h2>{words.done}</h2>
          <p className="soft">{words.doneIntro}</p>
          <Rows rows={done} label={words.done} onDone={again} />
        </>
      )}
    </div>
  );
}
