import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { SqliteThread } from './sqlite-thread.ts';

class ThreadConnection implements DatabaseConnection {
  readonly thread: SqliteThread;
  constructor(thread: SqliteThread) {
    this.thread = thread;
  }
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.thread.run(query.sql, query.parameters);
    return { rows: rows as R[], numAffectedRows: BigInt(changes) };
  }
  // biome-ignore lint/correctness/useYield: kysely asks for the method; nothing in the catalogue streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the catalogue pages by key instead of streaming');
  }
}

/** kysely over SQLite threads: `exclusive` (the writer) gives its one connection to one user at a time. */
class ThreadDriver implements Driver {
  readonly #connections: ThreadConnection[];
  readonly #exclusive: boolean;
  #queue: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;

  constructor(threads: SqliteThread[], exclusive: boolean) {
    this.#connections = threads.map((thread) => new ThreadConnection(thread));
    this.#exclusive = exclusive;
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    if (!this.#exclusive) {
      return this.#connections.reduce((best, each) => (each.thread.pending < best.thread.pending ? each : best));
    }
    const before = this.#queue;
    let release = () => {};
    this.#queue = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    return this.#connections[0]!;
  }
  async releaseConnection(): Promise<void> {
    if (this.#exclusive) this.#release?.();
  }
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }
  async destroy(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.thread.close()));
  }
}

/** kysely dialect for `node:sqlite` in worker threads. */
export function threadDialect(threads: SqliteThread[], exclusive: boolean): Dialect {
  return {
    createDriver: () => new ThreadDriver(threads, exclusive),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}
