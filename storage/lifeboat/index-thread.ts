import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import { studyPath } from '../keys.ts';
import type { StoreConfig } from '../stores/open-store.ts';
import type { IndexStatus, IndexTimes } from './index-keeper.ts';

export interface IndexThreadOptions extends IndexTimes {
  dataDir: string;
  store: StoreConfig;
  /** Version of the program. */
  program: string;
  onProblem(error: LifeboatError): void;
}

type News = { status: IndexStatus } | { problem: { code: ErrorCode; message: string } };

/**
 * Building makes much short-lived text: with a large young heap, and without a limit, most of the memory would be garbage (a
 * million studies: 560 MB and more instead of 200).
 */
export const INDEX_THREAD_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 };

/** A worker that ended is started again after this, ms. */
const RESTART_MS = 10_000;
const CLOSE_MS = 10_000;

/** Name under which a data folder's router writes its heads; made once. */
export function indexWriterOf(dataDir: string): string {
  const path = join(dataDir, 'lifeboat-index-writer');
  try {
    const name = readFileSync(path, 'utf8').trim();
    if (/^r-[0-9a-f]{16}$/.test(name)) return name;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const name = `r-${randomBytes(8).toString('hex')}`;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(`${path}.new`, `${name}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return name;
}

/** The search index of lifeboat mode, kept by a thread of its own. */
export class IndexThread {
  readonly #options: IndexThreadOptions;
  #worker: Worker | undefined;
  #closed = false;
  #restart: NodeJS.Timeout | undefined;
  #status: IndexStatus = { publishedAt: null, waitingSince: null, comparedAt: null };

  constructor(options: IndexThreadOptions) {
    this.#options = options;
  }

  start(): void {
    const { dataDir, store, program, gatherMs, compareMs, rest, beatMs, lookMs, onProblem } = this.#options;
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      workerData: {
        dataDir,
        store,
        program,
        writer: indexWriterOf(dataDir),
        workDir: join(dataDir, 'lifeboat-index-work'),
        times: { gatherMs, compareMs, rest, beatMs, lookMs },
      },
      resourceLimits: INDEX_THREAD_LIMITS,
    });
    this.#worker = worker;
    worker.on('message', (news: News) => {
      if ('status' in news) this.#status = news.status;
      else onProblem(new LifeboatError(news.problem.code, news.problem.message));
    });
    worker.on('error', (error) => onProblem(new LifeboatError('INTERNAL', ': search index', { cause: error })));
    worker.once('exit', () => {
      this.#worker = undefined;
      if (this.#closed) return;
      // what it had not published is found by its first comparison
      this.#restart = setTimeout(() => this.start(), RESTART_MS);
      this.#restart.unref();
    });
  }

  /** Of studies to which something was committed. */
  changed(studyInstanceUIDs: Iterable<string>): void {
    this.#worker?.postMessage({ changed: [...studyInstanceUIDs].map(studyPath) });
  }

  status(): IndexStatus {
    return this.#status;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage('close');
    const timer = setTimeout(() => void worker.terminate(), CLOSE_MS);
    await ended;
    clearTimeout(timer);
  }
}
