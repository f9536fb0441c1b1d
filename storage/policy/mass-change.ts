import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import type { MassChangeAlert } from '../../contract/retention.ts';
import type { ObjectStore } from '../object-store.ts';
import { pause } from '../scrub-rate.ts';
import type { GuardState } from './guard-state.ts';
import { lookAtShard } from './shard-look.ts';

/** What others have noticed: how many images are gone or changed that must not be, as a running total. */
export interface ChangeSignal {
  /** For the sentence: "the comparison with the replica". */
  name: string;
  /** A total that only grows while nothing is put right. */
  count(): number;
}

export interface MassChangeOptions {
  store: ObjectStore;
  state: GuardState;
  signals: ChangeSignal[];
  /** Keys that removal records of a shard name. Throws STORE_UNAVAILABLE. */
  removedKeys(shard: string): Promise<ReadonlySet<string>>;
  /** Keys that a repair wrote anew lately. */
  mended(): ReadonlySet<string>;
  /** While images come in, looking stands back, an hour at most. */
  busy?(): boolean;
  onAlert(alert: MassChangeAlert): void;
  onProblem(error: LifeboatError): void;
  /** Between two looks, ms; a look that takes long is followed by a rest of twenty times that. Default 20 s. */
  everyMs?: number;
}

/** An archive in which nothing is ever deleted has no everyday rate of deletions: so many within a day are an alarm. */
export const ALARM_FROM = 10;
const WINDOW_MS = 86_400_000;
const REST = 20;
const LONGEST_WAIT_MS = 3_600_000;
const SHARDS = 256;

/**
 * Notices that images vanish or are written over, whoever does it: looks at one shard of the store after the other, in an order
 * that nobody can foresee, and adds up what scrub, catalogue and replica have noticed.
 */
export class MassChangeWatch {
  readonly #options: MassChangeOptions;
  readonly #end = new AbortController();
  readonly #counted = new Map<string, number>();
  #order: string[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(options: MassChangeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Looks at every shard now; for a person who asks, and for tests. Throws STORE_UNAVAILABLE. */
  async lookAtAll(): Promise<void> {
    for (let shard = 0; shard < SHARDS && !this.#end.signal.aborted; shard++) await this.#look(name(shard));
    this.#judge();
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { everyMs = 20_000, busy, onProblem } = this.#options;
    let failure = '';
    let lookedAt = performance.now();
    while (!this.#end.signal.aborted) {
      const startedAt = performance.now();
      if (busy?.() && startedAt - lookedAt < LONGEST_WAIT_MS) {
        await pause(everyMs, this.#end.signal);
        continue;
      }
      lookedAt = startedAt;
      try {
        if (this.#order.length === 0) this.#order = shuffled();
        await this.#look(this.#order.at(-1)!);
        this.#order.pop();
        this.#judge();
        failure = '';
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (error.message !== failure && !this.#end.signal.aborted) onProblem(error);
        failure = error.message;
      }
      await pause(Math.max(everyMs, (performance.now() - startedAt) * REST), this.#end.signal);
    }
  }

  async #look(shard: string): Promise<void> {
    const { store, state, removedKeys, mended } = this.#options;
    const removed = await removedKeys(shard);
    const { look, suspicious } = await lookAtShard(store, shard, state.look(shard), removed, mended());
    state.setLook(shard, look);
    if (suspicious > 0) state.change('the store', suspicious);
  }

  #judge(): void {
    const { state, signals, onAlert } = this.#options;
    for (const { name, count } of signals) {
      const now = count();
      const before = this.#counted.get(name);
      this.#counted.set(name, now);
      // what was there at the start was told then
      if (before !== undefined && now > before) state.change(name, now - before);
    }
    const { count, since } = state.changedSince(new Date(Date.now() - WINDOW_MS).toISOString());
    if (count < ALARM_FROM || since === null) return;
    const open = state.openAlert();
    if (open && open.count >= count) return;
    const text =
      `${count} images were deleted or written over within a day, and nothing here does that. ` +
      'It may be an attack, or somebody tidying up in the store.';
    state.raise(since, count, text);
    onAlert(state.openAlert()!);
  }
}

const name = (shard: number) => shard.toString(16).padStart(2, '0');

function shuffled(): string[] {
  const order = Array.from({ length: SHARDS }, (_, i) => name(i));
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
