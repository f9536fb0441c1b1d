import { useEffect, useRef, useState } from 'react';
import type { LifeboatHit } from '../../../../storage/format/lifeboat-index.ts';
import { type Question, searchOf, wordsOf } from './question.ts';
import type { StoreDoor } from './store-door.ts';
import type { Visit } from './visit.ts';

export interface Found {
  question: Question;
  hits: LifeboatHit[];
  next: string | undefined;
  complete: boolean;
  problems: string[];
}

/** Kept while somebody reads a study and comes back to the list; gone with the page. */
const last = new WeakMap<Visit, Found>();

/** Searches by the index in the store, page by page. */
export function useSearch(visit: Visit, door: StoreDoor) {
  const [found, setFound] = useState<Found | null>(last.get(visit) ?? null);
  const [error, setError] = useState('');
  const [askedAt, setAskedAt] = useState<number | null>(null);
  const turn = useRef(0);
  useEffect(() => {
    if (found) last.set(visit, found);
  }, [visit, found]);
  const ask = async (question: Question, before: Found | null) => {
    const mine = ++turn.current;
    setAskedAt(Date.now());
    setError('');
    if (!before) {
      setFound(null);
      visit.noteQuery(wordsOf(question));
    }
    try {
      let result = await door.search(searchOf(question, before?.next));
      // A part of the index without a match says nothing of the rest.
      while (result.hits.length === 0 && result.next !== undefined && mine === turn.current) {
        const further = await door.search(searchOf(question, result.next));
        const complete = result.complete && further.complete;
        result = { ...further, complete, problems: [...result.problems, ...further.problems] };
      }
      if (mine !== turn.current) return;
      const known = new Set(before?.hits.map(({ studyInstanceUID }) => studyInstanceUID));
      setFound({
        question,
        hits: [...(before?.hits ?? []), ...result.hits.filter((hit) => !known.has(hit.studyInstanceUID))],
        next: result.next,
        complete: result.complete && (before?.complete ?? true),
        problems: [...new Set([...(before?.problems ?? []), ...result.problems])],
      });
    } catch (failure) {
      if (mine === turn.current) setError((failure as Error).message);
    } finally {
      if (mine === turn.current) setAskedAt(null);
    }
  };
  return {
    found,
    error,
    askedAt,
    search: (question: Question) => void ask(question, null),
    more: () => void (found?.next !== undefined && ask(found.question, found)),
  };
}
