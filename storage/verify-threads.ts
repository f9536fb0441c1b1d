import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { LifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from './object-store.ts';
import { FileStore } from './stores/file-store.ts';
import type { StoreConfig } from './stores/open-store.ts';
import type { ObjectCheck } from './verify-hash.ts';
import { readerOf, type StudyReader } from './verify-reader.ts';
import type { SegmentCheck } from './verify-segments.ts';
import type { ReaderAnswer, ReaderTask } from './verify-worker.ts';

export interface Hashers {
  check(key: string): Promise<ObjectCheck>;
  close(): Promise<void>;
}

export interface ClosableReader extends StudyReader {
  close(): Promise<void>;
}

/** One object at a time; otherwise as `openReader`. */
export function openHashers(store: ObjectStore): Hashers {
  const reader = openReader(store);
  return { check: async (key) => (await reader.check([key]))[0]!, close: () => reader.close() };
}

/**
 * Reads an embedded store in threads, by default one for each core, so that all cores hash; other stores too where their
 * configuration is given, so that unpacking and hashing hold up nobody, otherwise here. A thread that dies costs the tasks
 * it had ('not-checked') and is replaced.
 */
export function openReader(
  store: ObjectStore,
  options: { threads?: number; config?: StoreConfig } = {},
): ClosableReader {
  const { threads = Math.max(2, availableParallelism()) } = options;
  const config = store instanceof FileStore ? { kind: 'file' as const, dir: store.root } : options.config;
  if (!config) return { ...readerOf(store), close: async () => undefined };
  const pool = new ReaderPool(config, threads);
  return {
    list: (path) => pool.run({ method: 'list', args: [path] }),
    segment: (key, path) =>
      pool
        .run<SegmentCheck>({ method: 'segment', args: [key, path] })
        .catch((error: Error) => unreadSegment(key, error)),
    check: (keys) =>
      pool
        .run<ObjectCheck[]>({ method: 'check', args: [keys] })
        .catch((error: Error) => keys.map(() => ({ state: 'not-checked', reason: error.message }))),
    close: () => pool.close(),
  };
}

function unreadSegment(key: string, { message: reason }: Error): SegmentCheck {
  return {
    key,
    manifest: { state: 'not-checked', reason, replaces: [] },
    metadata: { state: 'not-checked', reason },
    entries: [],
    contents: [],
  };
}

interface Job {
  task: ReaderTask;
  done(result: unknown): void;
  failed(error: Error): void;
}

/** A second task waits in each thread, so that none idles between two. */
const TASKS_EACH = 2;

class ReaderPool {
  readonly #config: StoreConfig;
  readonly #threads: number;
  readonly #running = new Map<Worker, Map<number, Job>>();
  readonly #queue: Job[] = [];
  #number = 0;
  #closed = false;

  constructor(config: StoreConfig, threads: number) {
    this.#config = config;
    this.#threads = threads;
  }

  run<T>(task: ReaderTask): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new LifeboatError('STORE_UNAVAILABLE', ': the check was ended');
      this.#queue.push({ task, done: (result) => resolve(result as T), failed: reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#running.keys()];
    this.#fail(
      [...this.#queue.splice(0), ...[...this.#running.values()].flatMap((jobs) => [...jobs.values()])],
      'ended',
    );
    this.#running.clear();
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let chosen = [...this.#running].reduce<[Worker, Map<number, Job>] | null>(
        (best, one) => (best && best[1].size <= one[1].size ? best : one),
        null,
      );
      if ((!chosen || chosen[1].size > 0) && this.#running.size < this.#threads) chosen = this.#start();
      if (!chosen || chosen[1].size >= TASKS_EACH) return;
      const job = this.#queue.shift()!;
      const number = this.#number++;
      chosen[1].set(number, job);
      chosen[0].postMessage({ number, task: job.task });
    }
  }

  #start(): [Worker, Map<number, Job>] {
    const thread = new Worker(new URL('./verify-worker.ts', import.meta.url), {
      workerData: this.#config,
      // whatever the process was started with (`--input-type`, an inspector) is not for its threads
      execArgv: [],
      // a router lives with 300 MiB, and its thread only hashes
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 },
    });
    const jobs = new Map<number, Job>();
    this.#running.set(thread, jobs);
    thread.on('message', (answer: ReaderAnswer) => {
      const job = jobs.get(answer.number);
      jobs.delete(answer.number);
      if ('failed' in answer) job?.failed(new LifeboatError('STORE_UNAVAILABLE', answer.failed));
      else job?.done(answer.result);
      this.#dispatch();
    });
    thread.on('error', (error) => this.#lost(thread, jobs, error.message));
    thread.on('exit', (code) => this.#lost(thread, jobs, `a thread ended with ${code}`));
    return [thread, jobs];
  }

  #lost(thread: Worker, jobs: Map<number, Job>, reason: string): void {
    if (!this.#running.delete(thread)) return;
    this.#fail([...jobs.values()], reason);
    jobs.clear();
    if (!this.#closed) this.#dispatch();
  }

  #fail(jobs: Job[], reason: string): void {
    for (const job of jobs) job.failed(new LifeboatError('STORE_UNAVAILABLE', `: ${reason}`));
  }
}
