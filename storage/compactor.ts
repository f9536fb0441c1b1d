import { Worker } from 'node:worker_threads';
import { type ErrorCode, LifeboatError } from '../contract/errors.ts';
import type { CompactOptions } from './compact.ts';
import type { StoreConfig } from './stores/open-store.ts';

export interface CompactionTimes extends CompactOptions {
  /** Between the end of one pass and the next, ms. */
  everyMs: number;
  /** How long a replaced segment stays, ms. */
  graceMs?: number;
}

export interface CompactorOptions extends CompactionTimes {
  store: StoreConfig;
  /** When it does nothing this time: the store is away, the catalogue is being filled. */
  busy(): boolean;
  onProblem(error: LifeboatError): void;
}

type Answer = { done: object; held: number } | { failed: { code: ErrorCode; message: string } };

/** Compacts the store now and then, in a thread that lives for one pass. Killed at any moment it leaves a store that reads the same. */
export class Compactor {
  readonly #options: CompactorOptions;
  #timer: NodeJS.Timeout | undefined;
  #worker: Worker | undefined;
  #closed = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#pass(), this.#options.everyMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#worker?.terminate();
  }

  #pass(): void {
    const { store, busy, onProblem, minSegments, quietMs, maxLines, graceMs } = this.#options;
    if (busy()) {
      this.start();
      return;
    }
    const worker = new Worker(new URL('./compact-worker.ts', import.meta.url), {
      workerData: { store, options: { minSegments, quietMs, maxLines, graceMs } },
    });
    this.#worker = worker;
    worker.on('message', (answer: Answer) => {
      if ('failed' in answer) onProblem(new LifeboatError(answer.failed.code, answer.failed.message));
    });
    worker.on('error', (error) => onProblem(new LifeboatError('INTERNAL', ': compaction', { cause: error })));
    worker.once('exit', () => {
      this.#worker = undefined;
      this.start();
    });
  }
}
