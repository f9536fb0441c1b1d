/**
 * Thread that owns one SQLite connection and runs the statements it is sent, one after another. Keeps the router's event
 * loop free while a query or a commit runs.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest, WorkerSettings } from './worker-messages.ts';

const settings = workerData as WorkerSettings;
const port = parentPort!;
const MAX_STATEMENTS = 200;

function open(): DatabaseSync {
  const database = new DatabaseSync(settings.file, { readOnly: settings.readOnly });
  database.exec('PRAGMA busy_timeout = 30000; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;');
  if (!settings.readOnly) {
    // NORMAL loses at most the last transactions at a power cut, never consistency; the store and the spool bring them back.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;');
  }
  return database;
}

const statements = new Map<string, StatementSync>();
let database: DatabaseSync | undefined;

function prepare(sql: string): StatementSync {
  const known = statements.get(sql);
  if (known) return known;
  database ??= open();
  const statement = database.prepare(sql);
  if (statements.size >= MAX_STATEMENTS) {
    const [oldest] = statements.keys();
    statements.delete(oldest!);
  }
  statements.set(sql, statement);
  return statement;
}

/** Numbers would be bound as REAL; integers must stay INTEGER to be usable as row ids and limits. */
function bind(value: unknown): SQLInputValue {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (value === null || value === undefined) return null;
  return value as SQLInputValue;
}

function answer(request: WorkerRequest): WorkerReply {
  try {
    if (request.script) {
      database ??= open();
      database.exec(request.sql);
      return { id: request.id, rows: [], changes: 0 };
    }
    const statement = prepare(request.sql);
    const parameters = request.parameters.map(bind);
    if (statement.columns().length > 0) return { id: request.id, rows: statement.all(...parameters), changes: 0 };
    return { id: request.id, rows: [], changes: Number(statement.run(...parameters).changes) };
  } catch (error) {
    const { message, errcode } = error as Error & { errcode?: number };
    return { id: request.id, error: message, errcode };
  }
}

port.on('message', (request: WorkerRequest | 'close') => {
  if (request === 'close') {
    statements.clear();
    database?.close();
    port.close();
    return;
  }
  port.postMessage(answer(request));
});
