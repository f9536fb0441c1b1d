import { useCallback, useEffect, useRef, useState } from 'react';
import type { ArrivalsAnswer } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { useCommitted } from '../../shared/api/use-status.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const everyMs = 5000;
const livePauseMs = 700;
/** An answer that takes longer counts as none, ms. */
const answerMs = 15_000;

interface Answered {
  hours: number;
  answer: ArrivalsAnswer;
  at: number;
}

export interface Arrivals {
  /** null until these hours were answered for the first time. */
  answer: ArrivalsAnswer | null;
  /** When that was true, ms since 1970. */
  at: number;
  /** Why there is nothing newer; '' when there is. */
  error: string;
  /** Since when the first answer is waited for, ms since 1970. */
  askedAt: number;
}

/** What arrived in the last `hours`; asked again every 5 s and shortly after images are stored. */
export function useArrivals(hours: number): Arrivals {
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [error, setError] = useState('');
  const [askedAt, setAskedAt] = useState(Date.now);
  const running = useRef<AbortController | null>(null);
  const live = useRef<ReturnType<typeof setTimeout> | null>(null);
  const load = useCallback(async () => {
    if (running.current) return;
    const abort = new AbortController();
    running.current = abort;
    const at = Date.now();
    const limit = AbortSignal.timeout(answerMs);
    try {
      const signal = AbortSignal.any([abort.signal, limit]);
      const answer = await request<ArrivalsAnswer>(`api/arrivals?hours=${hours}`, { signal });
      if (abort.signal.aborted) return;
      setAnswered({ hours, answer, at });
      setError('');
    } catch (failure) {
      if (abort.signal.aborted) return;
      setError(limit.aborted ? pageMessages.arrivals.noAnswer(answerMs / 1000) : (failure as Error).message);
    }
    running.current = null;
  }, [hours]);
  useEffect(() => {
    setAskedAt(Date.now());
    void load();
    const timer = setInterval(load, everyMs);
    return () => {
      clearInterval(timer);
      clearTimeout(live.current ?? undefined);
      live.current = null;
      running.current?.abort();
      running.current = null;
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
  const known = answered?.hours === hours ? answered : null;
  return { answer: known?.answer ?? null, at: known?.at ?? 0, error, askedAt };
}
