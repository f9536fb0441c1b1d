import { useEffect, useState } from 'react';
import type { WorklistAnswer } from '../../../../../contract/api.ts';
import { searchWorklist } from '../../../shared/api/worklist.ts';
import { formatDate, formatPersonName } from '../../../shared/format.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import { navigate } from '../../../shared/navigation.ts';
import { Link } from '../../../shared/ui/link.tsx';
import type { StudyLink } from '../study/study-link.ts';

type Row = WorklistAnswer['rows'][number];
const words = deskMessages.link;
const pageRows = 500;
const mostPages = 20;

function matches(row: Row, { accessionNumber, patientID, issuer, from, to }: StudyLink): boolean {
  return (
    (!accessionNumber || row.accessionNumber === accessionNumber) &&
    (!patientID || row.patientID === patientID) &&
    (!issuer || row.issuerOfPatientID === issuer) &&
    (!from || row.studyDate >= from) &&
    (!to || row.studyDate <= to)
  );
}

const patientOf = (row: Row) => `${row.patientID}\n${row.issuerOfPatientID}\n${row.patientBirthDate}`;
const addressOf = (rows: readonly Row[]) =>
  `./viewer?StudyInstanceUIDs=${rows.map((row) => row.studyInstanceUID).join(',')}`;

/** Studies to open at once, or null where a person has to choose. */
function clearChoice(rows: readonly Row[], { accessionNumber, newest }: StudyLink): Row[] | null {
  if (rows.length === 0 || new Set(rows.map(patientOf)).size > 1) return null;
  if (rows.length === 1) return [...rows];
  if (newest) return rows.slice(0, Math.min(newest, 4));
  return accessionNumber && rows.length <= 4 ? [...rows] : null;
}

/** The worklist finds parts of numbers: pages of it are read until all that could be meant was seen. */
async function studiesOf(link: StudyLink, signal: AbortSignal): Promise<Row[]> {
  const search = link.accessionNumber || link.patientID;
  const found: Row[] = [];
  for (let page = 0; page < mostPages; page += 1) {
    const offset = page * pageRows;
    const answer = await searchWorklist({ search, limit: pageRows, offset, sort: '-studyDate' }, { signal });
    found.push(...answer.rows.filter((row) => matches(row, link)));
    if (!answer.more) break;
  }
  return found;
}

/** Finds what a link of another system asks for, and opens it; asks where several patients or many studies fit. */
export default function DeepLink(props: { link: StudyLink }) {
  const { link } = props;
  const [rows, setRows] = useState<Row[] | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const abort = new AbortController();
    studiesOf(link, abort.signal).then(
      (found) => {
        const clear = clearChoice(found, link);
        // Names and numbers of the link stay out of the history.
        if (clear) navigate(addressOf(clear), { replace: true });
        else setRows(found);
      },
      (error: Error) => {
        if (!abort.signal.aborted) setProblem(error.message);
      },
    );
    return () => abort.abort();
  }, [link]);
  return (
    <div className="desk-message desk-others">
      {problem && <p role="alert">{problem}</p>}
      {!problem && rows === null && <p role="status">{words.looking}</p>}
      {rows?.length === 0 && <p>{words.none(link.accessionNumber || link.patientID)}</p>}
      {rows !== null && rows.length > 0 && (
        <>
          <p>{new Set(rows.map(patientOf)).size > 1 ? words.severalPatients : words.choose}</p>
          <ul>
            {rows.map((row) => (
              <li key={row.studyInstanceUID}>
                <Link to={addressOf([row])}>
                  {formatPersonName(row.patientName) || '—'} ({row.patientID}) {formatDate(row.patientBirthDate)} ·{' '}
                  {formatDate(row.studyDate)} {row.modalities.join(' ')} {row.studyDescription}
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
      <Link to="./">{messages.pages.toWorklist}</Link>
    </div>
  );
}
