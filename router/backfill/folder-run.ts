import { join } from 'node:path';
import type { Archive } from '../../storage/archive-types.ts';
import type { Receiver, Reception } from '../../storage/receive-types.ts';
import { importPaths } from '../import/import-paths.ts';
import { isFailure } from '../import/import-types.ts';
import { wasKeptIn } from '../import/was-kept.ts';
import type { BackfillState } from './backfill-state.ts';

const MOST_PROBLEMS = 200;
/** Counts are written down so often, files. */
const NOTE_EVERY = 25;

/** What became of the files of a folder so far; in the facts of the state. */
export interface FolderCounts {
  done: number;
  found: number;
  problems: { path: string; reason: string }[];
}

export function folderCounts(state: BackfillState): FolderCounts {
  return {
    done: Number(state.fact('folder done') ?? 0),
    found: Number(state.fact('folder found') ?? 0),
    problems: JSON.parse(state.fact('folder problems') ?? '[]') as FolderCounts['problems'],
  };
}

export interface FolderContext {
  archive: Archive;
  state: BackfillState;
  dataDir: string;
  /** Before each file; resolves when it may begin. */
  turn(): Promise<void>;
  came(images: number): void;
  signal: AbortSignal;
}

/** Takes a folder in as `lifeboat import` does, at the plan's pace; a run that was stopped goes on where it left off. */
export async function runFolder(folder: string, context: FolderContext): Promise<void> {
  const { archive, state, dataDir, signal } = context;
  const problems: FolderCounts['problems'] = [];
  const note = (done: number, found: number) => {
    state.setFact('folder done', String(done));
    state.setFact('folder found', String(found));
    state.setFact('folder problems', JSON.stringify(problems));
  };
  const run = importPaths([folder], paced(archive, context), {
    user: 'backfill',
    stateFile: join(dataDir, `backfill-folder-${state.fact('plan number') ?? 1}`),
    concurrency: 4,
    wasKept: wasKeptIn(archive),
  });
  let last = { done: 0, found: 0 };
  for await (const step of run) {
    if (signal.aborted) return;
    last = step;
    if (step.outcome === 'kept') context.came(1);
    if (isFailure(step.outcome) && problems.length < MOST_PROBLEMS)
      problems.push({ path: step.path, reason: step.reason ?? step.code ?? '' });
    if (step.done % NOTE_EVERY === 0) note(step.done, step.found);
  }
  note(last.done, last.found);
}

/** A receiver that begins a file only when it may. */
function paced(receiver: Receiver, { turn }: FolderContext): Receiver {
  return {
    beginDataSet: (source, announced) => receiver.beginDataSet(source, announced),
    beginFile: (source, announced) => {
      const reception = receiver.beginFile(source, announced);
      let may: Promise<void> | undefined;
      const paced: Reception = {
        write: async (chunk) => {
          may ??= turn();
          await may;
          await reception.write(chunk);
        },
        finish: () => reception.finish(),
        abort: () => reception.abort(),
      };
      return paced;
    },
  };
}
