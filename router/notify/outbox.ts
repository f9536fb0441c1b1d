import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Something that IT should know of. No names of patients in it: it leaves the house. */
export interface NotifyEvent {
  kind: 'outage-declared' | 'outage-over' | 'needs-person' | 'integrity' | 'reconciled' | 'test';
  /** One line. */
  subject: string;
  /** What is, and what to do. */
  text: string;
}

/** An event on its way by one channel. */
export interface Delivery {
  id: number;
  channel: string;
  /** UTC ISO of the event. */
  at: string;
  event: NotifyEvent;
  attempts: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, channel TEXT NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT ''
  ) STRICT;
`;
const MOST_WAITING = 1_000;

/** LIFEBOAT_DATA/notify.sqlite: what was not delivered yet; survives a restart. */
export class Outbox {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'notify.sqlite'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
  }

  add(channel: string, event: NotifyEvent): void {
    const text = JSON.stringify(event);
    this.#db
      .prepare('INSERT INTO outbox (channel, at, event) VALUES (?, ?, ?)')
      .run(channel, new Date().toISOString(), text);
    // Whoever is not reached for that long is told of the newest.
    this.#db
      .prepare('DELETE FROM outbox WHERE channel = ? AND id <= (SELECT max(id) FROM outbox) - ?')
      .run(channel, MOST_WAITING);
  }

  /** The oldest whose time has come. */
  due(channel: string, now: number): Delivery | undefined {
    const row = this.#db
      .prepare(
        'SELECT id, channel, at, event, attempts FROM outbox WHERE channel = ? AND due_ms <= ? ORDER BY id LIMIT 1',
      )
      .get(channel, now);
    if (!row) return undefined;
    return {
      id: Number(row['id']),
      channel: String(row['channel']),
      at: String(row['at']),
      event: JSON.parse(String(row['event'])) as NotifyEvent,
      attempts: Number(row['attempts']),
    };
  }

  done(id: number): void {
    this.#db.prepare('DELETE FROM outbox WHERE id = ?').run(id);
  }

  later(id: number, dueMs: number, message: string): void {
    this.#db
      .prepare('UPDATE outbox SET attempts = attempts + 1, due_ms = ?, message = ? WHERE id = ?')
      .run(Math.round(dueMs), message, id);
  }

  /** What waits, and why the last attempt failed. */
  waiting(): { count: number; message: string } {
    const row = this.#db.prepare('SELECT count(*) AS n, max(message) AS message FROM outbox').get()!;
    return { count: Number(row['n']), message: String(row['message'] ?? '') };
  }

  close(): void {
    this.#db.close();
  }
}
