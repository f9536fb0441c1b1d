import { randomInt } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import type { ScheduleFields, UnscheduledRow } from '../../contract/ris.ts';
import type { RisDatabase, Row } from './ris-database.ts';
import { dayOf, newUID, type WorklistStore } from './worklist-store.ts';

/** Letters and digits that nobody mistakes for each other. */
const SAFE = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const SHOW_RESOLVED_DAYS = 30;

export type UnscheduledEntry = Omit<UnscheduledRow, 'images'>;

/**
 * People whom nobody had an order for: each gets an ID, an accession number and a Study Instance UID of its own, stands in the
 * worklist at once, and stays in a list until somebody has said to whom the study belongs.
 */
export class UnscheduledPatients {
  readonly #db: RisDatabase;
  readonly #worklist: WorklistStore;
  readonly #now: () => Date;

  constructor(db: RisDatabase, worklist: WorklistStore, now: () => Date = () => new Date()) {
    this.#db = db;
    this.#worklist = worklist;
    this.#now = now;
  }

  /** The number of the entry. */
  add(given: Partial<ScheduleFields>, note: string, by: string): number {
    const now = this.#now();
    const code = Array.from({ length: 6 }, () => SAFE[randomInt(SAFE.length)]).join('');
    const day = dayOf(now).slice(2);
    const patientID = `LB${day}-${code}`;
    const accessionNumber = `LBA${day}${code}`;
    const studyInstanceUID = newUID();
    const fields: Partial<ScheduleFields> = {
      ...given,
      patientName: given.patientName || `UNKNOWN^${code}`,
      patientID,
      issuerOfPatientID: 'LIFEBOAT',
      accessionNumber,
      studyInstanceUID,
    };
    return this.#db.transaction(() => {
      const worklistId = this.#worklist.add('unscheduled', fields, by);
      return this.#db.run(
        `INSERT INTO unscheduled (worklist_id, patient_id, accession_number, study_instance_uid, note, made_by, made_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        worklistId,
        patientID,
        accessionNumber,
        studyInstanceUID,
        note,
        by,
        now.toISOString(),
      ).id;
    });
  }

  /** Open ones first, newest first; resolved ones for 30 days, or all of them. */
  list(options: { all?: boolean } = {}): UnscheduledEntry[] {
    const since = new Date(this.#now().getTime() - SHOW_RESOLVED_DAYS * 86_400_000).toISOString();
    return this.#db
      .all(
        `SELECT * FROM unscheduled
         WHERE resolved_at IS NULL OR resolved_at > ? ORDER BY resolved_at IS NOT NULL, made_at DESC`,
        options.all ? '' : since,
      )
      .map((row) => this.#entry(row));
  }

  /** The open entry that a study belongs to, by any of what it was given. */
  open(study: {
    studyInstanceUID: string;
    patientID?: string;
    accessionNumber?: string;
  }): UnscheduledEntry | undefined {
    return this.list().find(
      (each) =>
        each.resolvedAt === null &&
        (each.studyInstanceUID === study.studyInstanceUID ||
          each.patientID === study.patientID ||
          each.accessionNumber === study.accessionNumber),
    );
  }

  /** Says to which order or patient the study belongs. @throws NOT_FOUND */
  resolve(id: number, to: string, by: string): void {
    const { changes } = this.#db.run(
      'UPDATE unscheduled SET resolved_at = ?, resolved_by = ?, resolved_to = ? WHERE id = ?',
      this.#now().toISOString(),
      by,
      to,
      id,
    );
    if (changes === 0) throw new LifeboatError('NOT_FOUND', 'There is no such unscheduled patient.');
  }

  #entry(row: Row): UnscheduledEntry {
    const scheduled = this.#worklist.find(Number(row['worklist_id']));
    const text = (name: string) => String(row[name] ?? '');
    const orNull = (name: string) => (row[name] as string | null) ?? null;
    return {
      id: Number(row['id']),
      patientName: scheduled?.fields.patientName ?? '',
      patientID: text('patient_id'),
      accessionNumber: text('accession_number'),
      studyInstanceUID: text('study_instance_uid'),
      modality: scheduled?.fields.modality ?? '',
      note: text('note'),
      by: text('made_by'),
      at: text('made_at'),
      resolvedAt: orNull('resolved_at'),
      resolvedBy: orNull('resolved_by'),
      resolvedTo: orNull('resolved_to'),
    };
  }
}
