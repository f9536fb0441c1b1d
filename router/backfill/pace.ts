import { setTimeout as sleep } from 'node:timers/promises';
import { minutesUntil } from './backfill-plan.ts';

export interface PaceOptions {
  /** Why nothing may be fetched just now, as far as the rest of the router knows; '' : nothing speaks against it. */
  hindrance(): string;
  /** An answer that takes longer is slow, whatever was usual, ms; default 5 s. */
  slowMs?: number;
  /** First pause after a slow answer, doubled with each further one up to ten minutes, ms; default 10 s. */
  firstPauseMs?: number | undefined;
  now?(): number;
}

const SLOW_MS = 5_000;
/** So many times what is usual is slow, from this on. */
const SLOW_TIMES = 4;
const SLOW_FROM_MS = 1_000;
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
const REMEMBERED = 50;
const ENOUGH_TO_JUDGE = 8;
const LOOK_EVERY_MS = 500;

/** When the next piece of work may begin: the night, the rate, and how the PACS bears it. */
export class Pace {
  readonly #options: PaceOptions;
  readonly #now: () => number;
  readonly #answers: number[] = [];
  #window = '';
  #rate = 0;
  #nextAt = 0;
  #pausedUntil = 0;
  #pauses = 0;
  #slow = '';

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  limits({ window, rate }: { window: string; rate: number }): void {
    this.#window = window;
    this.#rate = rate;
  }

  /** Resolves when the next piece may begin. @param urgent not bound to the window @throws when the signal fires */
  async turn(signal: AbortSignal, urgent = false): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.hindrance(urgent) === '') return;
      await sleep(Math.min(LOOK_EVERY_MS, Math.max(10, this.#nextAt - this.#now())), undefined, { signal });
    }
  }

  /** Why nothing may begin now. */
  hindrance(urgent = false): string {
    const now = this.#now();
    const minutes = urgent ? 0 : minutesUntil(this.#window, new Date(now));
    if (minutes > 0) return `the hours ${this.#window} in which it may work`;
    const other = this.#options.hindrance();
    if (other) return other;
    if (now < this.#pausedUntil) return this.#slow;
    if (now < this.#nextAt) return `the limit of ${this.#rate} images a second`;
    return '';
  }

  /** Images came: the limit counts them. */
  took(images: number): void {
    if (this.#rate > 0) this.#nextAt = Math.max(this.#nextAt, this.#now()) + (images / this.#rate) * 1000;
  }

  /** The PACS took so long to answer a question of the usual kind: slower than usual, and it is left alone for a while. */
  answered(ms: number): void {
    const usual = this.#usual();
    const { slowMs = SLOW_MS, firstPauseMs = FIRST_PAUSE_MS } = this.#options;
    const isSlow = ms > slowMs || (usual !== undefined && ms > SLOW_FROM_MS && ms > usual * SLOW_TIMES);
    if (!isSlow) {
      this.#answers.push(ms);
      if (this.#answers.length > REMEMBERED) this.#answers.shift();
      this.#pauses = 0;
      return;
    }
    const pause = Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** Math.min(this.#pauses++, 10));
    this.#pausedUntil = this.#now() + pause;
    const seconds = Math.max(1, Math.round(ms / 1000));
    this.#slow = `the PACS to recover: it took ${seconds} s to answer, so it is left alone for ${Math.round(pause / 1000)} s`;
  }

  /** The line to the PACS is gone: everything waits, longer each time. */
  lost(reason: string): void {
    const { firstPauseMs = FIRST_PAUSE_MS } = this.#options;
    const pause = Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** Math.min(this.#pauses++, 10));
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#now() + pause);
    this.#slow = `the PACS: ${reason}`;
  }

  #usual(): number | undefined {
    if (this.#answers.length < ENOUGH_TO_JUDGE) return undefined;
    return [...this.#answers].sort((a, b) => a - b)[Math.floor(this.#answers.length / 2)];
  }
}
