import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GroupSync } from '../../storage/group-sync.ts';
import type { ForwardedInstance, ForwardJob, ForwardState } from './forward-types.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS forwards (
    id INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    data_set_sha256 TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL,
    instance TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL,
    settled_at TEXT,
    status INTEGER,
    message TEXT NOT NULL DEFAULT '',
    UNIQUE (destination, sop_instance_uid, data_set_sha256)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS forwards_state ON forwards(destination, state, due_ms);
  CREATE TABLE IF NOT EXISTS paused (destination TEXT PRIMARY KEY) STRICT;
  CREATE INDEX IF NOT EXISTS forwards_study ON forwards(study_instance_uid);
`;

export interface ForwardCounts {
  waiting: number;
  /** Of these: tried in vain at least once. */
  retrying: number;
  person: number;
  sent: number;
  skipped: number;
  /** UTC ISO of the oldest instance that waits. */
  oldest: string | null;
}

export interface ForwardProblem {
  id: number;
  instance: ForwardedInstance;
  state: ForwardState;
  attempts: number;
  status: number | null;
  message: string;
}

/**
 * LIFEBOAT_DATA/forward.sqlite: what is owed to whom, and what the peer said. One row for each destination and content,
 * however often that content was received. Losing an answer costs one more attempt, which the peer recognises; a row is never
 * lost once `add` has resolved.
 */
export class ForwardQueue {
  readonly #db: DatabaseSync;
  readonly #walFd: number;
  readonly #wal: GroupSync;
  readonly #insert: StatementSync;
  readonly #settle: StatementSync;
  readonly #due: StatementSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(file, { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
    this.#walFd = openSync(`${file}-wal`, 'r');
    this.#wal = new GroupSync(this.#walFd, fdatasync);
    // What a person has to decide on is tried again when the modality sends it again.
    this.#insert = this.#db.prepare(`
      INSERT INTO forwards (destination, sop_instance_uid, data_set_sha256, study_instance_uid, instance, state, received_at)
      VALUES (?, ?, ?, ?, ?, 'waiting', ?)
      ON CONFLICT DO UPDATE SET state = 'waiting', attempts = 0, due_ms = 0 WHERE state = 'person'`);
    this.#settle = this.#db.prepare(`
      UPDATE forwards SET state = ?, attempts = ?, due_ms = ?, status = ?, message = ?, settled_at = ? WHERE id = ?`);
    this.#due = this.#db.prepare(`
      SELECT id, instance, attempts FROM forwards
      WHERE destination = ? AND state = 'waiting' AND due_ms <= ? ORDER BY due_ms, id LIMIT ?`);
  }

  /** Resolves when the rows are on stable storage. */
  async add(destinations: readonly string[], instances: readonly ForwardedInstance[]): Promise<void> {
    this.#transaction(() => {
      for (const instance of instances) {
        const { sopInstanceUID, dataSetSha256, studyInstanceUID, receivedAt } = instance;
        const text = JSON.stringify(instance);
        for (const destination of destinations) {
          this.#insert.run(destination, sopInstanceUID, dataSetSha256, studyInstanceUID, text, receivedAt);
        }
      }
    });
    await this.#wal.sync();
  }

  /** Instances whose time has come, in the order they were received, without those in `taken`. */
  due(destination: string, now: number, limit: number, taken: ReadonlySet<number>): ForwardJob[] {
    const rows = this.#due.all(destination, now, limit + taken.size) as {
      id: number;
      instance: string;
      attempts: number;
    }[];
    return rows
      .filter(({ id }) => !taken.has(id))
      .slice(0, limit)
      .map(({ id, instance, attempts }) => ({ id, attempts, instance: JSON.parse(instance) as ForwardedInstance }));
  }

  /** When the next instance's time comes, ms since the epoch; null: none waits. */
  nextDue(destination: string): number | null {
    const row = this.#db
      .prepare(`SELECT min(due_ms) AS due FROM forwards WHERE destination = ? AND state = 'waiting'`)
      .get(destination) as { due: number | null };
    return row.due;
  }

  /** @param status the peer's, where it answered */
  settle(
    job: ForwardJob,
    state: ForwardState,
    answer: { attempts: number; dueMs: number; status?: number; message: string },
  ): void {
    const at = state === 'waiting' ? null : new Date().toISOString();
    this.#settle.run(
      state,
      answer.attempts,
      Math.round(answer.dueMs),
      answer.status ?? null,
      answer.message,
      at,
      job.id,
    );
  }

  /** Asked for with every status: looks at what waits alone, not at all that was ever sent. */
  waiting(destination: string): number {
    const row = this.#db
      .prepare(`SELECT count(*) AS n FROM forwards WHERE destination = ? AND state = 'waiting'`)
      .get(destination) as { n: number };
    return row.n;
  }

  counts(destination: string): ForwardCounts {
    const counts: ForwardCounts = { waiting: 0, retrying: 0, person: 0, sent: 0, skipped: 0, oldest: null };
    const rows = this.#db
      .prepare(`SELECT state, count(*) AS n, sum(attempts > 0) AS tried, min(received_at) AS oldest
        FROM forwards WHERE destination = ? GROUP BY state`)
      .all(destination) as { state: ForwardState; n: number; tried: number; oldest: string }[];
    for (const { state, n, tried, oldest } of rows) {
      counts[state] = n;
      if (state !== 'waiting') continue;
      counts.retrying = tried;
      counts.oldest = oldest;
    }
    return counts;
  }

  /** What a person has to decide on, and what was tried in vain so far; newest first. */
  problems(destination: string, limit: number): ForwardProblem[] {
    const rows = this.#db
      .prepare(`SELECT id, instance, state, attempts, status, message FROM forwards
        WHERE destination = ? AND (state = 'person' OR (state = 'waiting' AND attempts > 0))
        ORDER BY state, id DESC LIMIT ?`)
      .all(destination, limit) as (Omit<ForwardProblem, 'instance'> & { instance: string })[];
    return rows.map((row) => ({ ...row, instance: JSON.parse(row.instance) as ForwardedInstance }));
  }

  /** Of one study: instances owed and instances that the destination said it has. */
  ofStudy(destination: string, studyInstanceUID: string): { owed: number; sent: number } {
    const row = this.#db
      .prepare(`SELECT count(*) AS owed, coalesce(sum(state = 'sent'), 0) AS sent FROM forwards
        WHERE study_instance_uid = ? AND destination = ?`)
      .get(studyInstanceUID, destination) as { owed: number; sent: number };
    return { ...row };
  }

  /** Tries again at once: all that a person had to decide on or that waits for its time, or one of them. How many. */
  retry(destination: string, id?: number): number {
    return this.#change(`SET state = 'waiting', attempts = 0, due_ms = 0`, destination, id);
  }

  /** Gives up on what a person had to decide on, or on one instance. How many. */
  skip(destination: string, id?: number): number {
    return this.#change(`SET state = 'skipped', settled_at = '${new Date().toISOString()}'`, destination, id);
  }

  /** A pause outlasts a restart. */
  isPaused(destination: string): boolean {
    return this.#db.prepare('SELECT 1 FROM paused WHERE destination = ?').get(destination) !== undefined;
  }

  setPaused(destination: string, paused: boolean): void {
    const sql = paused ? 'INSERT OR IGNORE INTO paused VALUES (?)' : 'DELETE FROM paused WHERE destination = ?';
    this.#db.prepare(sql).run(destination);
  }

  #change(what: string, destination: string, id?: number): number {
    const open = `destination = ? AND (state = 'person' OR (state = 'waiting' AND attempts > 0))`;
    if (id === undefined)
      return Number(this.#db.prepare(`UPDATE forwards ${what} WHERE ${open}`).run(destination).changes);
    return Number(this.#db.prepare(`UPDATE forwards ${what} WHERE ${open} AND id = ?`).run(destination, id).changes);
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#wal.sync().catch(() => undefined);
    closeSync(this.#walFd);
    this.#db.close();
  }
}
