import { fsync } from 'node:fs';

/** One flush of an open file or folder, shared: whoever asks while one runs is served by the next one, which starts after all that they wrote. */
export class GroupSync {
  readonly #fd: number;
  readonly #flush: typeof fsync;
  #running = false;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];

  /** @param flush `fsync`, or `fdatasync` where neither name nor length of the file changes */
  constructor(fd: number, flush: typeof fsync = fsync) {
    this.#fd = fd;
    this.#flush = flush;
  }

  /** Resolves when everything written, or renamed in the folder, before the call is on stable storage. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#running) this.#run();
    });
  }

  #run(): void {
    const served = this.#waiting;
    this.#waiting = [];
    this.#running = true;
    this.#flush(this.#fd, (error) => {
      this.#running = false;
      for (const one of served) {
        if (error) one.reject(error);
        else one.resolve();
      }
      if (this.#waiting.length > 0) this.#run();
    });
  }
}
