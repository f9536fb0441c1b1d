import { LifeboatError } from '../../contract/errors.ts';

/** Who asks for memory. */
export interface Asker {
  /** Fires when the client went away: its place in the queue is free at once. */
  signal: AbortSignal;
  /** A part of the answer is out already: it waits as long as it takes, for a cut answer would be worse than a late one. */
  begun?: boolean;
}

interface Waiting {
  bytes: number;
  go(): void;
}

/**
 * One limit for all that requests hold in memory at once: whole objects on their way through a codec, frames being
 * transcoded, inflated data sets. What fits goes on; beyond it requests wait in order of arrival in a short queue.
 */
export class MemoryBudget {
  readonly totalBytes: number;
  readonly #maxWaiting: number;
  readonly #maxWaitMs: number;
  readonly #waiting: Waiting[] = [];
  #held = 0;

  constructor(totalBytes: number, maxWaiting = 64, maxWaitMs = 10_000) {
    this.totalBytes = totalBytes;
    this.#maxWaiting = maxWaiting;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Bytes that running work has been allowed. */
  get held(): number {
    return this.#held;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether so much can ever be allowed. */
  fits(bytes: number): boolean {
    return bytes <= this.totalBytes;
  }

  /**
   * Runs `work` when `bytes` are free and holds them until it is done. Never ask again inside of `work`.
   * Errors: NOT_ACCEPTABLE for more than there is in all, BUSY when the queue is full or the wait too long, ABORT_ERR when
   * the client went away.
   */
  async run<T>(bytes: number, asker: Asker, work: () => Promise<T>): Promise<T> {
    if (!this.fits(bytes)) throw tooLarge();
    await this.#admitted(bytes, asker);
    try {
      return await work();
    } finally {
      this.#held -= bytes;
      this.#admit();
    }
  }

  #admitted(bytes: number, { signal, begun = false }: Asker): Promise<void> {
    if (signal.aborted) return Promise.reject(clientGone());
    if (this.#waiting.length === 0 && this.#held + bytes <= this.totalBytes) {
      this.#held += bytes;
      return Promise.resolve();
    }
    if (!begun && this.#waiting.length >= this.#maxWaiting) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const waiting: Waiting = {
        bytes,
        go: () => {
          done();
          resolve();
        },
      };
      const leave = (error: Error) => {
        done();
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(error);
        this.#admit();
      };
      const onAbort = () => leave(clientGone());
      const timer = begun ? undefined : setTimeout(() => leave(busy()), this.#maxWaitMs);
      signal.addEventListener('abort', onAbort);
      this.#waiting.push(waiting);
    });
  }

  #admit(): void {
    for (;;) {
      const first = this.#waiting[0];
      if (!first || this.#held + first.bytes > this.totalBytes) return;
      this.#waiting.shift();
      this.#held += first.bytes;
      first.go();
    }
  }
}

/** What is refused because it will never fit. */
export function tooLarge(): LifeboatError {
  return new LifeboatError(
    'NOT_ACCEPTABLE',
    'The object is too large to be converted as a whole; ask for single frames, or for the object with transfer-syntax=*.',
  );
}

function busy(): LifeboatError {
  return new LifeboatError('BUSY', 'The router is converting other large images; try again in a few seconds.');
}

function clientGone(): Error {
  return Object.assign(new Error('the client went away'), { code: 'ABORT_ERR' });
}
