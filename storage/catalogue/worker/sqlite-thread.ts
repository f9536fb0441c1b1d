import { Worker } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest, WorkerSettings } from './worker-messages.ts';

/** An error of SQLite itself; `errcode` is its (extended) result code. */
export class SqliteError extends Error {
  readonly errcode: number | undefined;
  constructor(message: string, errcode: number | undefined) {
    super(message);
    this.name = 'SqliteError';
    this.errcode = errcode;
  }
}

interface Waiting {
  resolve(reply: { rows: unknown[]; changes: number }): void;
  reject(error: Error): void;
}

/** One SQLite connection in a thread of its own. It keeps the process alive only while a statement runs. */
export class SqliteThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #next = 1;
  #failure: Error | undefined;

  constructor(settings: WorkerSettings) {
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: settings, execArgv: [] });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(new SqliteError('the SQLite thread has ended', undefined));
        resolve();
      });
    });
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('message', (reply: WorkerReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (this.#waiting.size === 0) this.#worker.unref();
      if (reply.error !== undefined) waiting?.reject(new SqliteError(reply.error, reply.errcode));
      else waiting?.resolve(reply);
    });
    this.#worker.unref();
  }

  /** Statements sent and not yet answered. */
  get pending(): number {
    return this.#waiting.size;
  }

  run(sql: string, parameters: readonly unknown[] = [], script = false): Promise<{ rows: unknown[]; changes: number }> {
    if (this.#failure) return Promise.reject(this.#failure);
    const request: WorkerRequest = { id: this.#next++, sql, parameters, script };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    if (this.#failure) return;
    this.#worker.ref();
    this.#worker.postMessage('close');
    await this.#exited;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
