import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { LifeboatError } from '../../contract/errors.ts';
import type { Catalogue } from './catalogue-types.ts';
import { postgresFlavour, sqliteFlavour } from './flavour.ts';
import { DROP_TABLES, INDEXES, POSTGRES_INDEXES, POSTGRES_TABLES, SCHEMA_VERSION, SQLITE_TABLES } from './schema.ts';
import { SqlCatalogue } from './sql-catalogue.ts';
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

async function openSqlite(file: string): Promise<Catalogue> {
  await mkdir(dirname(file), { recursive: true });
  let writerThread = new SqliteThread({ file, readOnly: false });
  let state: 'ready' | 'new' | 'renewed';
  try {
    state = await prepareSqlite(writerThread);
  } catch (error) {
    await writerThread.close();
    if (!isDamaged(error)) throw new LifeboatError('CATALOGUE_UNAVAILABLE', undefined, { cause: error });
    await setAside(file);
    writerThread = new SqliteThread({ file, readOnly: false });
    await prepareSqlite(writerThread);
    state = 'renewed';
  }
  const readers = Array.from({ length: READERS }, () => new SqliteThread({ file, readOnly: true }));
  return new SqlCatalogue({
    description: `SQLite ${file}`,
    flavour: sqliteFlavour,
    writer: new Kysely<CatalogueTables>({ dialect: threadDialect([writerThread], true) }),
    reader: new Kysely<CatalogueTables>({ dialect: threadDialect(readers, false) }),
    needsRebuild: state === 'renewed',
  });
}

async function prepareSqlite(thread: SqliteThread): Promise<'ready' | 'new' | 'renewed'> {
  const { rows } = await thread.run("select name from sqlite_master where type = 'table' and name = 'catalogue_meta'");
  if (rows.length > 0) {
    const version = await thread.run("select value from catalogue_meta where name = 'version'");
    if ((version.rows[0] as { value: string } | undefined)?.value === SCHEMA_VERSION) return 'ready';
  }
  const statements = [
    'begin immediate',
    ...DROP_TABLES,
    ...SQLITE_TABLES,
    ...INDEXES,
    `insert into catalogue_meta values ('version', '${SCHEMA_VERSION}')`,
    'commit',
  ];
  await thread.run(statements.join(';\n'), [], true);
  return rows.length > 0 ? 'renewed' : 'new';
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

const INT8 = 20;

async function openPostgres(url: string): Promise<Catalogue> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    connectionTimeoutMillis: 10_000,
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection that breaks while idle is replaced by the pool; the next statement reports what lasts.
  pool.on('error', () => {});
  const database: Database = new Kysely<CatalogueTables>({ dialect: new PostgresDialect({ pool }) });
  try {
    const needsRebuild = await preparePostgres(database);
    return new SqlCatalogue({
      description: `PostgreSQL ${withoutPassword(url)}`,
      flavour: postgresFlavour,
      writer: database,
      reader: database,
      needsRebuild,
    });
  } catch (error) {
    await database.destroy();
    throw new LifeboatError('CATALOGUE_UNAVAILABLE', undefined, { cause: error });
  }
}

async function preparePostgres(database: Database): Promise<boolean> {
  return database.transaction().execute(async (trx) => {
    await postgresFlavour.lock(trx);
    const found = await sql<{ found: string | null }>`select to_regclass('catalogue_meta')::text as found`.execute(trx);
    const exists = found.rows[0]?.found != null;
    if (exists) {
      const version = await trx.selectFrom('catalogue_meta').select('value').where('name', '=', 'version').execute();
      if (version[0]?.value === SCHEMA_VERSION) return false;
    }
    for (const statement of [...DROP_TABLES, ...POSTGRES_TABLES, ...POSTGRES_INDEXES]) {
      await sql.raw(statement).execute(trx);
    }
    await trx.insertInto('catalogue_meta').values({ name: 'version', value: SCHEMA_VERSION }).execute();
    return exists;
  });
}

function withoutPassword(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  } catch {
    return '';
  }
}
