import type { LogRecord } from './spool-log.ts';
import type { SpoolLogPart } from './spool-log-part.ts';
import type { SpoolPart } from './spool-part.ts';

/** One instance on its way into the spool: in the log as long as it is small and there is room, else in a file. */
export class SpoolWriter {
  #log: SpoolLogPart | null;
  #file: SpoolPart | null = null;
  readonly #openFile: () => SpoolPart;
  #dropped = false;

  /** @param openFile throws SPOOL_FULL or SPOOL_UNWRITABLE, as every method here */
  constructor(log: SpoolLogPart | null, openFile: () => SpoolPart) {
    this.#log = log;
    this.#openFile = openFile;
    if (!log) this.#file = openFile();
  }

  /** Copies `chunk`. A promise means that the disk is behind: wait for it. */
  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#file) return this.#file.write(chunk);
    if (this.#log!.fits(chunk.length)) return this.#log!.write(chunk);
    return this.#moveToFile().then(() => this.#file!.write(chunk));
  }

  async #moveToFile(): Promise<void> {
    const log = this.#log!;
    this.#file = this.#openFile();
    this.#log = null;
    try {
      await log.moveTo(this.#file);
    } finally {
      if (this.#dropped) this.#file.abort();
    }
  }

  /** Resolves when everything is on stable storage: with its place in the log, or with the SHA-256 of its file at `path`. */
  async seal(
    name: string,
    path: string,
    syncFolder: () => Promise<void>,
  ): Promise<{ record: LogRecord } | { sha256: string }> {
    if (this.#log) return { record: await this.#log.seal(name) };
    return { sha256: await this.#file!.seal(path, syncFolder) };
  }

  /** Drops what came; harmless after `seal` and when called twice. */
  abort(): void {
    this.#dropped = true;
    this.#log?.abort();
    this.#file?.abort();
  }
}
