import { setTimeout as sleep } from 'node:timers/promises';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { TendingState } from './archive-types.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import { catchUp } from './catch-up.ts';
import type { ObjectStore } from './object-store.ts';
import type { TrustedKeys } from './policy/removal-record.ts';

export interface TendingTimes {
  /** How often it looks whether something is to be done, ms. Default 5 s. */
  tickMs?: number;
  /** Shortest time between two comparisons of store and catalogue, ms. Default one minute. */
  compareMs?: number;
  /** After a comparison it rests so many times as long as that took. Default 50: a fiftieth of the time at most. */
  rest?: number;
}

export interface TenderOptions extends TendingTimes {
  store: ObjectStore;
  catalogue: Catalogue;
  onProblem(error: LifeboatError): void;
  /** Whose removals count; absent: those signed with keys that lie in the store. */
  trusted?: TrustedKeys;
  /** A removal that does not count, told once. */
  onRefusedRemoval?(error: LifeboatError): void;
}

const LONGEST_MS = 6 * 3_600_000;

/**
 * Keeps catalogue and store together while a router runs: a catalogue that is new, was dropped or restored is filled from
 * the store at once; segments that other routers wrote are read into it after a while; what the store lost is noticed.
 */
export class Tender {
  readonly #options: TenderOptions;
  readonly #stop = new AbortController();
  #state: TendingState = {};
  #loop: Promise<void> = Promise.resolve();
  #due = 0;
  #hurried = false;
  readonly #told = new Set<string>();

  constructor(options: TenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  state(): TendingState {
    return this.#state;
  }

  /** At the next look, at the latest after a tick. */
  compareNow(): void {
    this.#hurried = true;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { tickMs = 5000 } = this.#options;
    let failure = '';
    for (let first = true; !this.#stop.signal.aborted; first = false) {
      try {
        await this.#tend(first);
        failure = '';
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (error.message !== failure && !this.#stop.signal.aborted) this.#options.onProblem(error);
        failure = error.message;
      }
      await sleep(tickMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #tend(first: boolean): Promise<void> {
    const { catalogue, compareMs = 60_000 } = this.#options;
    // also what finds out that a database server is back, or another one than before
    const { studies } = await catalogue.totals();
    if (first) this.#due = studies > 0 ? performance.now() + compareMs : 0;
    if (!this.#hurried && !catalogue.needsRebuild && performance.now() < this.#due) return;
    await this.#compare(compareMs);
    this.#hurried = false;
  }

  async #compare(compareMs: number): Promise<void> {
    const { store, catalogue, trusted, onProblem, onRefusedRemoval = onProblem } = this.#options;
    const startedAt = performance.now();
    const since = new Date().toISOString();
    const filling = catalogue.needsRebuild === true;
    const { lost, damaged, refused } = await catchUp({
      store,
      catalogue,
      ...(trusted && { trusted }),
      signal: this.#stop.signal,
      onProgress: (progress) => {
        if (filling) this.#state = { ...this.#state, filling: { ...progress, since } };
      },
    }).finally(() => {
      const { filling: _, ...rest } = this.#state;
      this.#state = rest;
    });
    if (this.#stop.signal.aborted) return;
    for (const error of damaged) this.#tellOnce(error, onProblem);
    for (const error of refused) this.#tellOnce(error, onRefusedRemoval);
    this.#noteLost(lost);
    const took = performance.now() - startedAt;
    this.#due = performance.now() + Math.min(LONGEST_MS, Math.max(compareMs, took * (this.#options.rest ?? 50)));
    this.#state = { ...this.#state, comparedAt: new Date().toISOString() };
  }

  #noteLost(lost: { segments: number; studies: number }): void {
    const { lost: before, ...rest } = this.#state;
    this.#state = rest;
    if (lost.segments === 0) return;
    this.#state = { ...rest, lost: { ...lost, since: before?.since ?? new Date().toISOString() } };
    if (before) return;
    this.#options.onProblem(
      new LifeboatError(
        'OBJECT_NOT_FOUND',
        `: ${lost.segments} manifest segments of ${lost.studies} studies are gone.`,
      ),
    );
  }

  #tellOnce(error: LifeboatError, tell: (error: LifeboatError) => void): void {
    if (this.#told.has(error.message)) return;
    this.#told.add(error.message);
    tell(error);
  }
}
