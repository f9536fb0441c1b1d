import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import type { RisState, ScheduleFields, ScheduleRow } from '../../contract/ris.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { RisDatabase, Row } from './ris-database.ts';
import { fieldsOf, startsOf, withFields } from './worklist-fields.ts';

/** Entries whose step was to begin so long ago are forgotten, days. */
const KEEP_DAYS = 30;
/** An empty list after at least so many entries is believed only when it comes again. */
const SUSPICIOUS_FROM = 5;
const EMPTY_ANSWERS_BELIEVED = 3;
const DONE = `coalesce(worklist_performed.status = 'COMPLETED' AND worklist_performed.at > seen_at, 0)`;

/** A worklist item as scanners are told it. */
export interface WorklistItem {
  id: number;
  origin: ScheduleRow['origin'];
  item: DicomJson;
  fields: ScheduleFields;
}

/** The span that the RIS was asked for, YYYYMMDD inclusive. */
export interface AskedSpan {
  from: string;
  to: string;
}

/** A new UID under the root for UUIDs (PS3.5 B.2). */
export function newUID(): string {
  return `2.25.${BigInt(`0x${randomBytes(16).toString('hex')}`)}`;
}

/** The worklist as it was last known: what the RIS answered, what was changed and added by hand. */
export class WorklistStore {
  readonly #db: RisDatabase;
  readonly #now: () => Date;

  constructor(db: RisDatabase, now: () => Date = () => new Date()) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Takes a complete answer of the RIS for a span of days. What it has no more is not told to scanners any more; changes by hand
   * stay. An empty list where there was a full one is taken only when the RIS says so three times in a row.
   * @returns false: the answer was not believed, the former one stays
   */
  answered(items: readonly DicomJson[], { from, to }: AskedSpan): boolean {
    const at = this.#now().toISOString();
    return this.#db.transaction(() => {
      const inSpan = `origin = 'ris' AND gone_at IS NULL AND (starts = '' OR substr(starts, 1, 8) BETWEEN ? AND ?)`;
      const open = Number(this.#db.get(`SELECT count(*) AS n FROM worklist WHERE ${inSpan}`, from, to)?.['n']);
      const empty = items.length === 0 ? Number(this.#db.fact('empty answers') ?? 0) + 1 : 0;
      this.#db.setFact('empty answers', String(empty));
      if (empty > 0 && empty < EMPTY_ANSWERS_BELIEVED && open >= SUSPICIOUS_FROM) return false;
      for (const item of items) {
        const fields = fieldsOf(item);
        this.#db.run(
          `INSERT INTO worklist (ris_key, origin, item, starts, seen_at) VALUES (?, 'ris', ?, ?, ?)
           ON CONFLICT (ris_key) DO UPDATE SET item = excluded.item, starts = excluded.starts, seen_at = excluded.seen_at,
             gone_at = NULL`,
          keyOf(fields),
          JSON.stringify(item),
          startsOf(fields),
          at,
        );
      }
      this.#db.run(`UPDATE worklist SET gone_at = ? WHERE ${inSpan} AND seen_at < ?`, at, from, to, at);
      const forgotten = dayOf(this.#now(), -KEEP_DAYS);
      this.#db.run(
        `DELETE FROM worklist WHERE starts <> '' AND starts < ? AND id NOT IN (SELECT worklist_id FROM unscheduled)`,
        forgotten,
      );
      this.#db.setFact('answered at', at);
      this.#db.run(`DELETE FROM ris_facts WHERE name IN ('away since', 'trouble')`);
      return true;
    });
  }

  /** The RIS did not answer, or not completely. */
  failed(reason: string): void {
    this.#db.transaction(() => {
      if (this.#db.fact('away since') === undefined) this.#db.setFact('away since', this.#now().toISOString());
      this.#db.setFact('trouble', reason);
    });
  }

  risState(address: string | null): RisState {
    const answeredAt = this.#db.fact('answered at') ?? null;
    const awaySince = this.#db.fact('away since') ?? null;
    const state = awaySince ? 'away' : answeredAt ? 'answers' : 'not asked yet';
    return { address, state, answeredAt, awaySince, trouble: this.#db.fact('trouble') ?? '' };
  }

  /**
   * Everything that scanners may be told, earliest first: not what a scanner has reported as done, unless the RIS still lists it
   * after that.
   */
  items(): WorklistItem[] {
    return this.#rows(`gone_at IS NULL AND hidden = 0 AND NOT ${DONE}`).map(itemOf);
  }

  /** A scanner reported on the step (MPPS) of a study; an empty step ID stands for all steps of it. */
  performed({ studyInstanceUID, stepID }: { studyInstanceUID: string; stepID: string }, status: string): void {
    const rows = this.#rows(`gone_at IS NULL AND instr(item, ?) > 0`, JSON.stringify(studyInstanceUID));
    for (const { id, fields } of rows.map(itemOf)) {
      if (fields.studyInstanceUID !== studyInstanceUID || (stepID !== '' && fields.stepID !== stepID)) continue;
      const at = this.#now().toISOString();
      this.#db.run('INSERT OR REPLACE INTO worklist_performed VALUES (?, ?, ?)', id, status, at);
    }
  }

  /** For people. @param from @param to YYYYMMDD, inclusive */
  schedule(from: string, to: string): ScheduleRow[] {
    return this.#rows(
      `gone_at IS NULL AND hidden = 0 AND (starts = '' OR substr(starts, 1, 8) BETWEEN ? AND ?)`,
      from,
      to,
    ).map((row) => ({
      ...itemOf(row).fields,
      id: Number(row['id']),
      origin: row['origin'] as ScheduleRow['origin'],
      edited: Object.keys(editsOf(row)) as (keyof ScheduleFields)[],
      editedBy: String(row['edited_by'] ?? ''),
      editedAt: String(row['edited_at'] ?? ''),
      seenAt: String(row['seen_at']),
      performed: String(row['performed'] ?? ''),
    }));
  }

  /** Also one that scanners are not told any more. */
  find(id: number): WorklistItem | undefined {
    return this.#rows('id = ?', id).map(itemOf)[0];
  }

  /** An entry by hand; what scanners need and nobody gave is made up. @returns its number */
  add(origin: 'hand' | 'unscheduled', given: Partial<ScheduleFields>, by: string): number {
    const now = this.#now();
    const short = now.getTime().toString(36).toUpperCase().slice(-7);
    const fields: Partial<ScheduleFields> = {
      studyInstanceUID: newUID(),
      startDate: dayOf(now),
      startTime: timeOf(now),
      stepID: `S${short}`,
      requestedProcedureID: `P${short}`,
      requestedProcedure: given.description ?? '',
      ...given,
    };
    const item = withFields({}, fields);
    const at = now.toISOString();
    const { id } = this.#db.run(
      `INSERT INTO worklist (origin, item, starts, seen_at, edited_by, edited_at) VALUES (?, ?, ?, ?, ?, ?)`,
      origin,
      JSON.stringify(item),
      startsOf(fieldsOf(item)),
      at,
      by,
      at,
    );
    return id;
  }

  /** Scanners are told this from now on, whatever the RIS says. @throws NOT_FOUND */
  edit(id: number, fields: Partial<ScheduleFields>, by: string): void {
    const row = this.#rows('id = ?', id)[0];
    if (!row) throw new LifeboatError('NOT_FOUND', 'There is no such entry in the list any more.');
    const original = fieldsOf(JSON.parse(String(row['item'])) as DicomJson);
    const edits = Object.fromEntries(
      Object.entries({ ...editsOf(row), ...fields }).filter(
        ([name, text]) => original[name as keyof ScheduleFields] !== text,
      ),
    );
    const starts = startsOf({ ...original, ...edits });
    this.#db.run(
      'UPDATE worklist SET edits = ?, edited_by = ?, edited_at = ?, starts = ? WHERE id = ?',
      JSON.stringify(edits),
      by,
      this.#now().toISOString(),
      starts,
      id,
    );
  }

  /** Takes changes by hand back; an entry by hand is removed. @throws NOT_FOUND */
  undo(id: number): void {
    const row = this.#rows('id = ?', id)[0];
    if (!row) throw new LifeboatError('NOT_FOUND', 'There is no such entry in the list any more.');
    if (row['origin'] !== 'ris') {
      this.#db.run('UPDATE worklist SET hidden = 1 WHERE id = ?', id);
      return;
    }
    const starts = startsOf(fieldsOf(JSON.parse(String(row['item'])) as DicomJson));
    this.#db.run(
      'UPDATE worklist SET edits = NULL, edited_by = NULL, edited_at = NULL, starts = ? WHERE id = ?',
      starts,
      id,
    );
  }

  #rows(where: string, ...values: (string | number)[]): Row[] {
    return this.#db.all(
      `SELECT worklist.*, worklist_performed.status AS performed FROM worklist
       LEFT JOIN worklist_performed ON worklist_performed.worklist_id = worklist.id
       WHERE ${where} ORDER BY starts, id`,
      ...values,
    );
  }
}

function editsOf(row: Row): Partial<ScheduleFields> {
  return row['edits'] ? (JSON.parse(String(row['edits'])) as Partial<ScheduleFields>) : {};
}

function itemOf(row: Row): WorklistItem {
  const item = withFields(JSON.parse(String(row['item'])) as DicomJson, editsOf(row));
  return { id: Number(row['id']), origin: row['origin'] as ScheduleRow['origin'], item, fields: fieldsOf(item) };
}

/** What makes an item of the RIS the same one as before. */
function keyOf(fields: ScheduleFields): string {
  const { studyInstanceUID, accessionNumber, requestedProcedureID, stepID, patientID } = fields;
  return JSON.stringify([studyInstanceUID, accessionNumber, requestedProcedureID, stepID, patientID]);
}

const two = (n: number) => String(n).padStart(2, '0');

/** Local day as YYYYMMDD. */
export function dayOf(date: Date, plusDays = 0): string {
  const day = new Date(date.getFullYear(), date.getMonth(), date.getDate() + plusDays);
  return `${day.getFullYear()}${two(day.getMonth() + 1)}${two(day.getDate())}`;
}

const timeOf = (date: Date) => `${two(date.getHours())}${two(date.getMinutes())}`;
