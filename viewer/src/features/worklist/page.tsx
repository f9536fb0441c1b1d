import { useEffect, useState } from 'react';
import type { Status } from '../../../../contract/api.ts';
import { useStatus } from '../../shared/api/use-status.ts';
import { formatClock } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate, useLocation } from '../../shared/navigation.ts';
import { useTitle } from '../../shared/use-title.ts';
import { FilterBar } from './filter-bar.tsx';
import { CLEARED, type Filters, filtersFrom, narrowed, PAGE_SIZE, stateOf } from './filters.ts';
import { studyAddress, WorklistTable } from './table.tsx';
import { useWorklist } from './use-worklist.ts';
import './worklist.css';

const text = pageMessages.worklist;
const clockMs = 10_000;
const secondMs = 1000;
const formerSeconds = 2;

/** Time that moves, so that "just now" does not stay for ever. */
function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Nothing to show: why, and the way out. */
function None(props: { filters: Filters; onChange: (change: Partial<Filters>) => void; status: Status | null }) {
  const { filters, onChange, status } = props;
  const searching = filters.search !== '' || narrowed(filters);
  if (!searching && filters.offset === 0 && status?.totals.studies === 0)
    return (
      <div className="worklist-none">
        <p>{text.empty}</p>
        <p className="soft">{text.emptyHint(status.aeTitle, location.hostname, status.dicomPort)}</p>
      </div>
    );
  return (
    <div className="worklist-none">
      <p>{filters.offset > 0 ? text.nothingHere : text.none}</p>
      {filters.offset === 0 && <p className="soft">{text.noneHint}</p>}
      <p className="row worklist-none-ways">
        {filters.offset > 0 && (
          <button type="button" className="button button-primary" onClick={() => onChange({ offset: 0 })}>
            {text.firstPage}
          </button>
        )}
        {filters.search && narrowed(filters) && (
          <button
            type="button"
            className="button button-primary"
            onClick={() => onChange({ ...CLEARED, search: filters.search })}
          >
            {text.searchEverywhere(filters.search)}
          </button>
        )}
        {searching && (
          <button type="button" className="button" onClick={() => onChange(CLEARED)}>
            {text.showAll}
          </button>
        )}
      </p>
    </div>
  );
}

/** Find a patient; open a study. */
export default function WorklistPage() {
  const { state } = useLocation();
  const filters = filtersFrom(state);
  const { answer, current, question, answeredAt, error, askedAt, again } = useWorklist(filters);
  const { status, reachable, heardAt } = useStatus();
  const [senders, setSenders] = useState<string[]>([]);
  const [modalities, setModalities] = useState<string[]>([]);
  const [entered, setEntered] = useState(false);
  const waiting = askedAt !== null;
  const now = useNow(waiting && !current ? secondMs : clockMs);
  useTitle(text.title);
  useEffect(() => {
    const rows = answer?.rows ?? [];
    setSenders((known) => [...new Set([...known, ...rows.flatMap((row) => row.callingAEs)])].sort());
    setModalities((known) => [...new Set([...known, ...rows.flatMap((row) => row.modalities)])]);
  }, [answer]);
  const change = (next: Partial<Filters>) => {
    setEntered(false);
    navigate('./', { replace: true, state: stateOf({ ...filters, offset: 0, ...next }) });
  };
  // Enter opens what was typed, never the answer to something typed before.
  useEffect(() => {
    if (!entered || !current || !answer) return;
    setEntered(false);
    if (answer.rows.length === 1) navigate(studyAddress(answer.rows[0]!));
  }, [entered, current, answer]);
  const stale = !reachable || error !== '';
  const seconds = askedAt === null ? 0 : Math.max(0, Math.floor((now - askedAt) / 1000));
  // What was answered to another question is shown for the moment that the next answer takes, and not beyond it.
  const shown = answer && (current || (!error && reachable && seconds < formerSeconds)) ? answer : null;
  const rows = shown?.rows ?? [];
  return (
    <div className="page worklist">
      <h1 className="sr-only">{text.title}</h1>
      <FilterBar
        filters={filters}
        senders={senders}
        modalities={modalities}
        onChange={change}
        onEnter={() => setEntered(true)}
      />
      <div role="status">
        {!reachable && (
          <p className="notice notice-bad">
            {text.lost(formatClock(heardAt))} {current ? text.lostList : text.lostSearch}
          </p>
        )}
        {reachable && error && (
          <p className="notice notice-bad row">
            <span>
              {text.failed(error)} {current ? text.failedList(formatClock(answeredAt)) : ''} {text.triesAgain}
            </span>
            <button type="button" className="button" onClick={again}>
              {text.again}
            </button>
          </p>
        )}
      </div>
      {!shown && !error && reachable && (
        <p className="worklist-none" role="status">
          {text.loading(status?.totals.studies, seconds)}
        </p>
      )}
      {rows.length > 0 && (
        <div className={current ? undefined : 'worklist-former'} aria-busy={!current}>
          <WorklistTable
            rows={rows}
            sort={filters.sort}
            onSort={(sort) => change({ sort })}
            now={Math.max(now, Date.now())}
            fresh={!stale}
            question={question}
          />
        </div>
      )}
      {shown && current && rows.length === 0 && <None filters={filters} onChange={change} status={status} />}
      {shown && (
        <nav className="worklist-pages" aria-label={text.pages}>
          <span aria-live="polite">
            {rows.length > 0 && text.showing(filters.offset + 1, filters.offset + rows.length, shown.count)}
            {waiting && seconds > 0 && <span className="soft"> · {text.updating(seconds)}</span>}
          </span>
          <span className="row">
            <button
              type="button"
              className="button"
              disabled={filters.offset === 0}
              onClick={() => change({ offset: Math.max(0, filters.offset - PAGE_SIZE) })}
            >
              {text.previous}
            </button>
            <button
              type="button"
              className="button"
              disabled={!shown.more}
              onClick={() => change({ offset: filters.offset + PAGE_SIZE })}
            >
              {text.next}
            </button>
          </span>
        </nav>
      )}
    </div>
  );
}
