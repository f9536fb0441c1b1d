import { fsync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** Each step is run once, in order; `user_version` counts them. Never change a step that was released: add one. */
const STEPS = [
  `
  CREATE TABLE users (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    must_change INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    last_login_at TEXT
  ) STRICT;
  CREATE TABLE sessions (
    id_hash BLOB PRIMARY KEY,
    user TEXT NOT NULL COLLATE NOCASE REFERENCES users(name) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_user ON sessions(user);
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT
  ) STRICT;
  CREATE TABLE lockouts (
    key TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_failure_ms INTEGER NOT NULL,
    locked_until_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE aes (
    title TEXT PRIMARY KEY,
    allowed INTEGER NOT NULL,
    origin TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    last_address TEXT,
    last_seen_at TEXT,
    rejected INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE refusals (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    channel TEXT NOT NULL,
    peer TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    sop_instance_uid TEXT
  ) STRICT;
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    user TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    outcome TEXT NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE INDEX audit_at ON audit(at);
  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
  CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
  `,
  `
  DROP TABLE lockouts;
  CREATE TABLE sign_ins (
    user TEXT NOT NULL COLLATE NOCASE,
    address TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    last_failure_ms INTEGER NOT NULL DEFAULT 0,
    locked_until_ms INTEGER NOT NULL DEFAULT 0,
    succeeded_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user, address)
  ) STRICT;
  CREATE INDEX sign_ins_address ON sign_ins(address);
  `,
  `
  ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
  ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';
  `,
  `
  CREATE TABLE break_glass (id TEXT PRIMARY KEY) STRICT;
  `,
  `
  ALTER TABLE aes ADD COLUMN host TEXT;
  ALTER TABLE aes ADD COLUMN port INTEGER;
  `,
  `
  CREATE TABLE preferences (
    user TEXT PRIMARY KEY COLLATE NOCASE REFERENCES users(name) ON DELETE CASCADE,
    value TEXT NOT NULL
  ) STRICT;
  CREATE TABLE site_preferences (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL) STRICT;
  `,
];

/** How long after a write its bytes are forced to the disk, ms. */
const SYNC_DELAY_MS = 200;

/**
 * LIFEBOAT_DATA/control.sqlite: accounts, sessions, tokens, senders, audit. Write-ahead logging lets the command line change
 * it while the router runs. Commits do not wait for the disk; `changed` forces them there a moment later, off the event
 * loop, so that a power cut costs at most the last fraction of a second of it (never an image: those are not in here).
 */
export class ControlDatabase {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #walFd: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    this.transaction(() => {
      const done = Number(this.get('PRAGMA user_version')?.['user_version']);
      for (const step of STEPS.slice(done)) this.#db.exec(step);
      if (done < STEPS.length) this.#db.exec(`PRAGMA user_version = ${STEPS.length}`);
    });
    this.#walFd = openSync(`${file}-wal`, 'r');
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.#prepare(sql).all(...values);
  }

  /** Runs a statement that writes; returns the number of rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    const changes = Number(this.#prepare(sql).run(...values).changes);
    this.#changed();
    return changes;
  }

  /** All or nothing, also against other processes. */
  transaction<T>(body: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      fsync(this.#walFd, () => {});
    }, SYNC_DELAY_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    if (!this.#db.isOpen) return;
    this.#db.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(PASSIVE);');
    this.#db.close();
  }
}
