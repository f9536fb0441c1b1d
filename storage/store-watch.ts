import { setTimeout as sleep } from 'node:timers/promises';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import { writeFormatDescription } from './format-description.ts';
import { FORMAT_KEY } from './keys.ts';
import type { ObjectStore } from './object-store.ts';

export interface StoreWatchOptions {
  store: ObjectStore;
  /** How often the store is asked while nothing else asks it, ms. Default 5 s. */
  everyMs?: number;
  /** The store answers (null) or does not, after every look. */
  onSeen(error: LifeboatError | null): void;
  /** It is another one than before: emptied and made again, or put back from a copy. What was known of it counts no more. */
  onReplaced(): void;
}

const LATE_MS = 10_000;

/**
 * Watches whether the store answers, and whether it is still the same one. The mark is the time at which `lifeboat.json` was
 * written: a bucket that was removed and made again has another one or none. Whoever has written something asks afterwards
 * with `unchanged`: two writes that met two different buckets are not one commit.
 */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #stop = new AbortController();
  #mark: number | undefined;
  #holding: Promise<void> | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  /** To be called before something is written: from now on `unchanged` compares. Throws STORE_UNAVAILABLE. */
  async hold(): Promise<void> {
    if (this.#mark !== undefined) return;
    this.#holding ??= this.#take().finally(() => {
      this.#holding = undefined;
    });
    await this.#holding;
  }

  /** False when the store is not the one that was held. Throws STORE_UNAVAILABLE. */
  async unchanged(): Promise<boolean> {
    if (this.#mark === undefined) return false;
    const found = await this.#options.store.head(FORMAT_KEY);
    if (found && (found.modifiedMs ?? 0) === this.#mark) return true;
    if (this.#mark !== undefined) {
      this.#mark = undefined;
      this.#options.onReplaced();
    }
    return false;
  }

  async #take(): Promise<void> {
    const { store } = this.#options;
    await writeFormatDescription(store);
    const found = await store.head(FORMAT_KEY);
    if (!found) throw new LifeboatError('STORE_UNAVAILABLE', ': it does not show what was just written to it');
    this.#mark = found.modifiedMs ?? 0;
  }

  async #run(): Promise<void> {
    const { everyMs = 5000 } = this.#options;
    while (!this.#stop.signal.aborted) {
      await this.#look();
      await sleep(everyMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** One that hangs is said to be away long before its retries are through. */
  async #look(): Promise<void> {
    const { onSeen } = this.#options;
    const late = setTimeout(
      () => onSeen(new LifeboatError('STORE_UNAVAILABLE', `: no answer for ${LATE_MS / 1000} s`)),
      LATE_MS,
    );
    const looked = this.#ask().then(
      () => onSeen(null),
      (error: unknown) => onSeen(asLifeboatError(error)),
    );
    const stopped = new Promise((resolve) => this.#stop.signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([looked, stopped]);
    clearTimeout(late);
  }

  async #ask(): Promise<void> {
    await this.hold();
    await this.unchanged();
  }
}
