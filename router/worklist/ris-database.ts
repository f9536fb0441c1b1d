import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS worklist (
    id INTEGER PRIMARY KEY, ris_key TEXT UNIQUE, origin TEXT NOT NULL, item TEXT NOT NULL, edits TEXT,
    edited_by TEXT, edited_at TEXT, starts TEXT NOT NULL, seen_at TEXT NOT NULL, gone_at TEXT,
    hidden INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS worklist_starts ON worklist(starts);
  CREATE TABLE IF NOT EXISTS worklist_performed (
    worklist_id INTEGER PRIMARY KEY, status TEXT NOT NULL, at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS ris_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS unscheduled (
    id INTEGER PRIMARY KEY, worklist_id INTEGER NOT NULL, patient_id TEXT NOT NULL UNIQUE,
    accession_number TEXT NOT NULL UNIQUE, study_instance_uid TEXT NOT NULL UNIQUE, note TEXT NOT NULL,
    made_by TEXT NOT NULL, made_at TEXT NOT NULL, resolved_at TEXT, resolved_by TEXT, resolved_to TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS performed_steps (
    sop_instance_uid TEXT PRIMARY KEY, status TEXT NOT NULL, data_set TEXT NOT NULL, calling_ae TEXT NOT NULL,
    address TEXT NOT NULL, created_at TEXT NOT NULL, changed_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS performed_studies (
    study_instance_uid TEXT NOT NULL, sop_instance_uid TEXT NOT NULL,
    PRIMARY KEY (study_instance_uid, sop_instance_uid)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS performed_messages (
    id INTEGER PRIMARY KEY, sop_instance_uid TEXT NOT NULL, operation TEXT NOT NULL, data_set TEXT NOT NULL,
    received_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS performed_owed (
    destination TEXT NOT NULL, message INTEGER NOT NULL, sop_instance_uid TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0, words TEXT NOT NULL DEFAULT '',
    settled_at TEXT, PRIMARY KEY (destination, message)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS performed_waiting ON performed_owed(destination, message) WHERE state = 'waiting';
`;

export type Row = Record<string, unknown>;

/**
 * LIFEBOAT_DATA/ris.sqlite: what the RIS last said, what was changed by hand, and what scanners reported of their work. Each
 * write is synced before it returns: what was answered to a scanner survives a crash.
 */
export class RisDatabase {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'ris.sqlite'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; id: number } {
    const { changes, lastInsertRowid } = this.#db.prepare(sql).run(...values);
    return { changes: Number(changes), id: Number(lastInsertRowid) };
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.all(sql, ...values)[0];
  }

  /** All or nothing. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  fact(name: string): string | undefined {
    const value = this.get('SELECT value FROM ris_facts WHERE name = ?', name)?.['value'];
    return value === undefined ? undefined : String(value);
  }

  setFact(name: string, value: string): void {
    this.run('INSERT OR REPLACE INTO ris_facts VALUES (?, ?)', name, value);
  }

  close(): void {
    this.#db.close();
  }
}
