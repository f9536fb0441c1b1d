import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import type { FindingRow, GrowthPoint, PassRow, RepairRow } from '../contract/integrity.ts';
import type { Finding, VerifySummary } from './verify-types.ts';
import { countOf, severityOf } from './verify-types.ts';

/** A pass that is not finished, as it survives a restart. */
export interface OpenPass {
  startedAt: string;
  /** Path of the last study that is done; '' at the beginning. */
  position: string;
  summary: VerifySummary;
  /** Studies that store and catalogue share, so far. */
  shared: number;
  /** Instances and bytes by day of receipt, so far. */
  received: Record<string, [instances: number, bytes: number]>;
}

const TABLES = `
  create table if not exists open_pass (singleton integer primary key, json text not null);
  create table if not exists pass (started_at text primary key, ended_at text not null, by text not null, studies integer not null,
    segments integer not null, sound integer not null, bytes integer not null, errors integer not null,
    not_checked integer not null, notes integer not null);
  create table if not exists finding (id integer primary key, path text not null, kind text not null, severity text not null,
    key text not null, study_uid text not null, sop_uid text not null, patient_id text not null, patient_name text not null,
    study_date text not null, description text not null, text text not null, found_at text not null, seen_at text not null,
    state text not null, resolved_at text);
  create index if not exists finding_by_path on finding (path) where state = 'open';
  create index if not exists finding_by_state on finding (state, severity);
  create table if not exists repair (id integer primary key, at text not null, by text not null, key text not null,
    study_uid text not null, sop_uid text not null, kind text not null, source text not null, outcome text not null,
    detail text not null);
  create table if not exists growth (day text primary key, instances integer not null, bytes integer not null);`;

type Row = Record<string, SQLOutputValue>;

/**
 * What is known about the archive's integrity, in LIFEBOAT_DATA/integrity.sqlite: the pass at work, past passes, findings open
 * and resolved, repairs, growth. Findings can be found again; the rest is history.
 */
export class ScrubState {
  readonly #db: DatabaseSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file);
    this.#db.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000; ${TABLES}`);
  }

  openPass(): OpenPass | null {
    const row = this.#get('select json from open_pass where singleton = 1');
    return row ? (JSON.parse(String(row['json'])) as OpenPass) : null;
  }

  /** One transaction: the position never runs ahead of the findings. */
  studyDone(pass: OpenPass, path: string, findings: Finding[]): void {
    this.#together(() => {
      this.#record(path, findings);
      this.#run('insert or replace into open_pass values (1, ?)', JSON.stringify(pass));
    });
  }

  /** What was found at a place now: open findings of that place that are not among them are gone. */
  record(path: string, findings: Finding[]): void {
    this.#together(() => this.#record(path, findings));
  }

  passDone(summary: VerifySummary, startedAt: string, by: PassRow['by']): void {
    this.#together(() => {
      if (by === 'scrub') this.#run('delete from open_pass');
      // every place was visited since: what was not found again is not there any more
      this.#run(
        "update finding set state = 'gone', resolved_at = ? where state = 'open' and seen_at < ?",
        now(),
        startedAt,
      );
      const { studies, segments, sound, bytes } = summary;
      this.#run(
        'insert or replace into pass values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[startedAt, now(), by, studies, segments, sound, bytes],
        ...[countOf(summary, 'error'), countOf(summary, 'not-checked'), countOf(summary, 'note')],
      );
    });
  }

  lastPass(options: { clean?: boolean; by?: PassRow['by'] } = {}): PassRow | null {
    const clean = options.clean ? 'and errors = 0 and not_checked = 0' : '';
    const row = this.#get(
      `select * from pass where by like ? ${clean} order by ended_at desc limit 1`,
      options.by ?? '%',
    );
    return row ? passRow(row) : null;
  }

  findings(state: FindingRow['state'] | 'all' = 'open', limit = 1000): FindingRow[] {
    const where = state === 'all' ? '' : 'where state = ?';
    const order = "order by case severity when 'error' then 0 when 'not-checked' then 1 else 2 end, id desc limit ?";
    const values = state === 'all' ? [limit] : [state, limit];
    return this.#all(`select * from finding ${where} ${order}`, ...values).map(findingRow);
  }

  findingsOfStudy(studyInstanceUID: string): FindingRow[] {
    return this.#all("select * from finding where study_uid = ? and state = 'open'", studyInstanceUID).map(findingRow);
  }

  finding(id: number): FindingRow | null {
    const row = this.#get('select * from finding where id = ?', id);
    return row ? findingRow(row) : null;
  }

  counts(): { open: number; notChecked: number; notes: number; repaired: number } {
    const counts = { open: 0, notChecked: 0, notes: 0, repaired: 0 };
    for (const row of this.#all('select state, severity, count(*) as n from finding group by state, severity')) {
      const n = Number(row['n']);
      if (row['state'] === 'repaired') counts.repaired += n;
      else if (row['state'] === 'open')
        counts[row['severity'] === 'error' ? 'open' : row['severity'] === 'note' ? 'notes' : 'notChecked'] += n;
    }
    return counts;
  }

  /** Writes a repair down; one that worked closes the open findings about that key. */
  repaired(repair: RepairRow): void {
    this.#together(() => {
      const { at, by, key, studyInstanceUID, sopInstanceUID, kind, source, outcome, detail } = repair;
      this.#run(
        `insert into repair (at, by, key, study_uid, sop_uid, kind, source, outcome, detail)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[at, by, key, studyInstanceUID, sopInstanceUID, kind, source, outcome, detail],
      );
      if (outcome === 'repaired')
        this.#run("update finding set state = 'repaired', resolved_at = ? where key = ? and state = 'open'", at, key);
    });
  }

  repairs(limit = 1000): RepairRow[] {
    return this.#all('select * from repair order by id desc limit ?', limit).map((row) => ({
      at: String(row['at']),
      by: String(row['by']),
      key: String(row['key']),
      studyInstanceUID: String(row['study_uid']),
      sopInstanceUID: String(row['sop_uid']),
      kind: String(row['kind']),
      source: String(row['source']),
      outcome: row['outcome'] === 'repaired' ? 'repaired' : 'failed',
      detail: String(row['detail']),
    }));
  }

  /** Totals at the end of a day (of today: so far). */
  grew(point: GrowthPoint): void {
    this.#run('insert or replace into growth values (?, ?, ?)', point.day, point.instances, point.bytes);
  }

  /** Days before the first one known, as the times of receipt tell them. */
  grewBefore(received: OpenPass['received']): void {
    const first = this.#get('select min(day) as day from growth')?.['day'];
    this.#together(() => {
      let [instances, bytes] = [0, 0];
      for (const day of Object.keys(received).sort()) {
        instances += received[day]![0];
        bytes += received[day]![1];
        if (typeof first !== 'string' || day < first)
          this.#run('insert or ignore into growth values (?, ?, ?)', day, instances, bytes);
      }
    });
  }

  growth(days = 365): GrowthPoint[] {
    const rows = this.#all('select * from growth order by day desc limit ?', days).reverse();
    return rows.map((row) => ({
      day: String(row['day']),
      instances: Number(row['instances']),
      bytes: Number(row['bytes']),
    }));
  }

  close(): void {
    this.#db.close();
  }

  #record(path: string, findings: Finding[]): void {
    const at = now();
    const before = this.#all("select id, kind, key, sop_uid from finding where path = ? and state = 'open'", path);
    const known = new Map(before.map((row) => [`${row['kind']} ${row['key']} ${row['sop_uid']}`, Number(row['id'])]));
    for (const finding of findings) {
      const { kind, key, studyInstanceUID = '', sopInstanceUID = '', patient, text } = finding;
      const identity = `${kind} ${key} ${sopInstanceUID}`;
      const id = known.get(identity);
      known.delete(identity);
      if (id !== undefined) {
        this.#run('update finding set seen_at = ?, text = ? where id = ?', at, text, id);
        continue;
      }
      const { patientID = '', patientName = '', studyDate = '', studyDescription = '' } = patient ?? {};
      this.#run(
        `insert into finding (path, kind, severity, key, study_uid, sop_uid, patient_id, patient_name, study_date,
           description, text, found_at, seen_at, state) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')`,
        ...[path, kind, severityOf(kind), key, studyInstanceUID, sopInstanceUID, patientID, patientName],
        ...[studyDate, studyDescription, text, at, at],
      );
    }
    for (const id of known.values())
      this.#run("update finding set state = 'gone', resolved_at = ? where id = ?", at, id);
  }

  #together(work: () => void): void {
    this.#db.exec('begin immediate');
    try {
      work();
      this.#db.exec('commit');
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#db.prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#db.prepare(sql).all(...values);
  }
}

function now(): string {
  return new Date().toISOString();
}

function passRow(row: Row): PassRow {
  return {
    startedAt: String(row['started_at']),
    endedAt: String(row['ended_at']),
    by: row['by'] === 'verify' ? 'verify' : 'scrub',
    studies: Number(row['studies']),
    segments: Number(row['segments']),
    sound: Number(row['sound']),
    bytes: Number(row['bytes']),
    errors: Number(row['errors']),
    notChecked: Number(row['not_checked']),
    notes: Number(row['notes']),
  };
}

function findingRow(row: Row): FindingRow {
  return {
    id: Number(row['id']),
    kind: String(row['kind']),
    severity: String(row['severity']) as FindingRow['severity'],
    key: String(row['key']),
    studyInstanceUID: String(row['study_uid']),
    sopInstanceUID: String(row['sop_uid']),
    patientID: String(row['patient_id']),
    patientName: String(row['patient_name']),
    studyDate: String(row['study_date']),
    studyDescription: String(row['description']),
    text: String(row['text']),
    foundAt: String(row['found_at']),
    seenAt: String(row['seen_at']),
    state: String(row['state']) as FindingRow['state'],
    resolvedAt: row['resolved_at'] === null ? null : String(row['resolved_at']),
  };
}
