import { useEffect, useState } from 'react';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';
import { useTitle } from '../../shared/use-title.ts';
import type { Question } from './question.ts';
import { ResultTable } from './result-table.tsx';
import { SearchForm } from './search-form.tsx';
import type { StoreDoor } from './store-door.ts';
import { useSearch } from './use-search.ts';
import type { Visit } from './visit.ts';
import './lifeboat.css';

const text = lifeboatMessages.find;

/** Seconds since a search began, counted while it runs. */
function useSeconds(since: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (since === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [since]);
  return since === null ? 0 : Math.max(0, Math.floor((now - since) / 1000));
}

/** Find a patient by what the index in the store knows; open a study. */
export function LifeboatSearchPage(props: { visit: Visit; door: StoreDoor }) {
  const { found, error, askedAt, search, more } = useSearch(props.visit, props.door);
  const [asked, setAsked] = useState<Question | null>(found?.question ?? null);
  const seconds = useSeconds(askedAt);
  useTitle(text.title);
  const begin = (question: Question) => {
    setAsked(question);
    search(question);
  };
  return (
    <div className="page">
      <h1>{text.title}</h1>
      <SearchForm asked={asked} busy={askedAt !== null} onSearch={begin} />
      {error && (
        <p className="notice notice-bad row" role="alert">
          <span>{text.failed(error)}</span>
          {asked && (
            <button type="button" className="button" onClick={() => begin(asked)}>
              {text.again}
            </button>
          )}
        </p>
      )}
      {found && !found.complete && (
        <div className="notice notice-warn" role="alert">
          {text.incomplete}
          {found.problems.slice(0, 5).map((problem) => (
            <div key={problem} className="soft">
              {problem}
            </div>
          ))}
        </div>
      )}
      {found && found.hits.length > 0 && <ResultTable hits={found.hits} />}
      {found && found.hits.length === 0 && askedAt === null && (
        <div className="lifeboat-none">
          <p>{text.none}</p>
          <p className="soft">{text.noneHint}</p>
        </div>
      )}
      {!asked && <p className="soft">{text.hint}</p>}
      <div className="lifeboat-foot">
        <span role="status">
          {askedAt !== null
            ? text.searching(seconds)
            : found && found.hits.length > 0 && text.found(found.hits.length, found.next !== undefined)}
        </span>
        {found?.next !== undefined && (
          <button type="button" className="button" disabled={askedAt !== null} onClick={more}>
            {text.more}
          </button>
        )}
      </div>
    </div>
  );
}
