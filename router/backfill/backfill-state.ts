import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { BackfillPlan, BackfillProblem } from '../../contract/backfill.ts';
import { slicesOf } from './backfill-plan.ts';
import type { PacsStudy } from './pacs-source.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS slices (
    id INTEGER PRIMARY KEY, day TEXT NOT NULL, modality TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX IF NOT EXISTS slices_todo ON slices(id) WHERE state = 'todo';
  CREATE TABLE IF NOT EXISTS studies (
    id INTEGER PRIMARY KEY, study_instance_uid TEXT NOT NULL UNIQUE, slice INTEGER, priority INTEGER NOT NULL,
    patient_name TEXT NOT NULL, patient_id TEXT NOT NULL, study_date TEXT NOT NULL, expected INTEGER, here INTEGER,
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', settled_at TEXT, due_at TEXT
  ) STRICT;
  DROP INDEX IF EXISTS studies_todo;
  CREATE INDEX IF NOT EXISTS studies_next ON studies(priority, due_at, slice, id) WHERE state = 'todo';
  CREATE TABLE IF NOT EXISTS patients (
    patient_id TEXT NOT NULL, issuer TEXT NOT NULL, asked_at TEXT NOT NULL, PRIMARY KEY (patient_id, issuer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, asked_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS pacs_studies (
    study_instance_uid TEXT PRIMARY KEY, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, study_date TEXT NOT NULL,
    study TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS pacs_studies_patient ON pacs_studies(patient_id);
  CREATE INDEX IF NOT EXISTS pacs_studies_date ON pacs_studies(study_date);
`;

/** Priority of studies: those of patients who are expected come first. */
export const PRIORITY = { prior: 0, plan: 1 } as const;
const PROBLEMS_SHOWN = 200;
type Row = Record<string, unknown>;

/** A study to fetch. */
export interface StudyJob {
  studyInstanceUID: string;
  urgent: boolean;
  attempts: number;
}

/**
 * LIFEBOAT_DATA/backfill.sqlite: the plan, how far it is, and what the PACS said it has. Which images are here is never kept in
 * it: that is asked of the archive, so that a crash at any moment costs nothing but asking again.
 */
export class BackfillState {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'backfill.sqlite'), { timeout: 10_000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
  }

  get plan(): BackfillPlan | null {
    const text = this.fact('plan');
    return text ? (JSON.parse(text) as BackfillPlan) : null;
  }

  get state(): 'none' | 'running' | 'paused' | 'done' {
    return (this.fact('state') ?? 'none') as 'none';
  }

  set state(state: 'running' | 'paused' | 'done') {
    this.setFact('state', state);
    if (state === 'done') this.setFact('ended at', new Date().toISOString());
  }

  /** A new plan in place of the former one; what was fetched stays, and studies ahead of their turn too. */
  start(plan: BackfillPlan): void {
    this.#transaction(() => {
      this.#run('DELETE FROM slices');
      this.#run('DELETE FROM studies WHERE priority = ?', PRIORITY.plan);
      this.#run(`DELETE FROM facts WHERE name IN ('ended at', 'folder done', 'folder found', 'folder problems')`);
      if (plan.via !== 'folder') {
        const add = this.#db.prepare(`INSERT INTO slices (day, modality, state) VALUES (?, ?, 'todo')`);
        for (const { day, modality } of slicesOf(plan)) add.run(day, modality);
      }
      this.setFact('plan', JSON.stringify(plan));
      this.setFact('plan number', String(Number(this.fact('plan number') ?? 0) + 1));
      this.setFact('begun at', new Date().toISOString());
      this.setFact('state', 'running');
    });
  }

  /** The next query to ask; undefined: none is due. */
  nextSlice(now = Date.now()): { id: number; day: string; modality: string; attempts: number } | undefined {
    return this.#all(
      `SELECT id, day, modality, attempts FROM slices WHERE state = 'todo' AND due_ms <= ? ORDER BY id LIMIT 1`,
      now,
    )[0] as never;
  }

  listed(slice: number, studies: readonly PacsStudy[]): void {
    this.#transaction(() => {
      for (const study of studies) this.#add(study, PRIORITY.plan, slice, null);
      this.#run(`UPDATE slices SET state = 'listed', reason = '' WHERE id = ?`, slice);
    });
  }

  sliceFailed(slice: number, reason: string, againMs: number | null): void {
    this.#run(
      `UPDATE slices SET state = ?, attempts = attempts + 1, reason = ?, due_ms = ? WHERE id = ?`,
      againMs === null ? 'failed' : 'todo',
      reason,
      Date.now() + (againMs ?? 0),
      slice,
    );
  }

  /** A study is fetched before all others. @param dueAt begin of the appointment, `YYYYMMDDHHMM` */
  urge(study: PacsStudy, dueAt: string): void {
    this.#add(study, PRIORITY.prior, null, dueAt);
  }

  #add(study: PacsStudy, priority: number, slice: number | null, dueAt: string | null): void {
    this.#run(
      `INSERT INTO studies (study_instance_uid, slice, priority, patient_name, patient_id, study_date, expected, state, due_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'todo', ?)
       ON CONFLICT (study_instance_uid) DO UPDATE SET priority = min(priority, excluded.priority),
         slice = coalesce(slice, excluded.slice), due_at = coalesce(excluded.due_at, due_at),
         state = CASE WHEN state = 'done' AND excluded.expected <> expected THEN 'todo' ELSE state END`,
      study.studyInstanceUID,
      slice,
      priority,
      study.patientName,
      study.patientID,
      study.studyDate,
      study.instances ?? null,
      dueAt,
    );
  }

  /** @param busy studies that are being fetched @param urgentOnly only those of expected patients */
  nextStudy(busy: ReadonlySet<string>, urgentOnly: boolean, now = Date.now()): StudyJob | undefined {
    const rows = this.#all(
      `SELECT study_instance_uid, priority, attempts FROM studies WHERE state = 'todo' AND due_ms <= ? AND priority <= ?
       ORDER BY priority, due_at, slice, id LIMIT ?`,
      now,
      urgentOnly ? PRIORITY.prior : PRIORITY.plan,
      busy.size + 1,
    );
    const row = rows.find((one) => !busy.has(String(one['study_instance_uid'])));
    return (
      row && {
        studyInstanceUID: String(row['study_instance_uid']),
        urgent: Number(row['priority']) === PRIORITY.prior,
        attempts: Number(row['attempts']),
      }
    );
  }

  studyDone(uid: string, expected: number): void {
    this.#run(
      `UPDATE studies SET state = 'done', expected = ?, here = ?, reason = '', settled_at = ? WHERE study_instance_uid = ?`,
      expected,
      expected,
      new Date().toISOString(),
      uid,
    );
  }

  /** @param againMs tried again after this; null: given up until a person says so */
  studyFailed(
    uid: string,
    reason: string,
    counts: { expected: number | null; here: number | null },
    againMs: number | null,
  ): void {
    this.#run(
      `UPDATE studies SET state = ?, attempts = attempts + 1, reason = ?, expected = coalesce(?, expected),
         here = coalesce(?, here), due_ms = ?, settled_at = ? WHERE study_instance_uid = ?`,
      againMs === null ? 'failed' : 'todo',
      reason,
      counts.expected,
      counts.here,
      Date.now() + (againMs ?? 0),
      new Date().toISOString(),
      uid,
    );
  }

  /** Everything that failed is tried again now. */
  retry(): void {
    this.#run(`UPDATE studies SET state = 'todo', attempts = 0, due_ms = 0 WHERE state IN ('failed', 'todo')`);
    this.#run(`UPDATE slices SET state = 'todo', attempts = 0, due_ms = 0 WHERE state = 'failed' OR due_ms > 0`);
    if (this.state === 'done') this.state = 'running';
  }

  /** Something of the plan is still to do, now or later. */
  hasWork(): boolean {
    return (
      this.#all(`SELECT 1 FROM slices WHERE state = 'todo' LIMIT 1`).length > 0 ||
      this.#all(`SELECT 1 FROM studies WHERE state = 'todo' AND priority = ? LIMIT 1`, PRIORITY.plan).length > 0
    );
  }

  counts() {
    const by = (sql: string, ...values: SQLInputValue[]) =>
      new Map(this.#all(sql, ...values).map((row) => [String(row['state']), row]));
    const slices = by('SELECT state, count(*) AS n FROM slices GROUP BY state');
    const studies = by(
      'SELECT state, count(*) AS n, sum(coalesce(expected, 0)) AS images FROM studies WHERE slice IS NOT NULL GROUP BY state',
    );
    const priors = by('SELECT state, count(*) AS n FROM studies WHERE priority = ? GROUP BY state', PRIORITY.prior);
    const n = (rows: Map<string, Row>, state: string, column = 'n') => Number(rows.get(state)?.[column] ?? 0);
    const all = (rows: Map<string, Row>, column = 'n') =>
      [...rows.keys()].reduce((sum, key) => sum + n(rows, key, column), 0);
    return {
      slices: all(slices),
      slicesDone: n(slices, 'listed') + n(slices, 'failed'),
      at:
        (this.#all(`SELECT day FROM slices WHERE state <> 'todo' ORDER BY id DESC LIMIT 1`)[0]?.['day'] as string) ??
        null,
      studies: all(studies),
      studiesDone: n(studies, 'done'),
      studiesFailed: n(studies, 'failed'),
      images: all(studies, 'images'),
      imagesDone: n(studies, 'done', 'images'),
      priors: all(priors),
      priorsDone: n(priors, 'done'),
    };
  }

  problems(): BackfillProblem[] {
    const studies = this.#all(
      `SELECT * FROM studies WHERE state = 'failed' OR (state = 'todo' AND attempts > 0)
       ORDER BY state, settled_at DESC LIMIT ?`,
      PROBLEMS_SHOWN,
    ).map((row) => ({
      studyInstanceUID: String(row['study_instance_uid']),
      patientName: String(row['patient_name']),
      patientID: String(row['patient_id']),
      studyDate: String(row['study_date']),
      expected: row['expected'] as number | null,
      here: row['here'] as number | null,
      attempts: Number(row['attempts']),
      reason: String(row['reason']),
    }));
    const slices = this.#all(`SELECT * FROM slices WHERE reason <> '' LIMIT ?`, PROBLEMS_SHOWN).map((row) => ({
      studyInstanceUID: '',
      patientName: '',
      patientID: '',
      studyDate: String(row['day']),
      expected: null,
      here: null,
      attempts: Number(row['attempts']),
      reason: `The PACS could not be asked for this day${row['modality'] ? ` and ${row['modality']}` : ''}: ${row['reason']}`,
    }));
    return [...slices, ...studies].slice(0, PROBLEMS_SHOWN);
  }

  /** What becomes of a study: why it is not here. */
  study(uid: string): { state: string; reason: string; expected: number | null } | undefined {
    return this.#all('SELECT state, reason, expected FROM studies WHERE study_instance_uid = ?', uid)[0] as never;
  }

  fact(name: string): string | undefined {
    return this.#all('SELECT value FROM facts WHERE name = ?', name)[0]?.['value'] as string | undefined;
  }

  setFact(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO facts VALUES (?, ?)', name, value);
  }

  /** The PACS said what it has of a patient. */
  knowPatient(patientID: string, issuer: string, studies: readonly PacsStudy[]): void {
    this.#transaction(() => {
      this.#run('DELETE FROM pacs_studies WHERE patient_id = ? AND (issuer = ? OR issuer = ?)', patientID, issuer, '');
      for (const study of studies) this.#know(study);
      this.#run('INSERT OR REPLACE INTO patients VALUES (?, ?, ?)', patientID, issuer, new Date().toISOString());
    });
  }

  /** The PACS said what it has of a day. */
  knowDay(day: string, studies: readonly PacsStudy[]): void {
    this.#transaction(() => {
      this.#run('DELETE FROM pacs_studies WHERE study_date = ?', day);
      for (const study of studies) this.#know({ ...study, studyDate: day });
      this.#run('INSERT OR REPLACE INTO days VALUES (?, ?)', day, new Date().toISOString());
    });
  }

  #know(study: PacsStudy): void {
    const { studyInstanceUID, patientID, issuerOfPatientID, studyDate } = study;
    this.#run(
      'INSERT OR REPLACE INTO pacs_studies VALUES (?, ?, ?, ?, ?)',
      studyInstanceUID,
      patientID,
      issuerOfPatientID,
      studyDate,
      JSON.stringify(study),
    );
  }

  /** UTC ISO; null: never. */
  patientAskedAt(patientID: string, issuer: string): string | null {
    const sql = 'SELECT asked_at FROM patients WHERE patient_id = ? AND issuer = ?';
    return (this.#all(sql, patientID, issuer)[0]?.['asked_at'] as string | undefined) ?? null;
  }

  dayAskedAt(day: string): string | null {
    return (this.#all('SELECT asked_at FROM days WHERE day = ?', day)[0]?.['asked_at'] as string | undefined) ?? null;
  }

  /** What the PACS last said it has, newest first. */
  knownOfPatient(patientID: string): PacsStudy[] {
    return this.#known('patient_id = ?', patientID);
  }

  knownOfDay(day: string): PacsStudy[] {
    return this.#known('study_date = ?', day);
  }

  #known(where: string, value: string): PacsStudy[] {
    return this.#all(`SELECT study FROM pacs_studies WHERE ${where} ORDER BY study_date DESC`, value).map(
      (row) => JSON.parse(String(row['study'])) as PacsStudy,
    );
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

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }));
  }

  close(): void {
    this.#db.close();
  }
}
