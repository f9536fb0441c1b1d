import { join } from 'node:path';
import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import type { SealState } from '../contract/integrity.ts';
import { MANIFESTS } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { pause } from './scrub-rate.ts';
import { sealArchive } from './seal.ts';
import { loadSealKey, type SealKey } from './seal-key.ts';
import { type LedgerHead, SealLedger } from './seal-ledger.ts';
import type { StoreConfig } from './stores/open-store.ts';
import { openReader } from './verify-threads.ts';

export const LEDGER_FILE = 'seal-ledger.sqlite';

export interface DailySealOptions {
  store: ObjectStore;
  /** Where given, segments are read in a thread of their own. */
  storeConfig?: StoreConfig;
  dataDir: string;
  /** A sentence while something stands against sealing. */
  busy(): string | undefined;
  onProblem(error: LifeboatError): void;
  /** How often to look whether a new day (UTC) has begun, ms. Default 60,000. */
  everyMs?: number;
}

/**
 * Seals once a day (UTC), the first time when the router has run for a minute; a day on which it did not run has no seal, and
 * the next one covers it. A failed attempt is repeated. The key is made where there is none.
 */
export class DailySeal {
  readonly #options: DailySealOptions;
  #key: SealKey | null = null;
  readonly #end = new AbortController();
  #newest: SealState['newest'] = null;
  #failure: SealState['failure'];
  #working: Promise<void> = Promise.resolve();
  #turn: Promise<unknown> = Promise.resolve();

  /** A key or ledger that cannot be used is told by `status` and tried again: receiving goes on without seals. */
  constructor(options: DailySealOptions) {
    this.#options = options;
    try {
      this.#key = loadSealKey(options.dataDir);
      const ledger = this.#ledger();
      this.#newest = headOf(ledger);
      ledger.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  start(): void {
    this.#working = this.#run();
  }

  status(): SealState {
    return {
      keyId: this.#key?.keyId ?? '',
      newest: this.#newest,
      ...(this.#failure ? { failure: this.#failure } : {}),
    };
  }

  /** @throws STORE_UNAVAILABLE, CONFLICT */
  sealNow(): Promise<SealState> {
    const mine = this.#turn.then(() => this.#seal());
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#working;
    await this.#turn;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await pause(this.#options.everyMs ?? 60_000, signal);
      if (this.#newest === null && (await this.#isEmpty())) continue;
      const today = new Date().toISOString().slice(0, 10);
      if (signal.aborted || this.#newest?.day === today || this.#options.busy()) continue;
      // why it failed is told by the status
      await this.sealNow().catch(() => undefined);
    }
  }

  async #seal(): Promise<SealState> {
    const { store, onProblem } = this.#options;
    const reader = openReader(store, { threads: 1, config: this.#options.storeConfig });
    let ledger: SealLedger | undefined;
    try {
      this.#key ??= loadSealKey(this.#options.dataDir);
      ledger = this.#ledger();
      await sealArchive({ store, reader, ledger, key: this.#key, signal: this.#end.signal, onProblem });
      this.#newest = headOf(ledger);
      this.#failure = undefined;
      return this.status();
    } catch (thrown) {
      this.#failed(thrown);
      throw thrown;
    } finally {
      await reader.close();
      ledger?.close();
    }
  }

  #failed(thrown: unknown): void {
    const error = asLifeboatError(thrown);
    this.#failure = { at: new Date().toISOString(), message: error.message };
    this.#options.onProblem(error);
  }

  /** Nothing was ever committed: there is nothing to seal yet. */
  async #isEmpty(): Promise<boolean> {
    try {
      for await (const _ of this.#options.store.list(MANIFESTS)) return false;
      return true;
    } catch {
      // sealing itself says what is the matter
      return false;
    }
  }

  #ledger(): SealLedger {
    return new SealLedger(join(this.#options.dataDir, LEDGER_FILE));
  }
}

function headOf(ledger: SealLedger): SealState['newest'] {
  const head: LedgerHead | null = ledger.head();
  if (!head) return null;
  const { sequence, sha256, createdAt } = head;
  return { sequence, sha256, createdAt, day: createdAt.slice(0, 10), treeSize: ledger.tree.size };
}
