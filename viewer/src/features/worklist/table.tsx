import type { KeyboardEvent } from 'react';
import type { WorklistAnswer } from '../../../../contract/api.ts';
import {
  formatAgo,
  formatCount,
  formatDate,
  formatInstant,
  formatPersonName,
  formatTime,
} from '../../shared/format.ts';
import { correctionMessages as corrections } from '../../shared/messages.corrections.en.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';
import { linksOf, useSteadyRows } from './use-steady-rows.ts';

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

/** Where the study opens. */
export const studyAddress = (row: Row) => `./viewer?StudyInstanceUIDs=${encodeURIComponent(row.studyInstanceUID)}`;

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
      {props.row.corrected && (
        <span className="soft worklist-group" dir="auto">
          {corrections.cameAs(formatPersonName(props.row.corrected.patientName), props.row.corrected.patientID)}
        </span>
      )}
    </>
  );
}

/** A value whose own direction of writing must not reorder what stands beside it. */
function Value(props: { children: string }) {
  return <bdi>{props.children}</bdi>;
}

function StudyRow(props: { row: Row; now: number; fresh: boolean }) {
  const { row, now, fresh } = props;
  const address = studyAddress(row);
  const receiving = fresh && now - new Date(row.lastReceivedAt).getTime() < receivingMs;
  return (
    <tr onDoubleClick={() => navigate(address)} data-study={row.studyInstanceUID}>
      <td>
        <Link to={address} className="worklist-open">
          <PatientName row={row} />
        </Link>
      </td>
      <td>
        <Value>{row.patientID}</Value>
        {row.issuerOfPatientID && <bdi className="soft worklist-group">{row.issuerOfPatientID}</bdi>}
      </td>
      <td className="nowrap">
        {formatDate(row.patientBirthDate)} {row.patientSex && <span className="soft">{row.patientSex}</span>}
      </td>
      <td className="nowrap">
        {formatDate(row.studyDate)} <span className="soft">{formatTime(row.studyTime)}</span>
      </td>
      <td>{row.modalities.join(' ')}</td>
      <td>
        <Value>{row.studyDescription}</Value>
        {row.conflicts > 0 && <span className="badge badge-warn worklist-badge">{text.conflict(row.conflicts)}</span>}
      </td>
      <td>
        <Value>{row.accessionNumber}</Value>
      </td>
      <td title={text.images(row.seriesCount, row.instanceCount)}>{formatCount(row.instanceCount)}</td>
      <td title={formatInstant(row.lastReceivedAt)}>
        {formatAgo(row.lastReceivedAt, now)}
        {receiving && <span className="badge badge-good worklist-badge">{text.receiving}</span>}
      </td>
      <td>
        <Value>{row.callingAEs.join(', ')}</Value>
      </td>
    </tr>
  );
}

/** Arrow keys, Home and End walk the rows; above the first is the search box. Enter opens: the focus is on the row's link. */
function walk(event: KeyboardEvent<HTMLTableElement>) {
  const links = linksOf(event.currentTarget);
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to < 0) document.querySelector<HTMLElement>('.worklist-search')?.focus();
  else links[to]?.focus();
}

/** The rows; a click on a heading sorts by it. */
export function WorklistTable(props: {
  rows: Row[];
  sort: string;
  onSort: (sort: string) => void;
  now: number;
  /** False while the router cannot be heard: nothing is marked as coming in. */
  fresh: boolean;
  /** Which question the rows answer. */
  question: string;
}) {
  const { table, onFocus } = useSteadyRows(props.question);
  const descending = props.sort.startsWith('-');
  const sorted = props.sort.replace(/^-/, '');
  return (
    <table ref={table} className="table worklist-table" onKeyDown={walk} onFocus={onFocus}>
      <colgroup>
        {columns.map((column) => (
          <col key={column} className={`worklist-${column}`} />
        ))}
      </colgroup>
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
          <StudyRow key={row.studyInstanceUID} row={row} now={props.now} fresh={props.fresh} />
        ))}
      </tbody>
    </table>
  );
}
