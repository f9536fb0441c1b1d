import { useCallback, useEffect, useRef, useState } from 'react';
import type { WorklistAnswer, WorklistQuery } from '../../../../contract/api.ts';
import { useCommitted } from '../../shared/api/use-status.ts';
import { searchWorklist } from '../../shared/api/worklist.ts';
import { apiQuery, type Filters } from './filters.ts';

const typingPauseMs = 120;
const livePauseMs = 1000;

/** The page of the worklist for these filters; asked again shortly after typing stops and when images arrive. */
export function useWorklist(filters: Filters) {
  const [answer, setAnswer] = useState<WorklistAnswer | null>(null);
  const [error, setError] = useState('');
  const [loading, setLoading] = useState(true);
  const running = useRef<AbortController | null>(null);
  const query = JSON.stringify(apiQuery(filters));
  const load = useCallback(async () => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setLoading(true);
    try {
      const next = await searchWorklist(JSON.parse(query) as WorklistQuery, { signal: abort.signal });
      setAnswer(next);
      setError('');
    } catch (failure) {
      if (abort.signal.aborted) return;
      setError((failure as Error).message);
    }
    if (running.current === abort) setLoading(false);
  }, [query]);
  const first = useRef(true);
  useEffect(() => {
    const timer = setTimeout(load, first.current ? 0 : typingPauseMs);
    first.current = false;
    return () => clearTimeout(timer);
  }, [load]);
  const live = useRef<ReturnType<typeof setTimeout> | null>(null);
  useCommitted(
    useCallback(() => {
      if (live.current) return;
      live.current = setTimeout(() => {
        live.current = null;
        void load();
      }, livePauseMs);
    }, [load]),
  );
  useEffect(() => () => clearTimeout(live.current ?? undefined), []);
  return { answer, error, loading };
}
