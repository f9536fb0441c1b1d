import type { KeyboardEvent } from 'react';
import type { WorklistAnswer } from '../../../../contract/api.ts';
import { formatAgo, formatDate, formatInstant, formatPersonName, formatTime } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';

type Row = WorklistAnswer['rows'][number];
const text = pageMessages.worklist;
const receivingMs = 60_000;

const columns = [
  'patientName',
  'patientID',
  'patientBirthDate',
  'studyDate',
  'modalities',
  'studyDescription',
  'accessionNumber',
  'instanceCount',
  'lastReceivedAt',
  'callingAEs',
] as const;
/** Columns that begin with the largest or newest when first clicked. */
const downFirst = new Set<string>(['studyDate', 'instanceCount', 'lastReceivedAt', 'patientBirthDate']);

const studyAddress = (row: Row) => `./viewer?StudyInstanceUIDs=${encodeURIComponent(row.studyInstanceUID)}`;

function PatientName(props: { row: Row }) {
  const [alphabetic = '', ideographic = '', phonetic = ''] = props.row.patientNameGroups;
  const main = formatPersonName(alphabetic || ideographic || phonetic) || text.noName;
  const others = [ideographic, phonetic].filter((group) => group && formatPersonName(group) !== main);
  return (
    <>
      <strong dir="auto">{main}</strong>
      {others.map((group) => (
        <span key={group} className="soft worklist-group" dir="auto">
          {formatPersonName(group)}
        </span>
      ))}
    </>
  );
}

function StudyRow(props: { row: Row; now: number }) {
  const { row, now } = props;
  const address = studyAddress(row);
  const receiving = now - new Date(row.lastReceivedAt).getTime() < receivingMs;
  return (
    <tr onDoubleClick={() => navigate(address)} data-study={row.studyInstanceUID}>
      <td>
        <Link to={address} className="worklist-open">
          <PatientName row={row} />
        </Link>
      </td>
      <td className="nowrap">
        {row.patientID}
        {row.issuerOfPatientID && <span className="soft worklist-group">{row.issuerOfPatientID}</span>}
      </td>
      <td className="nowrap">
        {formatDate(row.patientBirthDate)} {row.patientSex && <span className="soft">{row.patientSex}</span>}
      </td>
      <td className="nowrap">
        {formatDate(row.studyDate)} <span className="soft">{formatTime(row.studyTime)}</span>
      </td>
      <td>{row.modalities.join(' ')}</td>
      <td>{row.studyDescription}</td>
      <td className="nowrap">{row.accessionNumber}</td>
      <td className="nowrap" title={text.images(row.seriesCount, row.instanceCount)}>
        {row.instanceCount}
        {row.conflicts > 0 && (
          <span className="badge badge-warn worklist-badge" title={text.conflict(row.conflicts)}>
            {text.conflict(row.conflicts)}
          </span>
        )}
      </td>
      <td className="nowrap" title={formatInstant(row.lastReceivedAt)}>
        {formatAgo(row.lastReceivedAt, now)}
        {receiving && <span className="badge badge-good worklist-badge">{text.receiving}</span>}
      </td>
      <td>{row.callingAEs.join(', ')}</td>
    </tr>
  );
}

/** Arrow keys walk the rows; Enter opens (the focused element is the row's link). */
function walk(event: KeyboardEvent<HTMLTableElement>) {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('.worklist-open')];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  links[at + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
}

/** The rows; a click on a heading sorts by it. */
export function WorklistTable(props: { rows: Row[]; sort: string; onSort: (sort: string) => void; now: number }) {
  const descending = props.sort.startsWith('-');
  const sorted = props.sort.replace(/^-/, '');
  return (
    <table className="table worklist-table" onKeyDown={walk}>
      <thead>
        <tr>
          {columns.map((column) => {
            const on = sorted === column;
            const next = on ? (descending ? column : `-${column}`) : downFirst.has(column) ? `-${column}` : column;
            return (
              <th key={column} aria-sort={on ? (descending ? 'descending' : 'ascending') : 'none'}>
                <button type="button" className="worklist-sort" onClick={() => props.onSort(next)}>
                  {text.columns[column]}
                  <span aria-hidden="true">{on ? (descending ? ' ▾' : ' ▴') : ''}</span>
                </button>
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <StudyRow key={row.studyInstanceUID} row={row} now={props.now} />
        ))}
      </tbody>
    </table>
  );
}
