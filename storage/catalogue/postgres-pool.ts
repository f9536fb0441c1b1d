import type { Socket } from 'node:net';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';

const INT8 = 20;
const CONNECT_MS = 10_000;
/** A transaction of a router that lost its power holds the writers' lock no longer than this, on the server's side. */
const IDLE_IN_TRANSACTION_MS = 30_000;

export interface PoolOptions {
  url: string;
  max: number;
  /** A statement without an answer for so long counts as lost, and its connection with it, ms. */
  statementMs: number;
}

/**
 * PostgreSQL connections that always answer in time: a server that takes requests and answers nothing (stopped, cut off by
 * a firewall, behind a dead proxy) is an error after `statementMs`, and the connection is given up.
 */
export function openPool({ url, max, statementMs }: PoolOptions): PostgresPool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    // A server process that has read the catalogue before answers several times faster than a new one.
    idleTimeoutMillis: 600_000,
    // Our statements take milliseconds: starting workers or a compiler takes longer than they save.
    options: '-c max_parallel_workers_per_gather=0 -c jit=off',
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection that breaks while idle is replaced by the pool; the next statement reports what lasts.
  pool.on('error', () => {});
  const open = new Set<pg.PoolClient>();
  pool.on('connect', (client) => open.add(client));
  pool.on('remove', (client) => open.delete(client));
  return {
    connect: async () => timely(await pool.connect(), statementMs),
    end: () => ended(pool, open),
  };
}

/** The server's own limit comes first where it lives; ours is for one that does not. */
const GRACE_MS = 1000;

function timely(client: pg.PoolClient, statementMs: number): PostgresPoolClient {
  let broken: Error | undefined;
  let released = false;
  const release = (error?: Error) => {
    if (released) return;
    released = true;
    client.removeListener('error', onError);
    client.release(error);
  };
  // Without a listener a connection that breaks between two statements of a transaction would end the process.
  const onError = (error: Error) => {
    broken ??= error;
  };
  client.on('error', onError);
  const query = async (sql: string, parameters: readonly unknown[]) => {
    if (broken) throw broken;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        broken = Object.assign(new Error(`no answer for ${statementMs / 1000} s`), { code: 'ETIMEDOUT' });
        release(broken);
        reject(broken);
      }, statementMs + GRACE_MS);
    });
    try {
      return await Promise.race([client.query(sql, [...parameters]), late]);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => release(broken ?? (destroy ? new Error('given up') : undefined)),
  };
}

const GOODBYE_MS = 2000;

/** A server that does not answer does not take leave either: its connections keep no process from ending. */
async function ended(pool: pg.Pool, open: Set<pg.PoolClient>): Promise<void> {
  await pool.end();
  for (const client of open) {
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    stream.unref();
    setTimeout(() => stream.destroy(), GOODBYE_MS).unref();
  }
}
