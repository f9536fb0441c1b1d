import { fsync } from 'node:fs';

/** fsync of one open folder, shared: whoever asks while one runs is served by the next one, which starts after all their renames. */
export class GroupSync {
  readonly #fd: number;
  #running = false;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Resolves when every rename made before the call is on stable storage. */
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
    fsync(this.#fd, (error) => {
      this.#running = false;
      for (const one of served) {
        if (error) one.reject(error);
        else one.resolve();
      }
      if (this.#waiting.length > 0) this.#run();
    });
  }
}
