import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import type { Catalogue, Query, QueryResult, WorklistQuery, WorklistRow } from './catalogue-types.ts';

/** After a failed attempt nobody waits for another one so soon: callers get the same answer at once. */
const PAUSE_MS = 1000;

/**
 * A catalogue in a database server that may be away at the start: each call tries to open it until it is open, at most
 * once a second. Once open, the connections behind it are renewed by the database's own pool. Every method throws
 * CATALOGUE_UNAVAILABLE while the server does not answer.
 */
export class ReconnectingCatalogue implements Catalogue {
  readonly description: string;
  readonly #open: () => Promise<Catalogue>;
  #inner: Catalogue | undefined;
  #opening: Promise<Catalogue> | undefined;
  #failure: { error: LifeboatError; at: number } | undefined;
  #closed = false;

  /** @param open throws CATALOGUE_UNAVAILABLE while the server does not answer */
  constructor(description: string, open: () => Promise<Catalogue>) {
    this.description = description;
    this.#open = open;
  }

  /** Nothing is known of a catalogue that never answered: true. */
  get needsRebuild(): boolean {
    return this.#inner ? this.#inner.needsRebuild === true : true;
  }

  async rebuilt(): Promise<void> {
    await (await this.#connected()).rebuilt?.();
  }

  async apply(entries: InstanceEntry[]): Promise<void> {
    await (await this.#connected()).apply(entries);
  }

  async query(query: Query): Promise<QueryResult> {
    return (await this.#connected()).query(query);
  }

  async worklist(query: WorklistQuery): Promise<{ rows: WorklistRow[]; more: boolean; count: number }> {
    return (await this.#connected()).worklist(query);
  }

  async studyOf(uid: { seriesInstanceUID?: string; sopInstanceUID?: string }): Promise<string | null> {
    return (await this.#connected()).studyOf(uid);
  }

  async totals(): ReturnType<Catalogue['totals']> {
    return (await this.#connected()).totals();
  }

  async clear(): Promise<void> {
    await (await this.#connected()).clear();
  }

  async *dump(): AsyncGenerator<string> {
    yield* (await this.#connected()).dump();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    await this.#inner?.close();
  }

  async #connected(): Promise<Catalogue> {
    if (this.#inner) return this.#inner;
    if (this.#closed) throw new LifeboatError('CATALOGUE_UNAVAILABLE');
    if (this.#failure && performance.now() - this.#failure.at < PAUSE_MS) throw this.#failure.error;
    this.#opening ??= this.#attempt().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #attempt(): Promise<Catalogue> {
    try {
      this.#inner = await this.#open();
      this.#failure = undefined;
      return this.#inner;
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      this.#failure = { error, at: performance.now() };
      throw error;
    }
  }
}
