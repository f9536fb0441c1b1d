import { Worker } from 'node:worker_threads';
import { type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import type { StoreConfig } from '../stores/open-store.ts';
import { INDEX_THREAD_LIMITS } from './index-thread.ts';

export interface BuildJob {
  store: StoreConfig;
  /** Holds the key of the seals. */
  dataDir: string;
  /** Name of the writer; nobody else's. */
  writer: string;
  workDir: string;
  program: string;
  /** Everything is read anew, whatever the index knows. */
  rebuild: boolean;
}

export type BuildNews =
  | { studies: number }
  | { problem: string }
  | { added: number }
  | { failed: { code: ErrorCode; message: string } };

/**
 * Brings the search index up to date once, in a thread whose memory is bounded.
 * @returns studies added, or read anew
 * @throws STORE_UNAVAILABLE, MANIFEST_DAMAGED
 */
export async function buildIndex(
  job: BuildJob,
  told: { onProblem(message: string): void; onProgress(studies: number): void },
): Promise<number> {
  const worker = new Worker(new URL('./build-worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: INDEX_THREAD_LIMITS,
  });
  return new Promise((resolve, reject) => {
    worker.on('message', (news: BuildNews) => {
      if ('studies' in news) told.onProgress(news.studies);
      else if ('problem' in news) told.onProblem(news.problem);
      else if ('added' in news) resolve(news.added);
      else reject(new LifeboatError(news.failed.code, news.failed.message));
    });
    worker.once('error', (error) => reject(new LifeboatError('INTERNAL', ': search index', { cause: error })));
    worker.once('exit', () => reject(new LifeboatError('INTERNAL', ': the thread of the search index ended')));
  });
}
