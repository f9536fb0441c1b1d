import type { LifeboatError } from '../contract/errors.ts';
import { spoolError } from './disk-error.ts';
import type { LogRecord, SpoolLog } from './spool-log.ts';

/** An acknowledged instance that is in the log alone. */
export interface LoggedInstance {
  record: LogRecord;
  size: number;
  /** UTC, ISO 8601 with milliseconds. */
  receivedAt: string;
}

export interface UnpackerOptions<T extends LoggedInstance> {
  log: SpoolLog;
  /** Makes the file; resolves with what hands it on, to be called when the file's name is on stable storage and the log has forgotten it. */
  unpack(instance: T): Promise<() => void | Promise<void>>;
  syncFolder(): Promise<void>;
  /** Files cannot be written; it is tried again. */
  onProblem(error: LifeboatError): void;
}

/** Work begins when nothing came for so long… */
const QUIET_MS = 100;
/** …or when the first instance is this old… */
const LONGEST_WAIT_MS = 1000;
/** …or, while so many wait that a sender must be in full flow and the work would only slow it down, this old… */
const DENSE_INSTANCES = 50;
const LONGEST_DENSE_WAIT_MS = 4000;
/** …or when so much of the log is in use. */
const FULL = 0.75;
const AT_ONCE = 2;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/** Moves instances from the log into files of their own while senders pause. */
export class SpoolUnpacker<T extends LoggedInstance> {
  readonly #options: UnpackerOptions<T>;
  #waiting = new Set<T>();
  #bytes = 0;
  #firstAt = 0;
  #lastAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #delay = FIRST_DELAY_MS;
  #closed = false;

  constructor(options: UnpackerOptions<T>) {
    this.#options = options;
  }

  status(): { entries: number; bytes: number; oldest: string | null } {
    const [first] = this.#waiting;
    return { entries: this.#waiting.size, bytes: this.#bytes, oldest: first?.receivedAt ?? null };
  }

  waiting(): Iterable<T> {
    return this.#waiting;
  }

  add(instance: T): void {
    this.#lastAt = performance.now();
    if (this.#waiting.size === 0) this.#firstAt = this.#lastAt;
    this.#waiting.add(instance);
    this.#bytes += instance.size;
    if (!this.#timer && !this.#running) this.#wait(QUIET_MS);
  }

  /** Resolves when everything that waits now is unpacked, or cannot be. */
  async flush(): Promise<void> {
    await this.#running;
    await this.#run(true);
  }

  /** What is left in the log is found at the next start. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }

  #wait(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const due = this.#dueIn();
      if (due > 0) this.#wait(due);
      else void this.#run(false);
    }, ms);
  }

  /** ms */
  #dueIn(): number {
    const { used, limit } = this.#options.log.usage();
    if (used >= limit * FULL) return 0;
    const longest = this.#waiting.size >= DENSE_INSTANCES ? LONGEST_DENSE_WAIT_MS : LONGEST_WAIT_MS;
    return Math.min(this.#lastAt + QUIET_MS, this.#firstAt + longest) - performance.now();
  }

  #run(hurried: boolean): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running ??= this.#unpackWaiting(hurried).finally(() => {
      this.#running = null;
      if (this.#waiting.size > 0 && !this.#timer) this.#wait(QUIET_MS);
    });
    return this.#running;
  }

  async #unpackWaiting(hurried: boolean): Promise<void> {
    const { log, unpack, syncFolder, onProblem } = this.#options;
    const queue = [...this.#waiting];
    const begun = performance.now();
    const patient = !hurried && begun - this.#lastAt >= QUIET_MS;
    const done = new Map<T, () => void | Promise<void>>();
    try {
      const lane = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          done.set(next, await unpack(next));
          // A sender came back: it goes first, unless this was begun in its flow because it had to be.
          if (patient && this.#lastAt > begun) return;
        }
      };
      const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
      if (done.size > 0) {
        await syncFolder();
        await log.forget([...done.keys()].map(({ record }) => record));
      }
      for (const [instance, handOn] of done) {
        this.#waiting.delete(instance);
        this.#bytes -= instance.size;
        await handOn();
      }
      for (const each of lanes) if (each.status === 'rejected') throw each.reason;
      this.#delay = FIRST_DELAY_MS;
      this.#firstAt = performance.now();
    } catch (error) {
      onProblem(spoolError(error));
      if (hurried) return;
      this.#wait(this.#delay);
      this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
    }
  }
}
