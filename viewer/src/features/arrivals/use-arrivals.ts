import { useCallback, useEffect, useRef, useState } from 'react';
import type { ArrivalsAnswer } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { useCommitted } from '../../shared/api/use-status.ts';

const everyMs = 5000;
const livePauseMs = 700;

/** What arrived in the last `hours`, and when that was true (UTC ISO); asked again every 5 s and shortly after images are stored. */
export function useArrivals(hours: number) {
  const [answer, setAnswer] = useState<ArrivalsAnswer | null>(null);
  const [at, setAt] = useState('');
  const [error, setError] = useState('');
  const running = useRef<AbortController | null>(null);
  const live = useRef<ReturnType<typeof setTimeout> | null>(null);
  const load = useCallback(async () => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    try {
      setAnswer(await request<ArrivalsAnswer>(`api/arrivals?hours=${hours}`, { signal: abort.signal }));
      setAt(new Date().toISOString());
      setError('');
    } catch (failure) {
      if (!abort.signal.aborted) setError((failure as Error).message);
    }
  }, [hours]);
  useEffect(() => {
    void load();
    const timer = setInterval(load, everyMs);
    return () => {
      clearInterval(timer);
      clearTimeout(live.current ?? undefined);
      live.current = null;
    };
  }, [load]);
  useCommitted(
    useCallback(() => {
      live.current ??= setTimeout(() => {
        live.current = null;
        void load();
      }, livePauseMs);
    }, [load]),
  );
  return { answer, at, error };
}
