import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { CommitmentInformation } from './references.ts';

/**
 * to-ask: sent, the destination is to be asked. asked: no answer so far. confirmed: it committed. refused: it says that it does
 * not have it; to be sent again. resent: owed again. person: that happened too often.
 */
export type ProofState = 'to-ask' | 'asked' | 'confirmed' | 'refused' | 'resent' | 'person';

/** What a destination said of an instance that was sent to it. Times are UTC ISO. */
export interface Proof {
  destination: string;
  studyInstanceUID: string;
  sopInstanceUID: string;
  sopClassUID: string;
  dataSetSha256: string;
  sentAt: string;
  state: ProofState;
  /** Of the last request; null: not asked yet. */
  transactionUID: string | null;
  answeredAt: string | null;
  /** Failure Reason (0008,1197), where it refused. */
  reason: number | null;
  /** How often it took this content and then said that it does not have it. */
  refusals: number;
  attempts: number;
}

export interface ProofCounts {
  /** To be asked for, or asked for without an answer so far. */
  open: number;
  confirmed: number;
  /** Refused, and sent again or to be sent again. */
  refused: number;
  person: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS proofs (
    destination TEXT NOT NULL, sop_instance_uid TEXT NOT NULL, study_instance_uid TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL, data_set_sha256 TEXT NOT NULL, sent_at TEXT NOT NULL, state TEXT NOT NULL,
    transaction_uid TEXT, answered_at TEXT, reason INTEGER, refusals INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL,
    PRIMARY KEY (destination, sop_instance_uid)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS proofs_due ON proofs(destination, due_ms) WHERE state IN ('to-ask', 'asked');
  CREATE INDEX IF NOT EXISTS proofs_refused ON proofs(destination) WHERE state = 'refused';
  CREATE INDEX IF NOT EXISTS proofs_study ON proofs(study_instance_uid);
  CREATE TABLE IF NOT EXISTS transactions (
    uid TEXT PRIMARY KEY, destination TEXT NOT NULL, asked_at TEXT NOT NULL, answered_at TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tallies (
    destination TEXT NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (destination, state)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS proofs_added AFTER INSERT ON proofs BEGIN
    INSERT INTO tallies VALUES (new.destination, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS proofs_moved AFTER UPDATE OF state ON proofs WHEN old.state <> new.state BEGIN
    UPDATE tallies SET n = n - 1 WHERE destination = old.destination AND state = old.state;
    INSERT INTO tallies VALUES (new.destination, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  END;
`;

const COLUMNS = `destination, study_instance_uid AS studyInstanceUID, sop_instance_uid AS sopInstanceUID,
  sop_class_uid AS sopClassUID, data_set_sha256 AS dataSetSha256, sent_at AS sentAt, state,
  transaction_uid AS transactionUID, answered_at AS answeredAt, reason, refusals, attempts`;

/**
 * LIFEBOAT_DATA/confirmed.sqlite: for each instance sent to a destination that is asked for storage commitment, what it said.
 * Written with every instance sent, so that not every write waits for the disk; answers do.
 */
export class ProofQueue {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'confirmed.sqlite'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
  }

  /** Before the sending is noted as done. */
  sent(
    proof: Omit<Proof, 'state' | 'transactionUID' | 'answeredAt' | 'reason' | 'refusals' | 'attempts'>,
    dueMs: number,
  ): void {
    this.#db
      .prepare(`INSERT INTO proofs (destination, sop_instance_uid, study_instance_uid, sop_class_uid, data_set_sha256,
          sent_at, state, due_ms) VALUES (?, ?, ?, ?, ?, ?, 'to-ask', ?)
        ON CONFLICT DO UPDATE SET state = 'to-ask', transaction_uid = NULL, answered_at = NULL, reason = NULL, attempts = 0,
          refusals = iif(data_set_sha256 = excluded.data_set_sha256, refusals, 0), sent_at = excluded.sent_at,
          data_set_sha256 = excluded.data_set_sha256, study_instance_uid = excluded.study_instance_uid, due_ms = excluded.due_ms`)
      .run(
        proof.destination,
        proof.sopInstanceUID,
        proof.studyInstanceUID,
        proof.sopClassUID,
        proof.dataSetSha256,
        proof.sentAt,
        Math.round(dueMs),
      );
  }

  /** To be asked for now: what was sent, and what was asked for without an answer in its time. */
  due(destination: string, now: number, limit: number): Proof[] {
    return this.#all(
      `SELECT ${COLUMNS} FROM proofs INDEXED BY proofs_due
       WHERE destination = ? AND state IN ('to-ask', 'asked') AND due_ms <= ? ORDER BY due_ms LIMIT ?`,
      destination,
      now,
      limit,
    );
  }

  nextDue(destination: string): number | null {
    const row = this.#db
      .prepare(`SELECT due_ms FROM proofs INDEXED BY proofs_due
        WHERE destination = ? AND state IN ('to-ask', 'asked') ORDER BY due_ms LIMIT 1`)
      .get(destination);
    return row ? Number(row['due_ms']) : null;
  }

  /** Before the request goes out: its report may come first. */
  asked(proofs: readonly Proof[], transactionUID: string, dueMs: (proof: Proof) => number): void {
    this.#transaction(() => {
      const { destination } = proofs[0]!;
      this.#run(
        'INSERT INTO transactions VALUES (?, ?, ?, NULL)',
        transactionUID,
        destination,
        new Date().toISOString(),
      );
      for (const proof of proofs)
        this.#run(
          `UPDATE proofs SET state = 'asked', transaction_uid = ?, attempts = attempts + 1, due_ms = ?
           WHERE destination = ? AND sop_instance_uid = ?`,
          transactionUID,
          Math.round(dueMs(proof)),
          destination,
          proof.sopInstanceUID,
        );
    });
  }

  /** The destination has the request and works on it. */
  postpone(destination: string, transactionUID: string, dueMs: number): void {
    this.#run(
      `UPDATE proofs SET due_ms = ?, attempts = attempts + 1
       WHERE destination = ? AND transaction_uid = ? AND state = 'asked'`,
      Math.round(dueMs),
      destination,
      transactionUID,
    );
  }

  /** The request did not reach the destination. */
  notAsked(transactionUID: string, destination: string, dueMs: number): void {
    this.#transaction(() => {
      this.#run(
        `UPDATE proofs SET state = 'to-ask', transaction_uid = NULL, attempts = max(attempts - 1, 0), due_ms = ?
         WHERE destination = ? AND transaction_uid = ? AND state = 'asked'`,
        Math.round(dueMs),
        destination,
        transactionUID,
      );
    });
  }

  /**
   * What a destination says. It speaks of what it was sent before it was asked; of anything later it knows nothing.
   * undefined: we never asked. Else whether anything was refused.
   */
  answered({ transactionUID, references, failed }: CommitmentInformation): { refused: number } | undefined {
    const transaction = this.#db
      .prepare('SELECT destination, asked_at FROM transactions WHERE uid = ?')
      .get(transactionUID);
    if (!transaction) return undefined;
    const destination = String(transaction['destination']);
    const askedAt = String(transaction['asked_at']);
    const now = new Date().toISOString();
    let refused = 0;
    this.#transaction(() => {
      const confirm =
        this.#db.prepare(`UPDATE proofs SET state = 'confirmed', answered_at = ?, reason = NULL, transaction_uid = ?
        WHERE destination = ? AND sop_instance_uid = ? AND sent_at <= ? AND state IN ('to-ask', 'asked')`);
      for (const { sopInstanceUID } of references)
        confirm.run(now, transactionUID, destination, sopInstanceUID, askedAt);
      const refuse =
        this.#db.prepare(`UPDATE proofs SET state = 'refused', answered_at = ?, reason = ?, refusals = refusals + 1,
        transaction_uid = ? WHERE destination = ? AND sop_instance_uid = ? AND sent_at <= ? AND state IN ('to-ask', 'asked')`);
      for (const { sopInstanceUID, reason } of failed)
        refused += Number(refuse.run(now, reason, transactionUID, destination, sopInstanceUID, askedAt).changes);
      this.#run('UPDATE transactions SET answered_at = ? WHERE uid = ?', now, transactionUID);
    });
    return { refused };
  }

  /** Refused and not yet owed again. */
  refused(destination: string, limit: number): Proof[] {
    return this.#all(
      `SELECT ${COLUMNS} FROM proofs INDEXED BY proofs_refused WHERE destination = ? AND state = 'refused' LIMIT ?`,
      destination,
      limit,
    );
  }

  settle(
    { destination, sopInstanceUID }: Pick<Proof, 'destination' | 'sopInstanceUID'>,
    state: 'resent' | 'person',
  ): void {
    this.#run(
      `UPDATE proofs SET state = ? WHERE destination = ? AND sop_instance_uid = ? AND state = 'refused'`,
      state,
      destination,
      sopInstanceUID,
    );
  }

  ofStudy(studyInstanceUID: string): Proof[] {
    return this.#all(`SELECT ${COLUMNS} FROM proofs WHERE study_instance_uid = ?`, studyInstanceUID);
  }

  of(destination: string, sopInstanceUID: string): Proof | undefined {
    return this.#all(
      `SELECT ${COLUMNS} FROM proofs WHERE destination = ? AND sop_instance_uid = ?`,
      destination,
      sopInstanceUID,
    )[0];
  }

  knows(destination: string, sopInstanceUID: string): boolean {
    return this.of(destination, sopInstanceUID) !== undefined;
  }

  counts(destination: string): ProofCounts {
    const counts: ProofCounts = { open: 0, confirmed: 0, refused: 0, person: 0 };
    const into = {
      'to-ask': 'open',
      asked: 'open',
      confirmed: 'confirmed',
      refused: 'refused',
      resent: 'refused',
      person: 'person',
    };
    for (const row of this.#db.prepare('SELECT state, n FROM tallies WHERE destination = ?').all(destination))
      counts[into[row['state'] as ProofState] as keyof ProofCounts] += Number(row['n']);
    return counts;
  }

  #all(sql: string, ...values: SQLInputValue[]): Proof[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }) as unknown as Proof);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }

  #transaction(work: () => void): void {
    this.#db.exec('PRAGMA synchronous = FULL');
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL');
    }
  }

  close(): void {
    this.#db.close();
  }
}
