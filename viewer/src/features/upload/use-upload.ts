import { useCallback, useRef, useState } from 'react';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { type Candidate, kindOf } from './collect.ts';
import { referencedFiles } from './dicomdir.ts';
import { sendFile } from './send.ts';

const text = pageMessages.upload;
const inFlight = 3;
const attempts = 4;

export interface FileRow {
  path: string;
  size: number;
  state: 'waiting' | 'sending' | 'kept' | 'refused' | 'left';
  reason?: string;
}

export interface UploadState {
  phase: 'idle' | 'reading' | 'sending' | 'done';
  found: number;
  rows: FileRow[];
  sentBytes: number;
  allBytes: number;
  studies: string[];
  stopped: boolean;
}

const idle: UploadState = { phase: 'idle', found: 0, rows: [], sentBytes: 0, allBytes: 0, studies: [], stopped: false };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Files named in a DICOMDIR that are not among the candidates: lost on the disc, and the person must know. */
async function missingFrom(dicomdir: Candidate, candidates: Candidate[]): Promise<FileRow[]> {
  const folder = dicomdir.path.split('/').slice(0, -1);
  const present = new Set(candidates.map((candidate) => candidate.path.toUpperCase()));
  const single = candidates.length === 1;
  const rows: FileRow[] = [];
  for (const path of single ? [] : await referencedFiles(dicomdir.file)) {
    const full = [...folder, path].join('/').toUpperCase();
    if (!present.has(full) && !present.has(`${full}.DCM`))
      rows.push({ path: full, size: 0, state: 'refused', reason: text.missing });
  }
  return rows;
}

/** Reads through what was chosen, sends every DICOM file, keeps a result for each. */
export function useUpload() {
  const [state, setState] = useState<UploadState>(idle);
  const abort = useRef<AbortController | null>(null);

  const start = useCallback(async (files: AsyncGenerator<Candidate>) => {
    const control = new AbortController();
    abort.current = control;
    setState({ ...idle, phase: 'reading' });
    const candidates: Candidate[] = [];
    for await (const candidate of files) {
      candidates.push(candidate);
      if (candidates.length % 50 === 0) setState((s) => ({ ...s, found: candidates.length }));
    }
    const rows: FileRow[] = [];
    const queue: { row: number; candidate: Candidate }[] = [];
    for (const candidate of candidates) {
      const kind = await kindOf(candidate);
      const row: FileRow = { path: candidate.path, size: candidate.file.size, state: 'waiting' };
      if (kind === 'other') Object.assign(row, { state: 'left', reason: text.notDicom });
      if (kind === 'dicomdir') {
        Object.assign(row, { state: 'left', reason: text.dicomdir });
        try {
          rows.push(...(await missingFrom(candidate, candidates)));
        } catch (error) {
          Object.assign(row, { state: 'refused', reason: (error as Error).message });
        }
      }
      rows.push(row);
      if (kind === 'dicom') queue.push({ row: rows.length - 1, candidate });
    }
    const allBytes = queue.reduce((sum, item) => sum + item.candidate.file.size, 0);
    setState({ ...idle, phase: 'sending', found: candidates.length, rows, allBytes });

    const sent = new Map<number, number>();
    const update = (index: number, change: Partial<FileRow>, study?: string) =>
      setState((s) => ({
        ...s,
        rows: s.rows.map((row, i) => (i === index ? { ...row, ...change } : row)),
        studies: study && !s.studies.includes(study) ? [...s.studies, study] : s.studies,
      }));
    const progress = (index: number, bytes: number) => {
      sent.set(index, bytes);
      let sum = 0;
      for (const value of sent.values()) sum += value;
      setState((s) => ({ ...s, sentBytes: sum }));
    };
    const worker = async () => {
      for (let item = queue.shift(); item && !control.signal.aborted; item = queue.shift()) {
        const { row, candidate } = item;
        update(row, { state: 'sending' });
        for (let attempt = 1; ; attempt++) {
          const result = await sendFile(
            candidate,
            (bytes) => progress(row, Math.min(bytes, candidate.file.size)),
            control.signal,
          );
          if (result.unreachable && attempt < attempts && !control.signal.aborted) {
            await pause(1000 * 2 ** attempt);
            continue;
          }
          progress(row, candidate.file.size);
          if (control.signal.aborted && !result.ok) update(row, { state: 'waiting' });
          else update(row, { state: result.ok ? 'kept' : 'refused', reason: result.reason }, result.studyInstanceUID);
          break;
        }
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    setState((s) => ({ ...s, phase: 'done', stopped: control.signal.aborted }));
  }, []);

  const stop = useCallback(() => abort.current?.abort(), []);
  const reset = useCallback(() => setState(idle), []);
  return { state, start, stop, reset };
}
