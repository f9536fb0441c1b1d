import { useCallback, useEffect, useRef, useState } from 'react';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { guardLeaving } from '../../shared/navigation.ts';
import type { Candidate, Found } from './collect.ts';
import { type FileRow, lookAt, makePlan, type PatientOnDisc, type Plan } from './plan.ts';
import { sendFile } from './send.ts';

export type { FileRow } from './plan.ts';

const text = pageMessages.upload;
const inFlight = 3;
const attempts = 4;

export interface UploadState {
  /** `asking`: several patients are on the disc, and the person says whose images are meant. */
  phase: 'idle' | 'reading' | 'asking' | 'sending' | 'done';
  found: number;
  looked: number;
  rows: FileRow[];
  patients: PatientOnDisc[];
  sentBytes: number;
  allBytes: number;
  studies: string[];
  stopped: boolean;
}

const idle: UploadState = {
  phase: 'idle',
  found: 0,
  looked: 0,
  rows: [],
  patients: [],
  sentBytes: 0,
  allBytes: 0,
  studies: [],
  stopped: false,
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether another try may end better. */
export const mayTryAgain = (row: FileRow) => ['refused', 'unread', 'waiting'].includes(row.state) && row.size > 0;

/** Reads through what was chosen, asks where several patients are on it, sends every DICOM file, keeps a result for each. */
export function useUpload() {
  const [state, setState] = useState<UploadState>(idle);
  const abort = useRef<AbortController | null>(null);
  const plan = useRef<Plan | null>(null);

  const update = useCallback(
    (index: number, change: Partial<FileRow>, study?: string) =>
      setState((s) => ({
        ...s,
        rows: s.rows.map((row, i) => (i === index ? { ...row, ...change } : row)),
        studies: study && !s.studies.includes(study) ? [...s.studies, study] : s.studies,
      })),
    [],
  );

  const sendAll = useCallback(
    async (queue: { row: number; candidate: Candidate }[]) => {
      const control = new AbortController();
      abort.current = control;
      const allBytes = queue.reduce((sum, item) => sum + item.candidate.file.size, 0);
      setState((s) => ({ ...s, phase: 'sending', sentBytes: 0, allBytes, stopped: false }));
      const sent = new Map<number, number>();
      const progress = (index: number, bytes: number) => {
        sent.set(index, bytes);
        let sum = 0;
        for (const value of sent.values()) sum += value;
        setState((s) => ({ ...s, sentBytes: sum }));
      };
      const worker = async () => {
        for (let item = queue.shift(); item && !control.signal.aborted; item = queue.shift()) {
          const { row, candidate } = item;
          update(row, { state: 'sending', reason: undefined });
          const { ok, unread, reason, studyInstanceUID } = await sendPatiently(
            candidate,
            (bytes) => progress(row, Math.min(bytes, candidate.file.size)),
            control.signal,
          );
          progress(row, candidate.file.size);
          if (control.signal.aborted && !ok) update(row, { state: 'waiting' });
          else if (unread) update(row, { state: 'unread', reason: text.unreadable });
          else update(row, { state: ok ? 'kept' : 'refused', reason }, studyInstanceUID);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, worker));
      setState((s) => ({ ...s, phase: 'done', stopped: control.signal.aborted }));
    },
    [update],
  );

  const send = useCallback(
    (patients: ReadonlySet<string>) => {
      const { rows, toSend, candidates } = plan.current!;
      const queue: { row: number; candidate: Candidate }[] = [];
      const chosen = rows.map((row, index) => {
        const patient = toSend.get(index);
        if (patient === undefined) return row;
        if (!patients.has(patient)) return { ...row, state: 'left' as const, reason: text.notChosen };
        queue.push({ row: index, candidate: candidates.get(index)! });
        return row;
      });
      setState((s) => ({ ...s, rows: chosen, patients: s.patients.filter(({ key }) => patients.has(key)) }));
      return sendAll(queue);
    },
    [sendAll],
  );

  const start = useCallback(
    async (files: AsyncGenerator<Found>) => {
      setState({ ...idle, phase: 'reading' });
      const made = await makePlan(files, (found, looked) => setState((s) => ({ ...s, found, looked })));
      plan.current = made;
      const { rows, patients } = made;
      const known = patients.filter(({ key }) => key !== '');
      setState({ ...idle, phase: 'asking', found: rows.length, rows, patients });
      if (known.length <= 1) await send(new Set(patients.map(({ key }) => key)));
    },
    [send],
  );

  /** Those that were refused, not read or not sent once more; what is kept is left alone. */
  const retry = useCallback(async () => {
    const { candidates } = plan.current!;
    const queue: { row: number; candidate: Candidate }[] = [];
    for (const [index, row] of state.rows.entries()) {
      const candidate = candidates.get(index);
      if (!candidate || !mayTryAgain(row)) continue;
      const again = (await lookAt(candidate)).row;
      update(index, again);
      if (again.state === 'waiting') queue.push({ row: index, candidate });
    }
    await sendAll(queue);
  }, [state.rows, sendAll, update]);

  const stop = useCallback(() => abort.current?.abort(), []);
  const reset = useCallback(() => setState(idle), []);
  const sending = state.phase === 'sending';
  useEffect(() => (sending ? guardLeaving(() => confirm(text.leave)) : undefined), [sending]);
  useEffect(() => () => abort.current?.abort(), []);
  return { state, start, send, stop, reset, retry };
}

/** Tries again while Lifeboat does not answer, a little later each time. */
async function sendPatiently(candidate: Candidate, onProgress: (bytes: number) => void, signal: AbortSignal) {
  for (let attempt = 1; ; attempt++) {
    const result = await sendFile(candidate, onProgress, signal);
    if (!result.unreachable || attempt >= attempts || signal.aborted) return result;
    await pause(1000 * 2 ** attempt);
  }
}
