import { useCallback, useEffect, useRef, useState } from 'react';
import type { WorklistAnswer, WorklistQuery } from '../../../../contract/api.ts';
import { useCommitted } from '../../shared/api/use-status.ts';
import { searchWorklist } from '../../shared/api/worklist.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { apiQuery, type Filters } from './filters.ts';

const typingPauseMs = 120;
const livePauseMs = 1000;
/** A failed question is put again after this, ms. */
const againMs = 5000;
/** An answer that takes longer counts as none, ms. */
const answerMs = 20_000;

export interface Worklist {
  /** The answer to the present question, or to an earlier one while `current` is false. */
  answer: WorklistAnswer | null;
  current: boolean;
  /** The question that `answer` answers. */
  question: string;
  /** When `answer` was true, ms. */
  answeredAt: number;
  /** Why the present question has no answer; '' when it has one or is being asked for the first time. */
  error: string;
  /** Since when the present question waits for its answer, ms; null when it does not. */
  askedAt: number | null;
  again(): void;
}

interface Answered {
  query: string;
  answer: WorklistAnswer;
  at: number;
}

/**
 * The page of the worklist for these filters; asked again shortly after typing stops, when images arrive, when the router is
 * back after a loss, and every 5 s after a failure.
 */
export function useWorklist(filters: Filters): Worklist {
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [error, setError] = useState('');
  const [askedAt, setAskedAt] = useState<number | null>(Date.now);
  const running = useRef<AbortController | null>(null);
  const query = JSON.stringify(apiQuery(filters));
  const load = useCallback(async () => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    const begun = Date.now();
    setAskedAt(begun);
    const limit = AbortSignal.timeout(answerMs);
    try {
      const signal = AbortSignal.any([abort.signal, limit]);
      const answer = await searchWorklist(JSON.parse(query) as WorklistQuery, { signal });
      if (abort.signal.aborted) return;
      setAnswered({ query, answer, at: begun });
      setError('');
    } catch (failure) {
      if (abort.signal.aborted) return;
      setError(limit.aborted ? pageMessages.worklist.noAnswer(answerMs / 1000) : (failure as Error).message);
    }
    setAskedAt(null);
  }, [query]);
  const first = useRef(true);
  useEffect(() => {
    setError('');
    setAskedAt(Date.now());
    const timer = setTimeout(load, first.current ? 0 : typingPauseMs);
    first.current = false;
    return () => clearTimeout(timer);
  }, [load]);
  useEffect(() => {
    if (!error || askedAt !== null) return;
    const timer = setTimeout(load, againMs);
    return () => clearTimeout(timer);
  }, [error, askedAt, load]);
  const live = useRef<ReturnType<typeof setTimeout> | null>(null);
  const latestLoad = useRef(load);
  latestLoad.current = load;
  useCommitted(
    useCallback(() => {
      live.current ??= setTimeout(() => {
        live.current = null;
        void latestLoad.current();
      }, livePauseMs);
    }, []),
  );
  useEffect(
    () => () => {
      clearTimeout(live.current ?? undefined);
      live.current = null;
      running.current?.abort();
    },
    [],
  );
  return {
    answer: answered?.answer ?? null,
    current: answered?.query === query,
    question: answered?.query ?? '',
    answeredAt: answered?.at ?? 0,
    error,
    askedAt,
    again: load,
  };
}
