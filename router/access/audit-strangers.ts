import type { AuditEvent } from './access-types.ts';

const WINDOW_MS = 5 * 60_000;
/** Rows of their own within a window, for one address and for all together. */
const ROWS_AN_ADDRESS = 20;
const ROWS_IN_ALL = 100;
/** Addresses counted apart within a window, and of these the busiest that get a summary row. */
const ADDRESSES_MAX = 1_000;
const SUMMARIES_MAX = 50;
/** User names that a summary lists. */
const NAMES_MAX = 20;
const NAME_LENGTH = 64;
const OTHERS = 'other addresses';

interface Counted {
  /** Rows written in this window. */
  rows: number;
  repeats: number;
  /** By action and detail, both of our own making and few. */
  kinds: Map<string, number>;
  names: Set<string>;
  moreNames: boolean;
}

/**
 * What nobody in particular did: wrong passwords, unknown tokens, forged links. Names and addresses are the stranger's
 * choice, so however many come, the trail grows by a fixed number of rows in five minutes: the first ones whole, the others
 * as counts by address.
 */
export class StrangerDigest {
  readonly #append: (event: AuditEvent) => void;
  readonly #now: () => number;
  readonly #addresses = new Map<string, Counted>();
  #since: number;
  #rows = 0;
  constructor(append: (event: AuditEvent) => void, now: () => number) {
    this.#append = append;
    this.#now = now;
    this.#since = now();
  }

  /** True when it was written as a row of its own; false when it was only counted. */
  note(event: AuditEvent): boolean {
    this.closeOld();
    const counted = this.#counted(event.address);
    if (counted.rows < ROWS_AN_ADDRESS && this.#rows < ROWS_IN_ALL) {
      counted.rows++;
      this.#rows++;
      this.#append(event);
      return true;
    }
    counted.repeats++;
    const kind = event.detail ? `${event.action}: ${event.detail}` : event.action;
    counted.kinds.set(kind, (counted.kinds.get(kind) ?? 0) + 1);
    if (counted.names.size < NAMES_MAX) counted.names.add(event.user.slice(0, NAME_LENGTH));
    else counted.moreNames ||= !counted.names.has(event.user.slice(0, NAME_LENGTH));
    return false;
  }

  /** Whether the next one from that address would only be counted. */
  isCounting(address: string): boolean {
    return this.#rows >= ROWS_IN_ALL || (this.#addresses.get(address)?.rows ?? 0) >= ROWS_AN_ADDRESS;
  }

  /** Writes the counts when the window is over. */
  closeOld(): void {
    if (this.#now() - this.#since >= WINDOW_MS) this.close();
  }

  /** Writes the counts. */
  close(): void {
    const busiest = [...this.#addresses].filter(([, { repeats }]) => repeats > 0);
    busiest.sort(([, a], [, b]) => b.repeats - a.repeats);
    for (const [address, counted] of busiest.slice(0, SUMMARIES_MAX)) this.#summarise(address, counted);
    const rest = busiest.slice(SUMMARIES_MAX);
    if (rest.length > 0) this.#summarise(`${rest.length} ${OTHERS}`, together(rest.map(([, counted]) => counted)));
    this.#addresses.clear();
    this.#rows = 0;
    this.#since = this.#now();
  }

  #counted(address: string): Counted {
    const key = this.#addresses.has(address) || this.#addresses.size < ADDRESSES_MAX ? address : OTHERS;
    let counted = this.#addresses.get(key);
    if (!counted) {
      counted = { rows: 0, repeats: 0, kinds: new Map(), names: new Set(), moreNames: false };
      this.#addresses.set(key, counted);
    }
    return counted;
  }

  #summarise(address: string, { repeats, kinds, names, moreNames }: Counted): void {
    const span = `${new Date(this.#since).toISOString()} to ${new Date(this.#now()).toISOString()}`;
    const list = [...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ');
    const users = `${[...names].join(', ')}${moreNames ? ' and others' : ''}`;
    const detail = `${repeats} more refusals, ${span}; ${list}; names: ${users}`;
    this.#append({ user: 'nobody', address, action: 'refusal', object: 'counted', detail, outcome: 'refused' });
  }
}

function together(all: readonly Counted[]): Counted {
  const sum: Counted = { rows: 0, repeats: 0, kinds: new Map(), names: new Set(), moreNames: false };
  for (const { repeats, kinds, names } of all) {
    sum.repeats += repeats;
    for (const [kind, n] of kinds) sum.kinds.set(kind, (sum.kinds.get(kind) ?? 0) + n);
    for (const name of names) {
      if (sum.names.size < NAMES_MAX) sum.names.add(name);
      else sum.moreNames ||= !sum.names.has(name);
    }
  }
  return sum;
}
