import { Worker } from 'node:worker_threads';
import { describeBlindly } from './describe-file.ts';
import type { DescribedInstance } from './segments.ts';
import type { SpoolEntry } from './spool-types.ts';

export interface Describer {
  /** In the order given; never fails on content. */
  describe(entries: SpoolEntry[]): Promise<DescribedInstance[]>;
}

interface Job {
  number: number;
  spooled: SpoolEntry;
  resolve(described: DescribedInstance): void;
}

export interface DescribeThreadOptions {
  /** Longest time for one header. Default 60 s. */
  timeoutMs?: number;
  /** For tests: another thread than commit-worker.ts. */
  script?: URL;
  onProblem?(error: Error): void;
}

/** Heap of the thread: a header that needs more is described blindly instead of taking the router with it. */
const HEAP_MB = 256;

/**
 * Reads headers in a thread of its own, so that the event loop stays free for receiving. A header that ends the thread
 * (endless, or larger than its heap) is described blindly; the thread is started again for the others.
 */
export class DescribeThread implements Describer {
  private readonly timeoutMs: number;
  private readonly script: URL;
  private readonly onProblem: (error: Error) => void;
  private thread: Worker | null = null;
  private readonly jobs: Job[] = [];
  private number = 0;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(options: DescribeThreadOptions = {}) {
    this.timeoutMs = options.timeoutMs ?? 60_000;
    this.script = options.script ?? new URL('./commit-worker.ts', import.meta.url);
    this.onProblem = options.onProblem ?? (() => undefined);
  }

  describe(entries: SpoolEntry[]): Promise<DescribedInstance[]> {
    return Promise.all(
      entries.map((spooled) => {
        const { promise, resolve } = Promise.withResolvers<DescribedInstance>();
        const job: Job = { number: this.number++, spooled, resolve };
        this.jobs.push(job);
        if (this.jobs.length === 1) this.watch();
        this.post(job);
        return promise;
      }),
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.thread?.terminate();
  }

  private post({ number, spooled }: Job): void {
    this.thread ??= this.begin();
    this.thread.ref();
    this.thread.postMessage({ number, known: spooled });
  }

  private begin(): Worker {
    const thread = new Worker(this.script, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    let ended = false;
    const end = (error: Error) => {
      if (ended || this.thread !== thread) return;
      ended = true;
      this.thread = null;
      void thread.terminate();
      if (!this.closed) this.blame(error);
    };
    thread.on('message', ({ number, described }: { number: number; described: DescribedInstance }) => {
      // answers come in order: the first job is the one at work
      const job = this.jobs.shift();
      if (job?.number !== number) {
        if (job) this.jobs.unshift(job);
        return;
      }
      this.watch();
      job.resolve(described);
    });
    thread.on('error', end);
    thread.on('exit', (code) => end(new Error(`the thread ended with code ${code}`)));
    return thread;
  }

  /** The thread ended while it worked on the first job. */
  private blame(error: Error): void {
    const job = this.jobs.shift();
    this.watch();
    this.onProblem(error);
    job?.resolve(describeBlindly(job.spooled, error.message));
    for (const waiting of this.jobs) this.post(waiting);
  }

  private watch(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    if (this.jobs.length === 0) this.thread?.unref();
    if (this.jobs.length === 0 || this.closed) return;
    this.timer = setTimeout(() => {
      const thread = this.thread;
      this.thread = null;
      void thread?.terminate();
      this.blame(new Error(`it took longer than ${this.timeoutMs / 1000} s`));
    }, this.timeoutMs);
    this.timer.unref();
  }
}
