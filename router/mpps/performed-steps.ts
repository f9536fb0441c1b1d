import type { PerformedStep, StepsOwed } from '../../contract/ris.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { RisDatabase, Row } from '../worklist/ris-database.ts';
import { firstText } from '../worklist/worklist-fields.ts';

const STATUS = '00400252';
const SCHEDULED_STEPS = '00400270';
const PERFORMED_SERIES = '00400340';
const IMAGES = '00081140';
const OTHER_OBJECTS = '00400220';
const STUDY = '0020000D';
const STEP_ID = '00400009';
const REFERENCED_SOP = '00081155';

export type StepOperation = 'create' | 'set';
/** What came of a report. */
export type StepOutcome = 'kept' | 'duplicate' | 'unknown' | 'final';

export interface StepMessage {
  id: number;
  sopInstanceUID: string;
  operation: StepOperation;
  dataSet: DicomJson;
  attempts: number;
}

/** A step with the SOP Instance UIDs that the scanner says it made. */
export interface ReportedStep extends Omit<PerformedStep, 'images' | 'missing'> {
  sopInstanceUID: string;
  studyInstanceUIDs: string[];
  references: string[];
  patientName: string;
  patientID: string;
}

/** Performed procedure steps (MPPS, PS3.4 Annex F) as scanners reported them, and what of that is owed to whom. */
export class PerformedSteps {
  readonly #db: RisDatabase;
  readonly #destinations: readonly string[];
  readonly #now: () => Date;

  /** @param destinations names of those to whom everything is passed on */
  constructor(db: RisDatabase, destinations: readonly string[], now: () => Date = () => new Date()) {
    this.#db = db;
    this.#destinations = destinations;
    this.#now = now;
  }

  /** N-CREATE. On stable storage when it returns. */
  create(uid: string, dataSet: DicomJson, from: { callingAE: string; address: string }): StepOutcome {
    const at = this.#now().toISOString();
    return this.#db.transaction(() => {
      if (this.#find(uid)) return 'duplicate';
      this.#db.run(
        'INSERT INTO performed_steps VALUES (?, ?, ?, ?, ?, ?, ?)',
        uid,
        firstText(dataSet[STATUS]),
        JSON.stringify(dataSet),
        from.callingAE,
        from.address,
        at,
        at,
      );
      this.#note(uid, 'create', dataSet, dataSet, at);
      return 'kept';
    });
  }

  /** N-SET. On stable storage when it returns. */
  set(uid: string, dataSet: DicomJson): StepOutcome {
    const at = this.#now().toISOString();
    return this.#db.transaction(() => {
      const step = this.#find(uid);
      if (!step) return 'unknown';
      if (step['status'] !== 'IN PROGRESS') return 'final';
      const merged = { ...(JSON.parse(String(step['data_set'])) as DicomJson), ...dataSet };
      this.#db.run(
        'UPDATE performed_steps SET status = ?, data_set = ?, changed_at = ? WHERE sop_instance_uid = ?',
        firstText(merged[STATUS]),
        JSON.stringify(merged),
        at,
        uid,
      );
      this.#note(uid, 'set', dataSet, merged, at);
      return 'kept';
    });
  }

  #note(uid: string, operation: StepOperation, dataSet: DicomJson, whole: DicomJson, at: string): void {
    for (const study of studiesOf(whole))
      this.#db.run('INSERT OR IGNORE INTO performed_studies VALUES (?, ?)', study, uid);
    const { id } = this.#db.run(
      'INSERT INTO performed_messages (sop_instance_uid, operation, data_set, received_at) VALUES (?, ?, ?, ?)',
      uid,
      operation,
      JSON.stringify(dataSet),
      at,
    );
    for (const destination of this.#destinations)
      this.#db.run(
        `INSERT INTO performed_owed (destination, message, sop_instance_uid, state) VALUES (?, ?, ?, 'waiting')`,
        destination,
        id,
        uid,
      );
  }

  #find(uid: string): Row | undefined {
    return this.#db.get('SELECT * FROM performed_steps WHERE sop_instance_uid = ?', uid);
  }

  /** Scheduled steps that a performed step is of, and how it stands. */
  scheduledOf(uid: string): { status: string; scheduled: { studyInstanceUID: string; stepID: string }[] } | undefined {
    const row = this.#find(uid);
    if (!row) return undefined;
    const dataSet = JSON.parse(String(row['data_set'])) as DicomJson;
    const scheduled = itemsOf(dataSet, SCHEDULED_STEPS).map((item) => ({
      studyInstanceUID: firstText(item[STUDY]),
      stepID: firstText(item[STEP_ID]),
    }));
    return { status: String(row['status']), scheduled };
  }

  /** Steps of a study, in the order they were begun. */
  ofStudy(studyInstanceUID: string): ReportedStep[] {
    return this.#db
      .all(
        `SELECT performed_steps.* FROM performed_studies JOIN performed_steps USING (sop_instance_uid)
         WHERE study_instance_uid = ? ORDER BY created_at`,
        studyInstanceUID,
      )
      .map(reported);
  }

  /** Steps reported on since then. @param since UTC ISO */
  since(since: string): ReportedStep[] {
    return this.#db.all('SELECT * FROM performed_steps WHERE changed_at >= ? ORDER BY changed_at', since).map(reported);
  }

  /** What is to be sent next to a destination: the earliest that is due and whose step has nothing unsettled before it. */
  next(destination: string): StepMessage | undefined {
    const row = this.#db.get(
      `SELECT performed_messages.*, owed.attempts FROM performed_owed AS owed
       JOIN performed_messages ON performed_messages.id = owed.message
       WHERE owed.destination = ? AND owed.state = 'waiting' AND owed.due_ms <= ?
         AND NOT EXISTS (SELECT 1 FROM performed_owed AS before WHERE before.destination = owed.destination
           AND before.sop_instance_uid = owed.sop_instance_uid AND before.message < owed.message
           AND before.state IN ('waiting', 'person'))
       ORDER BY owed.message LIMIT 1`,
      destination,
      this.#now().getTime(),
    );
    return (
      row && {
        id: Number(row['id']),
        sopInstanceUID: String(row['sop_instance_uid']),
        operation: row['operation'] as StepOperation,
        dataSet: JSON.parse(String(row['data_set'])) as DicomJson,
        attempts: Number(row['attempts']),
      }
    );
  }

  settle(destination: string, message: number, state: 'sent' | 'person', words: string): void {
    this.#db.run(
      `UPDATE performed_owed SET state = ?, words = ?, attempts = attempts + 1, settled_at = ?
       WHERE destination = ? AND message = ?`,
      state,
      words,
      this.#now().toISOString(),
      destination,
      message,
    );
  }

  /** Tried in vain: again after this time. */
  postpone(destination: string, message: number, afterMs: number, words: string): void {
    this.#db.run(
      'UPDATE performed_owed SET attempts = attempts + 1, due_ms = ?, words = ? WHERE destination = ? AND message = ?',
      Math.round(this.#now().getTime() + afterMs),
      words,
      destination,
      message,
    );
  }

  /** `retry`: everything unsettled is tried at once. `skip`: what a person has to look at is given up. */
  byHand(destination: string, action: 'retry' | 'skip'): void {
    if (action === 'skip')
      this.#db.run(
        `UPDATE performed_owed SET state = 'skipped' WHERE destination = ? AND state = 'person'`,
        destination,
      );
    else
      this.#db.run(
        `UPDATE performed_owed SET state = 'waiting', due_ms = 0 WHERE destination = ? AND state IN ('waiting', 'person')`,
        destination,
      );
  }

  owed(): StepsOwed[] {
    return this.#destinations.map((destination) => {
      const counts = new Map(
        this.#db
          .all('SELECT state, count(*) AS n FROM performed_owed WHERE destination = ? GROUP BY state', destination)
          .map((row) => [String(row['state']), Number(row['n'])]),
      );
      const last = this.#db.get(
        `SELECT words FROM performed_owed WHERE destination = ? AND state IN ('waiting', 'person') AND words <> ''
         ORDER BY message DESC LIMIT 1`,
        destination,
      );
      return {
        destination,
        waiting: counts.get('waiting') ?? 0,
        person: counts.get('person') ?? 0,
        sent: counts.get('sent') ?? 0,
        trouble: String(last?.['words'] ?? ''),
      };
    });
  }
}

function reported(row: Row): ReportedStep {
  const dataSet = JSON.parse(String(row['data_set'])) as DicomJson;
  return {
    sopInstanceUID: String(row['sop_instance_uid']),
    status: String(row['status']),
    callingAE: String(row['calling_ae']),
    at: String(row['changed_at']),
    studyInstanceUIDs: studiesOf(dataSet),
    references: referencesOf(dataSet),
    patientName: firstText(dataSet['00100010']),
    patientID: firstText(dataSet['00100020']),
  };
}

const itemsOf = (json: DicomJson, tag: string) => (json[tag]?.Value ?? []).map((item) => (item ?? {}) as DicomJson);

function studiesOf(dataSet: DicomJson): string[] {
  const uids = itemsOf(dataSet, SCHEDULED_STEPS).map((item) => firstText(item[STUDY]));
  return [...new Set(uids.filter((uid) => uid !== ''))];
}

function referencesOf(dataSet: DicomJson): string[] {
  const uids = itemsOf(dataSet, PERFORMED_SERIES).flatMap((series) =>
    [...itemsOf(series, IMAGES), ...itemsOf(series, OTHER_OBJECTS)].map((item) => firstText(item[REFERENCED_SOP])),
  );
  return [...new Set(uids.filter((uid) => uid !== ''))];
}
