import type { AuditEvent } from './access-types.ts';
import { StrangerDigest } from './audit-strangers.ts';

const WINDOW_MS = 5 * 60_000;
const OPEN_MAX = 10_000;

interface Open {
  event: AuditEvent;
  since: number;
  last: number;
  repeats: number;
  /** Bytes sent with the repeats. */
  sentBytes: number;
}

/**
 * Keeps 500 frame requests from being 500 audit rows, without losing any: the first of its kind (same user, address, action,
 * object, detail, outcome) is written at once; repeats are counted, and a summary row follows when the window closes. What
 * differs from request to request and may be summed up, as the bytes sent, is not part of the detail.
 */
export class AuditDigest {
  readonly #append: (event: AuditEvent) => void;
  readonly #now: () => number;
  readonly #open = new Map<string, Open>();
  readonly #strangers: StrangerDigest;
  readonly #timer: NodeJS.Timeout;
  constructor(append: (event: AuditEvent) => void, now: () => number = Date.now) {
    this.#append = append;
    this.#now = now;
    this.#strangers = new StrangerDigest(append, now);
    this.#timer = setInterval(() => this.#closeOld(), 30_000).unref();
  }

  /** True when this was the first of its kind in the window. */
  note(event: AuditEvent): boolean {
    const now = this.#now();
    const { user, address, action, object, detail, outcome } = event;
    const key = [user, address, action, object, detail ?? '', outcome].join('\u0000');
    const open = this.#open.get(key);
    if (open && now - open.since < WINDOW_MS) {
      open.repeats++;
      open.last = now;
      open.sentBytes += event.sentBytes ?? 0;
      return false;
    }
    if (open) this.#summarise(open);
    if (this.#open.size >= OPEN_MAX) this.#closeAll();
    this.#append(withBytes(event, event.sentBytes));
    this.#open.set(key, { event, since: now, last: now, repeats: 0, sentBytes: 0 });
    return true;
  }

  /** The same for those who are not signed in (audit-strangers.ts). True when it was written, not only counted. */
  noteStranger(event: AuditEvent): boolean {
    return this.#strangers.note(event);
  }

  /** Whether what a stranger at that address does is only counted by now. */
  isCountingStranger(address: string): boolean {
    return this.#strangers.isCounting(address);
  }

  #closeOld(): void {
    const now = this.#now();
    for (const [key, open] of this.#open)
      if (now - open.since >= WINDOW_MS) {
        this.#open.delete(key);
        this.#summarise(open);
      }
    this.#strangers.closeOld();
  }

  #closeAll(): void {
    for (const open of this.#open.values()) this.#summarise(open);
    this.#open.clear();
  }

  #summarise({ event, since, last, repeats, sentBytes }: Open): void {
    if (repeats === 0) return;
    const span = `${new Date(since).toISOString()} to ${new Date(last).toISOString()}`;
    const detail = `${repeats} more of the same, ${span}${event.detail ? `; ${event.detail}` : ''}`;
    this.#append(withBytes({ ...event, detail }, event.sentBytes === undefined ? undefined : sentBytes));
  }

  /** Writes what is still being counted. */
  close(): void {
    clearInterval(this.#timer);
    this.#closeAll();
    this.#strangers.close();
  }
}

function withBytes(event: AuditEvent, sentBytes: number | undefined): AuditEvent {
  if (sentBytes === undefined) return event;
  return { ...event, detail: `${event.detail ? `${event.detail}, ` : ''}${sentBytes} bytes sent` };
}
