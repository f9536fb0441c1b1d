import { useEffect, useState } from 'react';
import { useStatus } from '../../shared/api/use-status.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate, useLocation } from '../../shared/navigation.ts';
import { useTitle } from '../../shared/use-title.ts';
import { FilterBar } from './filter-bar.tsx';
import { type Filters, filtersFrom, PAGE_SIZE, stateOf } from './filters.ts';
import { WorklistTable } from './table.tsx';
import { useWorklist } from './use-worklist.ts';
import './worklist.css';

const text = pageMessages.worklist;
const clockMs = 10_000;

/** Time that moves, so that "just now" does not stay for ever. */
function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), clockMs);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Find a patient; open a study. */
export default function WorklistPage() {
  const { state } = useLocation();
  const filters = filtersFrom(state);
  const { answer, error, loading } = useWorklist(filters);
  const { status } = useStatus();
  const [senders, setSenders] = useState<string[]>([]);
  const now = useNow();
  useTitle(text.title);
  useEffect(() => {
    const seen = (answer?.rows ?? []).flatMap((row) => row.callingAEs);
    setSenders((known) => [...new Set([...known, ...seen])].sort());
  }, [answer]);
  const change = (next: Partial<Filters>) =>
    navigate('./', { replace: true, state: stateOf({ ...filters, offset: 0, ...next }) });
  const rows = answer?.rows ?? [];
  const archiveEmpty = status?.totals.studies === 0;
  return (
    <div className="page worklist">
      <h1 className="sr-only">{text.title}</h1>
      <FilterBar filters={filters} senders={senders} onChange={change} />
      {error && <p className="notice notice-bad">{text.failed(error)}</p>}
      {rows.length > 0 && (
        <WorklistTable
          rows={rows}
          sort={filters.sort}
          onSort={(sort) => change({ sort })}
          now={Math.max(now, Date.now())}
        />
      )}
      {answer && rows.length === 0 && !error && (
        <div className="worklist-none">
          <p>{archiveEmpty ? text.empty : text.none}</p>
          <p className="soft">
            {archiveEmpty && status
              ? text.emptyHint(status.aeTitle, location.hostname, status.dicomPort)
              : text.noneHint}
          </p>
        </div>
      )}
      {answer && (
        <nav className="worklist-pages" aria-label="Pages">
          <span aria-live="polite">
            {text.showing(filters.offset + 1, filters.offset + rows.length, answer.count)}
            {loading && <span className="soft"> · {text.updating}</span>}
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
              disabled={!answer.more}
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
