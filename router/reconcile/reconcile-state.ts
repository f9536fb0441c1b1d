import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type {
  FindingKind,
  FindingState,
  ReconcileDecision,
  ReconcileFinding,
  ReconcileRun,
} from '../../contract/reconcile.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, peer TEXT NOT NULL, from_at TEXT NOT NULL, to_at TEXT NOT NULL, reason TEXT NOT NULL,
    owner TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', listed TEXT NOT NULL DEFAULT '',
    begun_at TEXT NOT NULL, ended_at TEXT, signed_by TEXT, signed_at TEXT, signed_note TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS studies (
    run INTEGER NOT NULL, study TEXT NOT NULL, state TEXT NOT NULL, patient_name TEXT NOT NULL DEFAULT '',
    patient_id TEXT NOT NULL DEFAULT '', study_date TEXT NOT NULL DEFAULT '', received INTEGER NOT NULL DEFAULT 0,
    meant INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0, committed INTEGER, rounds INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, study)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS studies_state ON studies(run, state, study);
  CREATE TABLE IF NOT EXISTS findings (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, study TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    words TEXT NOT NULL, uids TEXT NOT NULL, instances INTEGER NOT NULL, possible TEXT NOT NULL, decision TEXT,
    by TEXT, at TEXT, why TEXT, UNIQUE (run, study, kind)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS findings_state ON findings(run, state);
`;

/** `listed`: to be compared. `mending`: something was done about it, to be compared once more. */
export type StudyState = 'listed' | 'mending' | 'compared';

export interface StudyRow {
  study: string;
  state: StudyState;
  rounds: number;
}

export interface StudyResult {
  patientName: string;
  patientID: string;
  studyDate: string;
  received: number;
  meant: number;
  delivered: number;
  committed: number | null;
}

/** A finding as it is made: whose it is and what becomes of it is added by the state. */
export interface NewFinding {
  kind: FindingKind;
  /** True: something is done about it now. */
  mending: boolean;
  words: string;
  /** SOP Instance UIDs; empty: the study as a whole. */
  uids: readonly string[];
  possible: readonly ReconcileDecision[];
}

export interface RunKey {
  peer: string;
  from: string;
  to: string;
}

/**
 * LIFEBOAT_DATA/reconcile.sqlite: what was compared, what was found and what was decided, study by study, so that a run that is
 * interrupted goes on where it was. Router and command line share it.
 */
export class ReconcileState {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'reconcile.sqlite'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
  }

  /** The run of this span that is not finished, or a new one. @param owner who works on it: `router` or `cli` */
  begin({ peer, from, to }: RunKey, reason: string, owner: 'router' | 'cli'): number {
    const open = this.#get(
      `SELECT id FROM runs WHERE peer = ? AND from_at = ? AND to_at = ? AND owner = ? AND state <> 'done' ORDER BY id DESC`,
      peer,
      from,
      to,
      owner,
    );
    if (open) return Number(open['id']);
    const at = new Date().toISOString();
    const added = this.#run(
      `INSERT INTO runs (peer, from_at, to_at, reason, owner, state, begun_at) VALUES (?, ?, ?, ?, ?, 'queued', ?)`,
      peer,
      from,
      to,
      reason,
      owner,
      at,
    );
    return Number(added.lastInsertRowid);
  }

  /** The oldest run of the router that is not finished, or one in which a decision is to be carried out; none of `without`. */
  next(without: readonly number[] = []): number | undefined {
    const row = this.#get(
      `SELECT id FROM runs WHERE id NOT IN (SELECT value FROM json_each(?)) AND ((owner = 'router' AND state <> 'done')
        OR EXISTS (SELECT 1 FROM studies WHERE run = runs.id AND studies.state <> 'compared' AND runs.state = 'done'))
       ORDER BY id LIMIT 1`,
      JSON.stringify(without),
    );
    return row && Number(row['id']);
  }

  setState(id: number, state: ReconcileRun['state'], message = ''): void {
    const ended = state === 'done' ? new Date().toISOString() : null;
    this.#run('UPDATE runs SET state = ?, message = ?, ended_at = ? WHERE id = ?', state, message, ended, id);
  }

  /** What was listed so far; '' at first. */
  listed(id: number): string {
    return String(this.#get('SELECT listed FROM runs WHERE id = ?', id)?.['listed'] ?? '');
  }

  setListed(id: number, listed: string): void {
    this.#run('UPDATE runs SET listed = ? WHERE id = ?', listed, id);
  }

  addStudies(id: number, studies: readonly string[]): void {
    this.#transaction(() => {
      for (const study of studies)
        this.#run(`INSERT OR IGNORE INTO studies (run, study, state) VALUES (?, ?, 'listed')`, id, study);
    });
  }

  /** The next study in this state, in the order of their UIDs. */
  nextStudy(id: number, state: StudyState): StudyRow | undefined {
    return this.#get(
      'SELECT study, state, rounds FROM studies WHERE run = ? AND state = ? ORDER BY study LIMIT 1',
      id,
      state,
    ) as StudyRow | undefined;
  }

  markStudy(id: number, study: string, state: StudyState): void {
    this.#run('UPDATE studies SET state = ? WHERE run = ? AND study = ?', state, id, study);
  }

  setCommitted(id: number, study: string, committed: number): void {
    this.#run('UPDATE studies SET committed = min(?, delivered) WHERE run = ? AND study = ?', committed, id, study);
  }

  /** One study is compared again, and put right by itself where that is possible. */
  recheck(id: number, study: string): void {
    this.#run(`UPDATE studies SET state = 'mending', rounds = 0 WHERE run = ? AND study = ?`, id, study);
  }

  /** Everything is compared again; what was decided stays decided while it is found to be the same. */
  restart(id: number): void {
    this.#run(`UPDATE studies SET state = 'listed', rounds = 0 WHERE run = ?`, id);
    this.#run(
      `UPDATE runs SET state = 'queued', listed = '', message = '', ended_at = NULL, owner = 'router',
        signed_by = NULL, signed_at = NULL, signed_note = NULL WHERE id = ?`,
      id,
    );
  }

  /** What a comparison of a study came to, in one go. What is found no more is mended; what was decided stays so while it is the same. */
  compared(id: number, study: string, result: StudyResult, findings: readonly NewFinding[]): void {
    const { patientName, patientID, studyDate, received, meant, delivered, committed } = result;
    const mending = findings.some((finding) => finding.mending);
    this.#transaction(() => {
      this.#run(
        `UPDATE studies SET state = ?, patient_name = ?, patient_id = ?, study_date = ?, received = ?, meant = ?, delivered = ?,
          committed = ?, rounds = rounds + 1 WHERE run = ? AND study = ?`,
        mending ? 'mending' : 'compared',
        patientName,
        patientID,
        studyDate,
        received,
        meant,
        delivered,
        committed,
        id,
        study,
      );
      const kinds = findings.map(({ kind }) => kind);
      const at = new Date().toISOString();
      this.#run(
        `UPDATE findings SET state = 'mended', at = ? WHERE run = ? AND study = ? AND state IN ('open', 'mending')
          AND kind NOT IN (SELECT value FROM json_each(?))`,
        at,
        id,
        study,
        JSON.stringify(kinds),
      );
      for (const finding of findings) this.#found(id, study, finding);
    });
  }

  #found(id: number, study: string, { kind, mending, words, uids, possible }: NewFinding): void {
    const list = JSON.stringify([...uids].sort());
    this.#run(
      `INSERT INTO findings (run, study, kind, state, words, uids, instances, possible) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, words = excluded.words, uids = excluded.uids,
         instances = excluded.instances, possible = excluded.possible
       WHERE NOT (findings.state = 'decided' AND findings.decision = 'accept' AND findings.uids = excluded.uids
         AND findings.words = excluded.words)`,
      id,
      study,
      kind,
      mending ? 'mending' : 'open',
      words,
      list,
      uids.length,
      JSON.stringify(possible),
    );
  }

  decide(finding: number, decision: ReconcileDecision, by: string, why: string): void {
    const at = new Date().toISOString();
    this.#run(
      `UPDATE findings SET state = 'decided', decision = ?, by = ?, at = ?, why = ? WHERE id = ?`,
      decision,
      by,
      at,
      why,
      finding,
    );
  }

  sign(id: number, by: string, note: string): void {
    this.#run(
      'UPDATE runs SET signed_by = ?, signed_at = ?, signed_note = ? WHERE id = ?',
      by,
      new Date().toISOString(),
      note,
      id,
    );
  }

  run(id: number): ReconcileRun | undefined {
    const row = this.#get('SELECT * FROM runs WHERE id = ?', id);
    return row && this.#withSums(row);
  }

  /** Newest first. */
  runs(limit = 100): ReconcileRun[] {
    return this.#all('SELECT * FROM runs ORDER BY id DESC LIMIT ?', limit).map((row) => this.#withSums(row));
  }

  #withSums(row: Record<string, unknown>): ReconcileRun {
    const id = Number(row['id']);
    const sums = this.#get(
      `SELECT count(*) AS studies, coalesce(sum(state = 'compared'), 0) AS compared, coalesce(sum(received), 0) AS received,
        coalesce(sum(meant), 0) AS meant, coalesce(sum(delivered), 0) AS delivered, sum(committed) AS committed
       FROM studies WHERE run = ?`,
      id,
    )!;
    const states = new Map(
      this.#all('SELECT state, count(*) AS n FROM findings WHERE run = ? GROUP BY state', id).map(({ state, n }) => [
        String(state),
        Number(n),
      ]),
    );
    return {
      id,
      peer: String(row['peer']),
      from: String(row['from_at']),
      to: String(row['to_at']),
      reason: String(row['reason']),
      state: row['state'] as ReconcileRun['state'],
      message: String(row['message']),
      begunAt: String(row['begun_at']),
      endedAt: row['ended_at'] as string | null,
      studies: Number(sums['studies']),
      compared: Number(sums['compared']),
      received: Number(sums['received']),
      meant: Number(sums['meant']),
      delivered: Number(sums['delivered']),
      committed: sums['committed'] === null ? null : Number(sums['committed']),
      open: (states.get('open') ?? 0) + (states.get('mending') ?? 0),
      mended: states.get('mended') ?? 0,
      decided: states.get('decided') ?? 0,
      signedBy: row['signed_by'] as string | null,
      signedAt: row['signed_at'] as string | null,
      signedNote: row['signed_note'] as string | null,
    };
  }

  /** Open ones first, then by patient. */
  findings(id: number, limit: number, offset = 0): ReconcileFinding[] {
    return this.#all(
      `${FINDING} WHERE f.run = ? ORDER BY f.state NOT IN ('open', 'mending'), s.patient_name, s.patient_id, f.study, f.kind
       LIMIT ? OFFSET ?`,
      id,
      limit,
      offset,
    ).map(findingOf);
  }

  finding(id: number, finding: number): (ReconcileFinding & { uids: string[] }) | undefined {
    const row = this.#get(`${FINDING} WHERE f.run = ? AND f.id = ?`, id, finding);
    return row && { ...findingOf(row), uids: JSON.parse(String(row['uids'])) as string[] };
  }

  /** Every study of a run with what came of it, by patient. */
  *studies(id: number): Generator<StudyResult & { study: string; state: StudyState }> {
    const rows = this.#db
      .prepare('SELECT * FROM studies WHERE run = ? ORDER BY patient_name, patient_id, study')
      .iterate(id);
    for (const row of rows)
      yield {
        study: String(row['study']),
        state: row['state'] as StudyState,
        patientName: String(row['patient_name']),
        patientID: String(row['patient_id']),
        studyDate: String(row['study_date']),
        received: Number(row['received']),
        meant: Number(row['meant']),
        delivered: Number(row['delivered']),
        committed: row['committed'] === null ? null : Number(row['committed']),
      };
  }

  close(): void {
    this.#db.close();
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#db.prepare(sql).run(...values);
  }

  #get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    const row = this.#db.prepare(sql).get(...values);
    return row && { ...row };
  }

  #all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }));
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
}

const FINDING = `SELECT f.*, s.patient_name, s.patient_id, s.study_date FROM findings f
  JOIN studies s ON s.run = f.run AND s.study = f.study`;

/** A finding as people see it. */
function findingOf(row: Record<string, unknown>): ReconcileFinding {
  return {
    id: Number(row['id']),
    kind: row['kind'] as FindingKind,
    state: row['state'] as FindingState,
    studyInstanceUID: String(row['study']),
    patientName: String(row['patient_name']),
    patientID: String(row['patient_id']),
    studyDate: String(row['study_date']),
    instances: Number(row['instances']),
    words: String(row['words']),
    possible: JSON.parse(String(row['possible'])) as ReconcileDecision[],
    decision: row['decision'] as ReconcileDecision | null,
    by: row['by'] as string | null,
    at: row['at'] as string | null,
    why: row['why'] as string | null,
  };
}
