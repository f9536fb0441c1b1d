import type { AuditEvent } from './access-types.ts';

const WINDOW_MS = 5 * 60_000;
const OPEN_MAX = 10_000;

interface Open {
  event: AuditEvent;
  since: number;
  last: number;
  repeats: number;
}

/**
 * Keeps 500 frame requests from being 500 audit rows, without losing any: the first of its kind (same user, address, action,
 * object, outcome) is written at once; repeats are counted, and a summary row follows when the window closes.
 */
export class AuditDigest {
  readonly #append: (event: AuditEvent) => void;
  readonly #now: () => number;
  readonly #open = new Map<string, Open>();
  readonly #timer: NodeJS.Timeout;
  constructor(append: (event: AuditEvent) => void, now: () => number = Date.now) {
    this.#append = append;
    this.#now = now;
    this.#timer = setInterval(() => this.#closeOld(), 30_000).unref();
  }

  /** True when this was the first of its kind in the window. */
  note(event: AuditEvent): boolean {
    const now = this.#now();
    const key = [event.user, event.address, event.action, event.object, event.outcome].join('\u0000');
    const open = this.#open.get(key);
    if (open && now - open.since < WINDOW_MS) {
      open.repeats++;
      open.last = now;
      return false;
    }
    if (open) this.#summarise(open);
    if (this.#open.size >= OPEN_MAX) this.#closeAll();
    this.#append(event);
    this.#open.set(key, { event, since: now, last: now, repeats: 0 });
    return true;
  }

  #closeOld(): void {
    const now = this.#now();
    for (const [key, open] of this.#open)
      if (now - open.since >= WINDOW_MS) {
        this.#open.delete(key);
        this.#summarise(open);
      }
  }

  #closeAll(): void {
    for (const open of this.#open.values()) this.#summarise(open);
    this.#open.clear();
  }

  #summarise({ event, since, last, repeats }: Open): void {
    if (repeats === 0) return;
    const span = `${new Date(since).toISOString()} to ${new Date(last).toISOString()}`;
    const detail = `${repeats} more of the same, ${span}${event.detail ? `; ${event.detail}` : ''}`;
    this.#append({ ...event, detail });
  }

  /** Writes what is still being counted. */
  close(): void {
    clearInterval(this.#timer);
    this.#closeAll();
  }
}
