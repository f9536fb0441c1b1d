import { formatDate, formatPersonName, formatTime } from '../../shared/format.ts';
import { findingsMessages as words } from '../../shared/messages.findings.en.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { useFindings } from './use-findings.ts';

/** What was written provisionally, for the formal reports after the outage. */
export default function FindingsPage() {
  useTitle(words.title);
  const { rows, unread, more, problem } = useFindings();
  return (
    <div className="page">
      <h1>{words.title}</h1>
      <p className="soft">{words.intro}</p>
      {problem && <p role="alert">{problem}</p>}
      {unread > 0 && <p role="alert">{words.unread(unread)}</p>}
      {more && <p role="status">{words.more}</p>}
      {rows?.length === 0 && <p>{words.none}</p>}
      {rows !== null && rows.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              {words.columns.map((column) => (
                <th key={column}>{column}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
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
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
