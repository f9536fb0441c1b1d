import { useCallback, useEffect, useState } from 'react';
import { request } from './client.ts';

const everyMs = 5000;

/** What a GET of the API answers, asked again every 5 s; `failure` is the sentence of the last failing call. */
export function useList<T>(path: string, options: { live?: boolean } = {}) {
  const { live = true } = options;
  const [value, setValue] = useState<T | null>(null);
  const [failure, setFailure] = useState('');
  const load = useCallback(async () => {
    try {
      setValue(await request<T>(path));
      setFailure('');
    } catch (error) {
      setFailure((error as Error).message);
    }
  }, [path]);
  useEffect(() => {
    void load();
    if (!live) return;
    const timer = setInterval(load, everyMs);
    return () => clearInterval(timer);
  }, [load, live]);
  return { value, failure, load };
}

/** Runs calls that change something: `act` answers whether it worked, `problem` is why not. */
export function useAction(after: () => Promise<void>) {
  const [problem, setProblem] = useState('');
  const [done, setDone] = useState('');
  const [busy, setBusy] = useState(false);
  const act = async (call: () => Promise<unknown>, sentence = ''): Promise<boolean> => {
    setBusy(true);
    setProblem('');
    setDone('');
    try {
      await call();
      setDone(sentence);
      await after();
      return true;
    } catch (error) {
      setProblem((error as Error).message);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { act, problem, done, busy };
}
