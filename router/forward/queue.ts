import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { GroupSync } from '../../storage/group-sync.ts';
import {
  type ForwardedInstance,
  type ForwardJob,
  type ForwardState,
  type Owed,
  PRIORITIES,
  type Priority,
  type TagChange,
} from './forward-types.ts';
import { openQueueFile } from './queue-schema.ts';

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

/** Where a reading of what was sent stands. */
export interface SentMark {
  /** UTC ISO. */
  at: string;
  id: number;
}

/** One instance, those of one study, or (neither) all that were tried in vain. */
export interface Which {
  id?: number;
  studyInstanceUID?: string;
}

type JobRow = { id: number; instance: string; attempts: number; changes: string | null };

const OPEN = `(state = 'person' OR (state = 'waiting' AND attempts > 0))`;
/** Rows taken out in one go, so that nobody waits for the database. */
const PRUNED_AT_ONCE = 2_000;

/**
 * LIFEBOAT_DATA/forward.sqlite: what is owed to whom, and what the peer said. One row for each destination and content,
 * however often that content was received. Losing an answer costs one more attempt, which the peer recognises; a row is never
 * lost once `add` has resolved.
 */
export class ForwardQueue {
  /** Where a damaged database was put when this one was begun. */
  readonly setAside: string | undefined;
  readonly #db: DatabaseSync;
  readonly #walFd: number;
  readonly #wal: GroupSync;
  readonly #insert: StatementSync;
  readonly #settle: StatementSync;
  readonly #due: StatementSync;
  readonly #waiting: StatementSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { db, setAside } = openQueueFile(file);
    this.#db = db;
    this.setAside = setAside;
    this.#walFd = openSync(`${file}-wal`, 'r');
    this.#wal = new GroupSync(this.#walFd, fdatasync);
    // What a person has to decide on is tried again when the modality sends it again.
    this.#insert = db.prepare(`
      INSERT INTO forwards
        (destination, sop_instance_uid, data_set_sha256, study_instance_uid, instance, state, received_at, priority, changes)
      VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?)
      ON CONFLICT DO UPDATE SET state = 'waiting', attempts = 0, due_ms = 0, changes = excluded.changes
      WHERE state = 'person'`);
    this.#settle = db.prepare(`
      UPDATE forwards SET state = ?, attempts = ?, due_ms = ?, status = ?, message = ?, settled_at = ? WHERE id = ?`);
    this.#due = db.prepare(`
      SELECT id, instance, attempts, changes FROM forwards INDEXED BY forwards_due
      WHERE destination = ? AND priority = ? AND state = 'waiting' AND due_ms <= ? ORDER BY due_ms, id LIMIT ?`);
    this.#waiting = db.prepare(`SELECT n FROM tallies WHERE destination = ? AND state = 'waiting'`);
  }

  /** Resolves when the rows are on stable storage. */
  async add(owed: readonly Owed[]): Promise<void> {
    this.#transaction(() => {
      for (const { destination, instance, priority, changes } of owed) {
        const { sopInstanceUID, dataSetSha256, studyInstanceUID, receivedAt } = instance;
        this.#insert.run(
          destination,
          sopInstanceUID,
          dataSetSha256,
          studyInstanceUID,
          JSON.stringify(instance),
          receivedAt,
          PRIORITIES.indexOf(priority),
          changes.length > 0 ? JSON.stringify(changes) : null,
        );
      }
    });
    await this.#wal.sync();
  }

  /** Instances whose time has come without those in `taken`: urgent ones first, else in the order they were received. */
  due(destination: string, now: number, limit: number, taken: ReadonlySet<number>): ForwardJob[] {
    const jobs: ForwardJob[] = [];
    for (let priority = 0; priority < PRIORITIES.length && jobs.length < limit; priority++) {
      const rows = this.#due.all(destination, priority, now, limit + taken.size) as JobRow[];
      for (const { id, instance, attempts, changes } of rows) {
        if (taken.has(id) || jobs.length === limit) continue;
        jobs.push({
          id,
          attempts,
          instance: JSON.parse(instance) as ForwardedInstance,
          changes: changes === null ? [] : (JSON.parse(changes) as TagChange[]),
        });
      }
    }
    return jobs;
  }

  /** When the next instance's time comes, ms since the epoch; null: none waits. */
  nextDue(destination: string): number | null {
    let next: number | null = null;
    for (let priority = 0; priority < PRIORITIES.length; priority++) {
      const row = this.#one<{ due_ms: number }>(
        `SELECT due_ms FROM forwards INDEXED BY forwards_due
         WHERE destination = ? AND priority = ? AND state = 'waiting' ORDER BY due_ms, id LIMIT 1`,
        destination,
        priority,
      );
      if (row && (next === null || row.due_ms < next)) next = row.due_ms;
    }
    return next;
  }

  /** @param status the peer's, where it answered */
  settle(
    job: Pick<ForwardJob, 'id'>,
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

  /** The peer works again: what waits since the line broke over it is due now; what the peer itself put off keeps its time. */
  lineIsBack(destination: string): void {
    this.#db
      .prepare(
        `UPDATE forwards SET due_ms = 0
         WHERE destination = ? AND state = 'waiting' AND due_ms > 0 AND attempts > 0 AND status IS NULL`,
      )
      .run(destination);
  }

  /** Asked for with every status. */
  waiting(destination: string): number {
    return (this.#waiting.get(destination) as { n: number } | undefined)?.n ?? 0;
  }

  counts(destination: string): ForwardCounts {
    const counts: ForwardCounts = { waiting: 0, retrying: 0, person: 0, sent: 0, skipped: 0, oldest: null };
    const rows = this.#db.prepare('SELECT state, n FROM tallies WHERE destination = ?').all(destination) as {
      state: ForwardState | 'pruned';
      n: number;
    }[];
    for (const { state, n } of rows) counts[state === 'pruned' ? 'sent' : state] += n;
    if (counts.waiting > 0) {
      counts.retrying = this.#one<{ n: number }>(
        `SELECT count(*) AS n FROM forwards INDEXED BY forwards_problems
         WHERE destination = ? AND (state = 'person' OR (state = 'waiting' AND attempts > 0)) AND state = 'waiting'`,
        destination,
      )!.n;
      counts.oldest = this.#oldest(destination, `state IN ('waiting', 'person') AND state = 'waiting'`);
    }
    return counts;
  }

  /** UTC ISO of the receipt of the oldest instance that this destination has not confirmed; null: none. */
  oldestOpen(destination: string): string | null {
    return this.#oldest(destination, `state IN ('waiting', 'person')`);
  }

  #oldest(destination: string, condition: string): string | null {
    const row = this.#one<{ received_at: string }>(
      `SELECT received_at FROM forwards INDEXED BY forwards_oldest
       WHERE destination = ? AND ${condition} ORDER BY received_at LIMIT 1`,
      destination,
    );
    return row?.received_at ?? null;
  }

  /** What a person has to decide on, and what was tried in vain so far; newest first. */
  problems(destination: string, limit: number): ForwardProblem[] {
    const rows = this.#db
      .prepare(`SELECT id, instance, state, attempts, status, message FROM forwards
        WHERE destination = ? AND ${OPEN} ORDER BY state, id DESC LIMIT ?`)
      .all(destination, limit) as (Omit<ForwardProblem, 'instance'> & { instance: string })[];
    return rows.map((row) => ({ ...row, instance: JSON.parse(row.instance) as ForwardedInstance }));
  }

  /** Of one study: instances owed and instances that the destination said it has. */
  ofStudy(destination: string, studyInstanceUID: string): { owed: number; sent: number } {
    const row = this.#one<{ owed: number; sent: number }>(
      `SELECT count(*) AS owed, coalesce(sum(state = 'sent'), 0) AS sent FROM forwards
       WHERE study_instance_uid = ? AND destination = ?`,
      studyInstanceUID,
      destination,
    )!;
    const before = this.#one<{ sent: number }>(
      'SELECT sent FROM sent_studies WHERE study_instance_uid = ? AND destination = ?',
      studyInstanceUID,
      destination,
    );
    return { owed: row.owed + (before?.sent ?? 0), sent: row.sent + (before?.sent ?? 0) };
  }

  /** What this destination last said of a content; undefined: it is not owed it, or said so long ago. */
  answerTo(
    destination: string,
    sopInstanceUID: string,
    dataSetSha256: string,
  ): { state: ForwardState; message: string } | undefined {
    return this.#one(
      'SELECT state, message FROM forwards WHERE destination = ? AND sop_instance_uid = ? AND data_set_sha256 = ?',
      destination,
      sopInstanceUID,
      dataSetSha256,
    );
  }

  /** What this destination took after that (UTC ISO, number of the row), oldest first, at most `limit`. */
  sentSince(destination: string, after: SentMark, limit: number): ({ instance: ForwardedInstance } & SentMark)[] {
    return this.#db
      .prepare(`SELECT id, instance, settled_at FROM forwards
        WHERE state = 'sent' AND (settled_at, id) > (?, ?) AND destination = ? ORDER BY settled_at, id LIMIT ?`)
      .all(after.at, after.id, destination, limit)
      .map((row) => ({
        id: Number(row['id']),
        at: String(row['settled_at']),
        instance: JSON.parse(String(row['instance'])) as ForwardedInstance,
      }));
  }

  /** What was sent turned out not to be there, time and again. */
  needsPerson(destination: string, sopInstanceUID: string, dataSetSha256: string, message: string): void {
    this.#db
      .prepare(`UPDATE forwards SET state = 'person', message = ?, settled_at = NULL
        WHERE destination = ? AND sop_instance_uid = ? AND data_set_sha256 = ?`)
      .run(message, destination, sopInstanceUID, dataSetSha256);
  }

  /** Sends once more whatever became of it before. */
  async again(owed: readonly Owed[]): Promise<void> {
    this.#transaction(() => {
      for (const { destination, instance, changes } of owed)
        this.#db
          .prepare(`UPDATE forwards SET state = 'waiting', attempts = 0, due_ms = 0, settled_at = NULL, changes = ?
            WHERE destination = ? AND sop_instance_uid = ? AND data_set_sha256 = ?`)
          .run(
            changes.length > 0 ? JSON.stringify(changes) : null,
            destination,
            instance.sopInstanceUID,
            instance.dataSetSha256,
          );
    });
    await this.add(owed);
  }

  /** Tries again at once: all that a person had to decide on or that waits for its time, or which of them. How many. */
  retry(destination: string, which: Which = {}): number {
    return this.#change(`state = 'waiting', attempts = 0, due_ms = 0`, destination, which, OPEN);
  }

  /** Gives up on what a person had to decide on and what was tried in vain, or on which of them. How many. */
  skip(destination: string, which: Which = {}): number {
    const at = new Date().toISOString();
    return this.#change(`state = 'skipped', settled_at = '${at}'`, destination, which, OPEN);
  }

  /** What waits of a study goes before or after the rest. How many. */
  prioritise(destination: string, studyInstanceUID: string, priority: Priority): number {
    const set = `priority = ${PRIORITIES.indexOf(priority)}`;
    return this.#change(set, destination, { studyInstanceUID }, `state = 'waiting'`);
  }

  #change(set: string, destination: string, which: Which, open: string): number {
    const conditions = ['destination = ?', open];
    const values: SQLInputValue[] = [destination];
    if (which.id !== undefined) {
      conditions.push('id = ?');
      values.push(which.id);
    }
    if (which.studyInstanceUID !== undefined) {
      conditions.push('study_instance_uid = ?');
      values.push(which.studyInstanceUID);
    }
    const sql = `UPDATE forwards SET ${set} WHERE ${conditions.join(' AND ')}`;
    return Number(this.#db.prepare(sql).run(...values).changes);
  }

  /** A pause outlasts a restart. */
  isPaused(destination: string): boolean {
    return this.#one('SELECT 1 FROM paused WHERE destination = ?', destination) !== undefined;
  }

  setPaused(destination: string, paused: boolean): void {
    const sql = paused ? 'INSERT OR IGNORE INTO paused VALUES (?)' : 'DELETE FROM paused WHERE destination = ?';
    this.#db.prepare(sql).run(destination);
  }

  /** Replaces rows that were sent before `before` (UTC ISO) by one count for each study. True: there are more. */
  prune(before: string): boolean {
    const rows = this.#db
      .prepare(`SELECT id, destination, study_instance_uid AS study, settled_at AS at FROM forwards
        WHERE state = 'sent' AND settled_at < ? ORDER BY settled_at LIMIT ?`)
      .all(before, PRUNED_AT_ONCE) as { id: number; destination: string; study: string; at: string }[];
    if (rows.length === 0) return false;
    this.#transaction(() => {
      const summary = this.#db.prepare(`INSERT INTO sent_studies VALUES (?, ?, 1, ?, ?)
        ON CONFLICT DO UPDATE SET sent = sent + 1, last_at = excluded.last_at`);
      const tally = this.#db.prepare(`INSERT INTO tallies VALUES (?, 'pruned', 1) ON CONFLICT DO UPDATE SET n = n + 1`);
      const gone = this.#db.prepare('DELETE FROM forwards WHERE id = ?');
      for (const { id, destination, study, at } of rows) {
        summary.run(destination, study, at, at);
        tally.run(destination);
        gone.run(id);
      }
    });
    return rows.length === PRUNED_AT_ONCE;
  }

  /** False for a database that was begun anew and may lack what was owed before. */
  get complete(): boolean {
    return this.#one(`SELECT 1 FROM facts WHERE name = 'complete'`) !== undefined;
  }

  markComplete(): void {
    this.#db.exec(`INSERT OR IGNORE INTO facts VALUES ('complete', '1')`);
  }

  #one<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    const row = this.#db.prepare(sql).get(...values);
    return row === undefined ? undefined : ({ ...row } as T);
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
