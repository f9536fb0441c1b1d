import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Judgement } from './judge.ts';
import type { FailedReference, SopReference } from './references.ts';

/** open: to be judged. judged: to be reported. done: reported, or asked for by DICOMweb and judged. given-up: nobody took the report. */
export type RequestState = 'open' | 'judged' | 'done' | 'given-up';

/** Somebody asks us to commit to instances. Times are UTC ISO. */
export interface CommitmentRequest {
  id: number;
  transactionUID: string;
  via: 'dimse' | 'web';
  /** AE title, or who was signed in. */
  requester: string;
  address: string;
  references: SopReference[];
  requestedAt: string;
  state: RequestState;
  failed: FailedReference[];
  attempts: number;
  /** Why it is not done yet. */
  message: string;
}

export type NewRequest = Pick<CommitmentRequest, 'transactionUID' | 'via' | 'requester' | 'address' | 'references'>;

/** What was asked and answered of one study, in the newest request that named it. */
export interface StudyCommitment {
  requester: string;
  requestedAt: string;
  state: RequestState;
  confirmed: number;
  failed: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, transaction_uid TEXT NOT NULL UNIQUE, via TEXT NOT NULL, requester TEXT NOT NULL,
    address TEXT NOT NULL, refs TEXT NOT NULL, requested_at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open',
    failed TEXT NOT NULL DEFAULT '[]', attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX IF NOT EXISTS requests_due ON requests(due_ms) WHERE state IN ('open', 'judged');
  CREATE TABLE IF NOT EXISTS request_studies (
    study_instance_uid TEXT NOT NULL, request INTEGER NOT NULL, confirmed INTEGER NOT NULL, failed INTEGER NOT NULL,
    PRIMARY KEY (study_instance_uid, request)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * LIFEBOAT_DATA/commitment.sqlite: who asked for storage commitment, what was found, and whether it was told. Synced with
 * every write: a request that was accepted is answered, whatever happens to the router.
 */
export class CommitmentQueue {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'commitment.sqlite'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
  }

  /** undefined: the Transaction UID was used before for something else. The same request again (DIMSE) is the one there is. */
  add(request: NewRequest): CommitmentRequest | undefined {
    const { transactionUID, via, requester, address, references } = request;
    const refs = JSON.stringify(references.map(packed));
    const added = this.#db
      .prepare(`INSERT INTO requests (transaction_uid, via, requester, address, refs, requested_at)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
      .run(transactionUID, via, requester, address, refs, new Date().toISOString());
    if (added.changes === 0) {
      if (via === 'web') return undefined;
      const same = this.#db
        .prepare('SELECT id FROM requests WHERE transaction_uid = ? AND via = ? AND requester = ? AND refs = ?')
        .get(transactionUID, via, requester, refs);
      if (!same) return undefined;
      // Who asks again has not heard the answer.
      this.#run(
        `UPDATE requests SET state = 'open', attempts = 0, due_ms = 0, requested_at = ? WHERE id = ? AND state IN ('done', 'given-up')`,
        new Date().toISOString(),
        Number(same['id']),
      );
    }
    return this.byTransaction(transactionUID);
  }

  byTransaction(transactionUID: string): CommitmentRequest | undefined {
    const row = this.#db.prepare('SELECT * FROM requests WHERE transaction_uid = ?').get(transactionUID);
    return row && fromRow(row);
  }

  /** What is to be done now, the oldest first, without `taken`. */
  due(now: number, taken: ReadonlySet<number>, limit: number): CommitmentRequest[] {
    return this.#db
      .prepare(`SELECT * FROM requests INDEXED BY requests_due WHERE state IN ('open', 'judged') AND due_ms <= ?
        ORDER BY due_ms, id LIMIT ?`)
      .all(now, limit + taken.size)
      .map(fromRow)
      .filter(({ id }) => !taken.has(id))
      .slice(0, limit);
  }

  /** ms since the epoch; null: nothing is to be done. */
  nextDue(taken: ReadonlySet<number>): number | null {
    const rows = this.#db
      .prepare(`SELECT id, due_ms FROM requests INDEXED BY requests_due WHERE state IN ('open', 'judged')
        ORDER BY due_ms LIMIT ?`)
      .all(taken.size + 1);
    const row = rows.find(({ id }) => !taken.has(Number(id)));
    return row ? Number(row['due_ms']) : null;
  }

  judged({ id, via }: Pick<CommitmentRequest, 'id' | 'via'>, { failed, studies }: Judgement, dueMs: number): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      this.#run(
        `UPDATE requests SET state = ?, failed = ?, attempts = 0, due_ms = ?, message = '' WHERE id = ?`,
        via === 'web' ? 'done' : 'judged',
        JSON.stringify(failed),
        Math.round(dueMs),
        id,
      );
      for (const { studyInstanceUID, confirmed, failed: not } of studies)
        this.#run('INSERT OR REPLACE INTO request_studies VALUES (?, ?, ?, ?)', studyInstanceUID, id, confirmed, not);
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  reported(id: number): void {
    this.#run(`UPDATE requests SET state = 'done', message = '' WHERE id = ?`, id);
  }

  later(id: number, attempts: number, dueMs: number, message: string): void {
    this.#run(
      'UPDATE requests SET attempts = ?, due_ms = ?, message = ? WHERE id = ?',
      attempts,
      Math.round(dueMs),
      message,
      id,
    );
  }

  giveUp(id: number, message: string): void {
    this.#run(`UPDATE requests SET state = 'given-up', message = ? WHERE id = ?`, message, id);
  }

  /** Reports to this AE go out now: it is there. */
  hasCome(requester: string): void {
    this.#run(`UPDATE requests SET due_ms = 0 WHERE state = 'judged' AND via = 'dimse' AND requester = ?`, requester);
  }

  ofStudy(studyInstanceUID: string): StudyCommitment | undefined {
    const row = this.#db
      .prepare(`SELECT requester, requested_at AS requestedAt, state, confirmed, s.failed AS failed
        FROM request_studies s JOIN requests r ON r.id = s.request
        WHERE study_instance_uid = ? ORDER BY requested_at DESC, r.id DESC LIMIT 1`)
      .get(studyInstanceUID);
    return row && ({ ...row } as unknown as StudyCommitment);
  }

  /** Not done yet, and what nobody took; newest first. */
  open(limit: number): (Omit<CommitmentRequest, 'references' | 'failed'> & { asked: number; failures: number })[] {
    return this.#db
      .prepare(`SELECT * FROM requests WHERE state <> 'done' ORDER BY id DESC LIMIT ?`)
      .all(limit)
      .map(fromRow)
      .map(({ references, failed, ...row }) => ({ ...row, asked: references.length, failures: failed.length }));
  }

  /** Reports that nobody took so far, by AE title, with the newest reason. */
  undelivered(): Map<string, { waiting: number; message: string }> {
    const rows = this.#db
      .prepare(`SELECT requester, count(*) AS waiting, message, max(id) FROM requests
        WHERE via = 'dimse' AND (state = 'given-up' OR (state = 'judged' AND attempts > 0)) GROUP BY requester`)
      .all();
    return new Map(
      rows.map((row) => [
        String(row['requester']),
        { waiting: Number(row['waiting']), message: String(row['message']) },
      ]),
    );
  }

  /** Forgets what was done with before that (UTC ISO). */
  prune(before: string): void {
    this.#run(
      `DELETE FROM request_studies WHERE request IN
        (SELECT id FROM requests WHERE state IN ('done', 'given-up') AND requested_at < ?)`,
      before,
    );
    this.#run(`DELETE FROM requests WHERE state IN ('done', 'given-up') AND requested_at < ?`, before);
  }

  counts(): Record<RequestState, number> {
    const counts: Record<RequestState, number> = { open: 0, judged: 0, done: 0, 'given-up': 0 };
    for (const row of this.#db.prepare('SELECT state, count(*) AS n FROM requests GROUP BY state').all())
      counts[row['state'] as RequestState] = Number(row['n']);
    return counts;
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }

  close(): void {
    this.#db.close();
  }
}

const packed = ({ sopClassUID, sopInstanceUID, within }: SopReference): string[] => [
  sopClassUID,
  sopInstanceUID,
  ...(within ? [within.studyInstanceUID, within.seriesInstanceUID] : []),
];

function unpacked([
  sopClassUID = '',
  sopInstanceUID = '',
  studyInstanceUID,
  seriesInstanceUID,
]: string[]): SopReference {
  if (studyInstanceUID === undefined || seriesInstanceUID === undefined) return { sopClassUID, sopInstanceUID };
  return { sopClassUID, sopInstanceUID, within: { studyInstanceUID, seriesInstanceUID } };
}

function fromRow(row: Record<string, unknown>): CommitmentRequest {
  const references = (JSON.parse(String(row['refs'])) as string[][]).map(unpacked);
  return {
    id: Number(row['id']),
    transactionUID: String(row['transaction_uid']),
    via: row['via'] as CommitmentRequest['via'],
    requester: String(row['requester']),
    address: String(row['address']),
    references,
    requestedAt: String(row['requested_at']),
    state: row['state'] as RequestState,
    failed: JSON.parse(String(row['failed'])) as FailedReference[],
    attempts: Number(row['attempts']),
    message: String(row['message']),
  };
}
