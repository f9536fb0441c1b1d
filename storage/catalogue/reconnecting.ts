import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import type { Catalogue, CatalogueContent, Query, QueryResult, WorklistQuery, WorklistRow } from './catalogue-types.ts';
import { tablesAreGone } from './database-error.ts';

/** After a failed attempt nobody waits for another one so soon: callers get the same answer at once. */
const PAUSE_MS = 1000;

/**
 * A catalogue in a database server that may be away at the start: each call tries to open it until it is open, at most
 * once a second. Once open, the connections behind it are renewed by the database's own pool; when its tables are gone it is
 * opened anew, empty and with `needsRebuild`. Every method throws CATALOGUE_UNAVAILABLE while the server does not answer.
 */
export class ReconnectingCatalogue implements Catalogue {
  readonly description: string;
  readonly #open: () => Promise<Catalogue>;
  #inner: Catalogue | undefined;
  #opening: Promise<Catalogue> | undefined;
  #failure: { error: LifeboatError; at: number } | undefined;
  #leaving: Promise<void> = Promise.resolve();
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

  rebuilt(): Promise<void> {
    return this.#ask(async (catalogue) => catalogue.rebuilt?.());
  }

  apply(entries: InstanceEntry[], segments?: string[]): Promise<void> {
    return this.#ask((catalogue) => catalogue.apply(entries, segments));
  }

  segments(prefix: string): Promise<string[]> {
    return this.#ask((catalogue) => catalogue.segments(prefix));
  }

  forgetSegments(keys: string[]): Promise<void> {
    return this.#ask((catalogue) => catalogue.forgetSegments(keys));
  }

  query(query: Query): Promise<QueryResult> {
    return this.#ask((catalogue) => catalogue.query(query));
  }

  worklist(query: WorklistQuery): Promise<{ rows: WorklistRow[]; more: boolean; count: number }> {
    return this.#ask((catalogue) => catalogue.worklist(query));
  }

  studyOf(uid: { seriesInstanceUID?: string; sopInstanceUID?: string }): Promise<string | null> {
    return this.#ask((catalogue) => catalogue.studyOf(uid));
  }

  totals(): ReturnType<Catalogue['totals']> {
    return this.#ask((catalogue) => catalogue.totals());
  }

  contents(studyInstanceUID: string): Promise<CatalogueContent[]> {
    return this.#ask((catalogue) => catalogue.contents(studyInstanceUID));
  }

  studyUIDs(after?: string): Promise<string[]> {
    return this.#ask((catalogue) => catalogue.studyUIDs(after));
  }

  replaceStudy(studyInstanceUID: string, shown: ReadonlySet<string>, entries: InstanceEntry[]): Promise<boolean> {
    return this.#ask((catalogue) => catalogue.replaceStudy(studyInstanceUID, shown, entries));
  }

  clear(): Promise<void> {
    return this.#ask((catalogue) => catalogue.clear());
  }

  async *dump(): AsyncGenerator<string> {
    yield* (await this.#connected()).dump();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    await this.#inner?.close();
    await this.#leaving;
  }

  async #ask<T>(work: (catalogue: Catalogue) => Promise<T>): Promise<T> {
    const catalogue = await this.#connected();
    try {
      return await work(catalogue);
    } catch (error) {
      if (tablesAreGone(error)) this.#giveUp(catalogue);
      throw error;
    }
  }

  /** The database was dropped or made anew: the next call opens it again, which makes its tables. */
  #giveUp(catalogue: Catalogue): void {
    if (this.#inner !== catalogue) return;
    this.#inner = undefined;
    this.#leaving = Promise.all([this.#leaving, catalogue.close().catch(() => undefined)]).then(() => undefined);
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
