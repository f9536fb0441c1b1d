import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import type { ReplicaComparison, ReplicaLag, ReplicaProblem } from './replica-types.ts';

/**
 * - `segment`: a manifest segment with its metadata and all objects that it names
 * - `object`: one object that could not be copied with its segment
 * - `study`: a study, by its path, of which the replica seems to have lost something
 * - `file`: a key outside of the archive's own three folders
 */
export type PendingKind = 'segment' | 'object' | 'study' | 'file';

export interface PendingRow {
  key: string;
  kind: PendingKind;
  tries: number;
  /** JSON of what the kind needs. */
  detail: string;
}

const TABLES = `
  create table if not exists pending (key text primary key, kind text not null, written_ms integer not null,
    instances integer not null, bytes integer not null, detail text not null, tries integer not null default 0,
    due_ms integer not null default 0, reason text not null default '', tried_ms integer not null default 0) strict;
  create index if not exists pending_due on pending (due_ms, written_ms);
  create table if not exists file (key text primary key, size integer not null, modified_ms integer not null) strict;
  create table if not exists note (name text primary key, value text not null) strict;`;

/**
 * What is still to be copied, in an SQLite file: a list of work that survives a kill. It can be deleted; a comparison of both
 * stores makes it again.
 */
export class ReplicaState {
  readonly #db: DatabaseSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file, { timeout: 5000 });
    this.#db.exec(`pragma journal_mode = wal; pragma synchronous = normal; ${TABLES}`);
  }

  /** Nothing changes for a key that is there already, except that it is due at once. */
  add(row: {
    key: string;
    kind: PendingKind;
    writtenMs: number;
    instances?: number;
    bytes?: number;
    detail?: string;
  }): void {
    const { key, kind, writtenMs, instances = 0, bytes = 0, detail = '' } = row;
    this.#run(
      `insert into pending (key, kind, written_ms, instances, bytes, detail) values (?, ?, ?, ?, ?, ?)
       on conflict do update set due_ms = 0`,
      ...[key, kind, Math.round(writtenMs), instances, bytes, detail],
    );
  }

  has(key: string): boolean {
    return this.#get('select 1 from pending where key = ?', key) !== undefined;
  }

  /** The oldest first. Whole studies come last and by themselves: what is missing of one may come with its segments. */
  due(nowMs: number, limit: number): PendingRow[] {
    const rows = this.#all(
      `select key, kind, tries, detail from pending where due_ms <= ?
       order by kind = 'study', due_ms, written_ms, key limit ?`,
      nowMs,
      limit,
    ) as unknown as PendingRow[];
    return rows.filter(({ kind }) => (kind === 'study') === (rows[0]?.kind === 'study'));
  }

  /** What was put off is tried again at once. */
  hurry(): void {
    this.#run('update pending set due_ms = 0');
  }

  done(key: string): void {
    this.#run('delete from pending where key = ?', key);
  }

  /** To be tried again at `dueMs`; `reason` is for people. */
  later(key: string, dueMs: number, reason: string, nowMs: number): void {
    this.#run(
      'update pending set tries = tries + 1, due_ms = ?, reason = ?, tried_ms = ? where key = ?',
      ...[Math.round(dueMs), reason, nowMs, key],
    );
  }

  lag(): ReplicaLag {
    const row = this.#get(
      "select sum(kind = 'segment') as segments, sum(instances) as instances, sum(bytes) as bytes, min(written_ms) as oldest from pending where kind <> 'file'",
    )!;
    return {
      segments: Number(row['segments'] ?? 0),
      instances: Number(row['instances'] ?? 0),
      bytes: Number(row['bytes'] ?? 0),
      oldest: row['oldest'] === null ? null : new Date(Number(row['oldest'])).toISOString(),
    };
  }

  problems(limit = 20): { count: number; newest: ReplicaProblem[] } {
    const count = Number(this.#get("select count(*) as n from pending where reason <> ''")!['n']);
    const rows = this.#all(
      "select key, reason, tried_ms from pending where reason <> '' order by tried_ms desc limit ?",
      limit,
    );
    return {
      count,
      newest: rows.map((row) => ({
        key: String(row['key']),
        reason: String(row['reason']),
        at: new Date(Number(row['tried_ms'])).toISOString(),
      })),
    };
  }

  /** Whether a file was copied just as it is now. */
  fileIsKnown(file: { key: string; size: number; modifiedMs?: number }): boolean {
    const row = this.#get('select size, modified_ms from file where key = ?', file.key);
    return row !== undefined && row['size'] === file.size && row['modified_ms'] === Math.round(file.modifiedMs ?? 0);
  }

  fileCopied(file: { key: string; size: number; modifiedMs?: number }): void {
    this.#run('insert or replace into file values (?, ?, ?)', file.key, file.size, Math.round(file.modifiedMs ?? 0));
  }

  compared(): ReplicaComparison | null {
    const text = this.note('compared');
    return text === null ? null : (JSON.parse(text) as ReplicaComparison);
  }

  note(name: string): string | null {
    const row = this.#get('select value from note where name = ?', name);
    return row ? String(row['value']) : null;
  }

  setNote(name: string, value: string): void {
    this.#run('insert or replace into note values (?, ?)', name, value);
  }

  /** Everything is to be copied anew, to another or an emptied replica. */
  forget(): void {
    this.#db.exec('begin immediate; delete from pending; delete from file; delete from note; commit');
  }

  close(): void {
    this.#db.close();
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }

  #get(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue> | undefined {
    return this.#db.prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue>[] {
    return this.#db.prepare(sql).all(...values);
  }
}
