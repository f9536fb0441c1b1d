import { useCallback, useEffect, useState } from 'react';
import { request } from '../../shared/api/client.ts';

const everyMs = 5000;

/** What a GET answers, asked again every 5 s where `live`; `failure` is the sentence of the last failing call. */
export function useAnswer<T>(path: string, live = true) {
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
  return { value, setValue, failure, load };
}

/** Runs one call at a time; `sentence` is what came of the last, `failure` why it did not work. */
export function useCall() {
  const [sentence, setSentence] = useState('');
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const call = async (work: () => Promise<string>) => {
    setBusy(true);
    setSentence('');
    setFailure('');
    try {
      setSentence(await work());
    } catch (error) {
      setFailure((error as Error).message);
    }
    setBusy(false);
  };
  return { call, busy, sentence, failure };
}
