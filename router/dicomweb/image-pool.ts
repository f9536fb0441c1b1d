import { Worker } from 'node:worker_threads';
import { ERRORS, type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import type { ImageJob, ImageReply, ImageResult } from './image-job.ts';
import { movable } from './image-job.ts';

/** Longest one picture may take, ms. */
const JOB_TIMEOUT_MS = 60_000;
/** Without work for so long a thread ends and its memory is free, ms. */
const IDLE_MS = 60_000;
const MAX_WAITING = 256;

interface Waiting {
  job: ImageJob;
  left(): void;
  resolve(result: ImageResult): void;
  reject(error: Error): void;
}

/**
 * Decoding, encoding and rendering in one thread beside the event loop, so that receiving goes on meanwhile. One job at a
 * time: memory for pictures is bounded by the largest.
 */
export class ImagePool {
  #worker: Worker | null = null;
  #current: Waiting | null = null;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting: Waiting[] = [];
  #closed = false;

  /**
   * The job's bytes may be moved to the thread: nobody else may use them afterwards. A job that has not begun when `signal`
   * fires is dropped. Errors: NOT_ACCEPTABLE or CANNOT_RENDER with the reason, BUSY; STORE_UNAVAILABLE is never one of them.
   */
  run(job: ImageJob, signal?: AbortSignal): Promise<ImageResult> {
    if (this.#closed) return Promise.reject(new LifeboatError('INTERNAL', 'The router is shutting down.'));
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new LifeboatError('BUSY', 'Too many pictures are being made; try again in a few seconds.'));
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(waiting);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      const waiting: Waiting = { job, resolve, reject, left: () => signal?.removeEventListener('abort', onAbort) };
      signal?.addEventListener('abort', onAbort);
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0))
      reject(new LifeboatError('INTERNAL', 'The router is shutting down.'));
    await this.#stop(new LifeboatError('INTERNAL', 'The router is shutting down.'));
  }

  #next(): void {
    if (this.#current) return;
    clearTimeout(this.#timer);
    const next = this.#waiting.shift();
    if (!next) {
      this.#timer = setTimeout(() => void this.#stop(), IDLE_MS);
      this.#timer.unref();
      return;
    }
    next.left();
    this.#current = next;
    this.#worker ??= this.#start();
    const bytes = next.job.kind === 'rewrite' ? next.job.file : next.job.frame;
    this.#worker.postMessage(next.job, movable(bytes));
    this.#timer = setTimeout(
      () => void this.#stop(new LifeboatError('CANNOT_RENDER', 'Decoding this picture took too long.')),
      JOB_TIMEOUT_MS,
    );
    this.#timer.unref();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./image-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 512 },
      stdout: true,
      stderr: true,
    });
    // The codec libraries chat about VRs there; what matters comes as a reply or an 'error' event.
    worker.stdout.resume();
    worker.stderr.resume();
    worker.unref();
    worker.on('message', (reply: ImageReply) => {
      const done = this.#current;
      this.#current = null;
      if (reply.ok) done?.resolve(reply.result);
      else done?.reject(new LifeboatError(knownCode(reply.code), reply.message));
      this.#next();
    });
    worker.on('error', (error) => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      const done = this.#current;
      this.#current = null;
      done?.reject(new LifeboatError('CANNOT_RENDER', 'The picture could not be decoded.', { cause: error }));
      this.#next();
    });
    return worker;
  }

  async #stop(error?: LifeboatError): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    const done = this.#current;
    this.#worker = null;
    this.#current = null;
    if (error) done?.reject(error);
    if (!this.#closed && this.#waiting.length > 0) this.#next();
    await worker?.terminate();
  }
}

function knownCode(code: string): ErrorCode {
  return code in ERRORS ? (code as ErrorCode) : 'CANNOT_RENDER';
}
