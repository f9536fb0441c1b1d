import { setTimeout as sleep } from 'node:timers/promises';

/** Lets so many bytes through in a second on the average; after a pause no more than one second's worth at once. */
export class ByteRate {
  readonly #bytesPerSecond: number;
  readonly #signal: AbortSignal;
  #free: number;
  #at = performance.now();

  constructor(bytesPerSecond: number, signal: AbortSignal) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#signal = signal;
    this.#free = bytesPerSecond;
  }

  /** Resolves when so many bytes may be read (at once when the signal is aborted). */
  async take(bytes: number): Promise<void> {
    const now = performance.now();
    this.#free = Math.min(this.#bytesPerSecond, this.#free + ((now - this.#at) / 1000) * this.#bytesPerSecond) - bytes;
    this.#at = now;
    if (this.#free >= 0) return;
    await pause((-this.#free / this.#bytesPerSecond) * 1000, this.#signal);
  }
}

/** Waits, or returns at once when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await sleep(ms, undefined, { signal }).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
}
