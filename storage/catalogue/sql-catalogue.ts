import { sql } from 'kysely';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import { applyEntries } from './apply.ts';
import type { Catalogue, Query, QueryResult, WorklistQuery, WorklistRow } from './catalogue-types.ts';
import { dumpCatalogue } from './dump.ts';
import type { Flavour } from './flavour.ts';
import { findStudyOf, runQuery } from './query.ts';
import type { Database, TotalsTable } from './tables.ts';
import { runWorklist } from './worklist.ts';

/** Row of `catalogue_meta` that is there once the whole store was read. */
export const COMPLETE = 'complete';

export interface SqlCatalogueParts {
  description: string;
  flavour: Flavour;
  /** Reads do not wait for writes: another connection where the database is a file. */
  reader: Database;
  writer: Database;
  needsRebuild: boolean;
}

/** The catalogue over SQL; what differs between databases is in its flavour. */
export class SqlCatalogue implements Catalogue {
  readonly description: string;
  readonly #parts: SqlCatalogueParts;
  #needsRebuild: boolean;

  constructor(parts: SqlCatalogueParts) {
    this.#parts = parts;
    this.description = parts.description;
    this.#needsRebuild = parts.needsRebuild;
  }

  get needsRebuild(): boolean {
    return this.#needsRebuild;
  }

  apply(entries: InstanceEntry[]): Promise<void> {
    return guarded(() => applyEntries(this.#parts.writer, this.#parts.flavour, entries));
  }

  query(query: Query): Promise<QueryResult> {
    return guarded(() => runQuery(this.#parts.reader, this.#parts.flavour, query));
  }

  worklist(query: WorklistQuery): Promise<{ rows: WorklistRow[]; more: boolean; count: number }> {
    return guarded(() => runWorklist(this.#parts.reader, this.#parts.flavour, query));
  }

  studyOf(uid: { seriesInstanceUID?: string; sopInstanceUID?: string }): Promise<string | null> {
    return guarded(() => findStudyOf(this.#parts.reader, uid));
  }

  totals(): Promise<Omit<TotalsTable, 'singleton'>> {
    return guarded(() =>
      this.#parts.reader
        .selectFrom('totals')
        .select(['studies', 'series', 'instances', 'bytes', 'conflicts'])
        .executeTakeFirstOrThrow(),
    );
  }

  clear(): Promise<void> {
    const { writer, flavour } = this.#parts;
    return guarded(async () => {
      await writer.transaction().execute(async (trx) => {
        await flavour.lock(trx);
        for (const table of ['instance', 'series', 'study_detail', 'study'] as const) {
          await trx.deleteFrom(table).execute();
        }
        await flavour.clearPostings(trx);
        await trx.deleteFrom('catalogue_meta').where('name', '=', COMPLETE).execute();
        await sql`update totals set studies = 0, series = 0, instances = 0, bytes = 0, conflicts = 0`.execute(trx);
      });
      this.#needsRebuild = true;
    });
  }

  rebuilt(): Promise<void> {
    return guarded(async () => {
      await this.#parts.writer
        .insertInto('catalogue_meta')
        .values({ name: COMPLETE, value: new Date().toISOString() })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(({ ref }) => ({ value: ref('excluded.value') })))
        .execute();
      this.#needsRebuild = false;
    });
  }

  async *dump(): AsyncGenerator<string> {
    yield* dumpCatalogue(this.#parts.reader);
  }

  async close(): Promise<void> {
    const { reader, writer } = this.#parts;
    await reader.destroy();
    if (writer !== reader) await writer.destroy();
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    throw new LifeboatError('CATALOGUE_UNAVAILABLE', undefined, { cause: error });
  }
}
