import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Catalogue } from './catalogue-types.ts';
import { databaseAway } from './database-error.ts';
import { postgresFlavour, sqliteFlavour } from './flavour.ts';
import { openPool } from './postgres-pool.ts';
import { ReconnectingCatalogue } from './reconnecting.ts';
import {
  DROP_TABLES,
  POSTGRES_INDEXES,
  POSTGRES_TABLES,
  SCHEMA_VERSION,
  SQLITE_INDEXES,
  SQLITE_TABLES,
} from './schema.ts';
import { COMPLETE, SqlCatalogue } from './sql-catalogue.ts';
import type { CatalogueTables, Database } from './tables.ts';
import { SqliteError, SqliteThread } from './worker/sqlite-thread.ts';
import { threadDialect } from './worker/thread-dialect.ts';

export type CatalogueConfig = { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };

/** Reads run beside each other on so many SQLite threads: one slow search does not hold up the next keystroke. */
const READERS = 2;

/**
 * Opens the catalogue, making or renewing its tables. A catalogue of another version, or a damaged SQLite file, starts
 * empty with `needsRebuild`: everything in it comes from the store. Throws CATALOGUE_UNAVAILABLE.
 */
export async function openCatalogue(config: CatalogueConfig): Promise<Catalogue> {
  return config.kind === 'sqlite' ? openSqlite(config.file) : openPostgres(config.url);
}

/**
 * As `openCatalogue`, for a router that must receive whether or not the database server answers: with PostgreSQL it returns
 * at once and connects when it can.
 */
export async function openCatalogueWhenever(config: CatalogueConfig): Promise<Catalogue> {
  if (config.kind === 'sqlite') return openSqlite(config.file);
  return new ReconnectingCatalogue(postgresDescription(config.url), () => openPostgres(config.url));
}

async function openSqlite(file: string): Promise<Catalogue> {
  await mkdir(dirname(file), { recursive: true });
  let writerThread = new SqliteThread({ file, readOnly: false });
  let complete: boolean;
  try {
    complete = await prepareSqlite(writerThread);
  } catch (error) {
    await writerThread.close();
    if (!isDamaged(error)) throw databaseAway(error);
    await setAside(file);
    writerThread = new SqliteThread({ file, readOnly: false });
    complete = await prepareSqlite(writerThread);
  }
  const readers = Array.from({ length: READERS }, () => new SqliteThread({ file, readOnly: true }));
  return new SqlCatalogue({
    description: `SQLite ${file}`,
    flavour: sqliteFlavour,
    writer: new Kysely<CatalogueTables>({ dialect: threadDialect([writerThread], true) }),
    reader: new Kysely<CatalogueTables>({ dialect: threadDialect(readers, false) }),
    needsRebuild: !complete,
  });
}

/** Makes the tables where there are none of this version. @returns whether the catalogue has all of the store */
async function prepareSqlite(thread: SqliteThread): Promise<boolean> {
  const { rows } = await thread.run("select name from sqlite_master where type = 'table' and name = 'catalogue_meta'");
  if (rows.length > 0) {
    const { rows: meta } = await thread.run('select name, value from catalogue_meta');
    const values = new Map((meta as { name: string; value: string }[]).map(({ name, value }) => [name, value]));
    if (values.get('version') === SCHEMA_VERSION) return values.has(COMPLETE);
  }
  const statements = [
    'begin immediate',
    ...DROP_TABLES,
    ...SQLITE_TABLES,
    ...SQLITE_INDEXES,
    `insert into catalogue_meta values ('version', '${SCHEMA_VERSION}')`,
    'commit',
  ];
  await thread.run(statements.join(';\n'), [], true);
  return false;
}

/** SQLITE_CORRUPT or SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  return error instanceof SqliteError && [11, 26].includes((error.errcode ?? 0) & 0xff);
}

async function setAside(file: string): Promise<void> {
  const suffix = `.damaged-${new Date().toISOString().replaceAll(':', '')}`;
  for (const end of ['', '-wal', '-shm']) {
    await rename(`${file}${end}`, `${file}${suffix}${end}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

/** Reads are somebody's wait; writes are batches, and one may wait for another router's. */
const READ_MS = 10_000;
const WRITE_MS = 30_000;

async function openPostgres(url: string): Promise<Catalogue> {
  const connect = (max: number, statementMs: number): Database =>
    new Kysely<CatalogueTables>({ dialect: new PostgresDialect({ pool: openPool({ url, max, statementMs }) }) });
  const writer = connect(2, WRITE_MS);
  const reader = connect(6, READ_MS);
  try {
    const complete = await preparePostgres(writer);
    return new SqlCatalogue({
      description: postgresDescription(url),
      flavour: postgresFlavour,
      writer,
      reader,
      needsRebuild: !complete,
    });
  } catch (error) {
    await Promise.all([writer.destroy(), reader.destroy()]);
    throw databaseAway(error);
  }
}

/** Like `prepareSqlite`. */
async function preparePostgres(database: Database): Promise<boolean> {
  return database.transaction().execute(async (trx) => {
    await postgresFlavour.lock(trx);
    const found = await sql<{ found: string | null }>`select to_regclass('catalogue_meta')::text as found`.execute(trx);
    if (found.rows[0]?.found != null) {
      const meta = await trx.selectFrom('catalogue_meta').select(['name', 'value']).execute();
      const values = new Map(meta.map(({ name, value }) => [name, value]));
      if (values.get('version') === SCHEMA_VERSION) return values.has(COMPLETE);
    }
    for (const statement of [...DROP_TABLES, ...POSTGRES_TABLES, ...POSTGRES_INDEXES]) {
      await sql.raw(statement).execute(trx);
    }
    await trx.insertInto('catalogue_meta').values({ name: 'version', value: SCHEMA_VERSION }).execute();
    return false;
  });
}

function postgresDescription(url: string): string {
  return `PostgreSQL ${withoutPassword(url)}`;
}

function withoutPassword(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  } catch {
    return '';
  }
}
