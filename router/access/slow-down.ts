import { LifeboatError } from '../../contract/errors.ts';

/** Wrong passwords within the window that cost nothing: people mistype. */
const FREE_FAILURES = 50;
const WINDOW_MS = 10 * 60_000;
/** Each further one puts this much more time between two sign-ins, up to LONGEST_GAP_MS. */
const STEP_MS = 20;
const LONGEST_GAP_MS = 1_000;
/** Who would have to wait longer is sent away. */
const LONGEST_WAIT_MS = 15_000;

/**
 * Against guessing from many addresses at once: when wrong passwords pile up over all names and addresses, sign-ins of
 * unfamiliar pairs (lockout.ts) pass one after the other, ever slower down to one a second. Familiar pairs do not wait.
 */
export class SlowDown {
  readonly #now: () => number;
  #windowStart = 0;
  #failures = 0;
  #before = 0;
  #nextTurn = 0;
  constructor(now: () => number) {
    this.#now = now;
  }

  failed(): void {
    this.#turnWindow();
    this.#failures++;
  }

  /** Milliseconds until it is the caller's turn. @throws BUSY when that would be too long. */
  turn(): number {
    const gap = this.#gap();
    const now = this.#now();
    if (gap === 0) return 0;
    const at = Math.max(now, this.#nextTurn);
    if (at - now > LONGEST_WAIT_MS) throw new LifeboatError('BUSY');
    this.#nextTurn = at + gap;
    return at - now;
  }

  #gap(): number {
    this.#turnWindow();
    const left = 1 - (this.#now() - this.#windowStart) / WINDOW_MS;
    const failures = this.#failures + this.#before * left;
    return failures <= FREE_FAILURES ? 0 : Math.min(LONGEST_GAP_MS, (failures - FREE_FAILURES) * STEP_MS);
  }

  #turnWindow(): void {
    const passed = this.#now() - this.#windowStart;
    if (passed < WINDOW_MS) return;
    this.#before = passed < 2 * WINDOW_MS ? this.#failures : 0;
    this.#failures = 0;
    this.#windowStart = this.#now();
  }
}
