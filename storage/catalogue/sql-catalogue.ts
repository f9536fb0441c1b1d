import { sql } from 'kysely';
import type { InstanceEntry } from '../format/manifest.ts';
import { applyEntries } from './apply.ts';
import type { Catalogue, CatalogueContent, Query, QueryResult, WorklistQuery, WorklistRow } from './catalogue-types.ts';
import { databaseAway } from './database-error.ts';
import { dumpCatalogue } from './dump.ts';
import type { Flavour } from './flavour.ts';
import { findStudyOf, runQuery } from './query.ts';
import { replaceStudyRows } from './replace-study.ts';
import type { Database, TotalsTable } from './tables.ts';
import { runWorklist } from './worklist.ts';

/** Row of `catalogue_meta` that is there once the whole store was read. */
export const COMPLETE = 'complete';

const KEYS_AT_ONCE = 500;

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

  apply(entries: InstanceEntry[], segments: string[] = []): Promise<void> {
    return guarded(() => applyEntries(this.#parts.writer, this.#parts.flavour, entries, segments));
  }

  segments(prefix: string): Promise<string[]> {
    return guarded(async () => {
      const rows = await this.#parts.reader
        .selectFrom('segment')
        .select('key')
        .where('key', '>=', prefix)
        .where('key', '<', `${prefix}~`)
        .orderBy('key')
        .execute();
      return rows.map(({ key }) => key);
    });
  }

  forgetSegments(keys: string[]): Promise<void> {
    return guarded(async () => {
      for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
        await this.#parts.writer
          .deleteFrom('segment')
          .where('key', 'in', keys.slice(at, at + KEYS_AT_ONCE))
          .execute();
      }
    });
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

  contents(studyInstanceUID: string): Promise<CatalogueContent[]> {
    return guarded(() =>
      this.#parts.reader
        .selectFrom('instance')
        .innerJoin('series', 'series.id', 'instance.series_id')
        .innerJoin('study', 'study.id', 'series.study_id')
        .where('study.uid', '=', studyInstanceUID)
        .select([
          'series.uid as seriesInstanceUID',
          'instance.sop_uid as sopInstanceUID',
          'instance.data_set_sha256 as dataSetSha256',
          'instance.object_key as key',
          'instance.size as size',
          'instance.sha256 as sha256',
        ])
        .execute(),
    );
  }

  studyUIDs(after = ''): Promise<string[]> {
    return guarded(async () => {
      const page = this.#parts.reader.selectFrom('study').select('uid').where('uid', '>', after).orderBy('uid');
      return (await page.limit(500).execute()).map(({ uid }) => uid);
    });
  }

  replaceStudy(studyInstanceUID: string, shown: ReadonlySet<string>, entries: InstanceEntry[]): Promise<boolean> {
    const { writer, flavour } = this.#parts;
    return guarded(() => replaceStudyRows(writer, flavour, studyInstanceUID, shown, entries));
  }

  clear(): Promise<void> {
    const { writer, flavour } = this.#parts;
    return guarded(async () => {
      await writer.transaction().execute(async (trx) => {
        await flavour.lock(trx);
        await flavour.empty(trx, ['segment', 'instance', 'series', 'study_detail', 'study']);
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
    throw databaseAway(error);
  }
}
