import { minutesUntil, shareOfDay } from './backfill-plan.ts';

const WINDOW_MS = 5 * 60_000;
const LEAST_MS = 3_000;

/** Images a second over the last minutes in which it worked. */
export class Throughput {
  readonly #now: () => number;
  #events: { at: number; images: number }[] = [];
  #since: number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#since = now();
  }

  came(images: number): void {
    if (images > 0) this.#events.push({ at: this.#now(), images });
  }

  /** It stands still: the time until it goes on again does not count. */
  stood(): void {
    this.#events = [];
    this.#since = this.#now();
  }

  /** null: too early to tell. */
  get perSecond(): number | null {
    const now = this.#now();
    const from = Math.max(this.#since, now - WINDOW_MS);
    this.#events = this.#events.filter(({ at }) => at >= from);
    if (this.#events.length === 0 || now - from < LEAST_MS) return null;
    return (this.#events.reduce((sum, { images }) => sum + images, 0) * 1000) / (now - from);
  }
}

/** About when so many images will have come, working in the window only; null: cannot be told. UTC ISO. */
export function finishedAt(images: number, perSecond: number | null, window: string, now = new Date()): string | null {
  if (perSecond === null || perSecond <= 0) return null;
  const seconds = images / perSecond / shareOfDay(window);
  const at = now.getTime() + minutesUntil(window, now) * 60_000 + seconds * 1000;
  const farthest = 8.64e15;
  return at < farthest ? new Date(at).toISOString() : null;
}
