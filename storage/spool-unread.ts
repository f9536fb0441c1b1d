import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { UnreadFiles } from './spool-types.ts';

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 300_000;

/**
 * Files of the spool that the disk would not give back at the start (an input/output error, a lost permission). Each may
 * be an acknowledged image, so they are tried again, ever less often, until every one was read.
 */
export class UnreadRetry {
  readonly #readOne: (fileName: string) => Promise<void>;
  readonly #onProblem: (error: LifeboatError) => void;
  readonly #firstDelayMs: number;
  #files = new Set<string>();
  #state: Omit<UnreadFiles, 'files'> | undefined;
  #delay: number;
  #timer: NodeJS.Timeout | undefined;
  #trying: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param readOne throws while the file cannot be read */
  constructor(
    readOne: (fileName: string) => Promise<void>,
    onProblem: (error: LifeboatError) => void,
    firstDelayMs = FIRST_DELAY_MS,
  ) {
    this.#readOne = readOne;
    this.#onProblem = onProblem;
    this.#firstDelayMs = firstDelayMs;
    this.#delay = firstDelayMs;
  }

  /** undefined when every file was read. */
  status(): UnreadFiles | undefined {
    return this.#state && { files: this.#files.size, ...this.#state };
  }

  /** Reads each file once; those that fail are tried again later. Never throws. */
  async readAll(fileNames: Iterable<string>): Promise<void> {
    const failed = new Set<string>();
    let last: unknown;
    for (const fileName of fileNames) {
      if (this.#closed) return;
      try {
        await this.#readOne(fileName);
      } catch (error) {
        failed.add(fileName);
        last = error;
      }
    }
    const fewer = failed.size < this.#files.size;
    const isNew = this.#state === undefined;
    this.#files = failed;
    if (failed.size === 0) {
      this.#state = undefined;
      return;
    }
    const reason =
      last instanceof LifeboatError ? last.message : ((last as NodeJS.ErrnoException).code ?? 'unknown error');
    if (fewer) this.#delay = this.#firstDelayMs;
    const now = Date.now();
    this.#state = {
      since: this.#state?.since ?? new Date(now).toISOString(),
      triedAt: new Date(now).toISOString(),
      nextTryAt: new Date(now + this.#delay).toISOString(),
      reason,
    };
    if (isNew || fewer) {
      const what = failed.size === 1 ? '1 file of the spool' : `${failed.size} files of the spool`;
      this.#onProblem(
        new LifeboatError('SPOOL_UNREADABLE', `Recovery is incomplete: ${what} cannot be read (${reason}).`, {
          cause: asLifeboatError(last),
        }),
      );
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#trying = this.readAll([...this.#files]);
    }, this.#delay);
    this.#timer.unref();
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#trying;
  }
}
