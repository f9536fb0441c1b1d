import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MassChangeAlert } from '../../contract/retention.ts';
import type { ShardLook } from './shard-look.ts';

const TABLES = `
  create table if not exists look (shard text primary key, count integer not null, newest_ms real not null,
    removed integer not null, at text not null);
  create table if not exists change (at text not null, source text not null, count integer not null);
  create index if not exists change_by_time on change (at);
  create table if not exists alert (id integer primary key, since text not null, at text not null, count integer not null,
    text text not null, seen_at text, seen_by text);`;

/** LIFEBOAT_DATA/guard.sqlite: looks at the store, what vanished when, alerts. Losing it costs one round of looks. */
export class GuardState {
  readonly #db: DatabaseSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file);
    this.#db.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000; ${TABLES}`);
  }

  look(shard: string): ShardLook | null {
    const row = this.#db.prepare('select count, newest_ms, removed from look where shard = ?').get(shard);
    if (!row) return null;
    return { count: Number(row['count']), newestMs: Number(row['newest_ms']), removed: Number(row['removed']) };
  }

  setLook(shard: string, { count, newestMs, removed }: ShardLook): void {
    this.#db
      .prepare('insert or replace into look values (?, ?, ?, ?, ?)')
      .run(shard, count, newestMs, removed, new Date().toISOString());
  }

  /** Keys that removal records named at the last look at each shard. */
  removed(): number {
    return Number(this.#db.prepare('select coalesce(sum(removed), 0) as n from look').get()!['n']);
  }

  change(source: string, count: number): void {
    this.#db.prepare('insert into change values (?, ?, ?)').run(new Date().toISOString(), source, count);
    this.#db.prepare('delete from change where at < ?').run(daysAgo(30));
  }

  /** Whoever put everything back: the next look at each shard is the first one. */
  forgetLooks(): void {
    this.#db.exec('delete from look');
  }

  /** What changed since a time and was in no alert that somebody has seen. Several sources see the same: the greatest counts. */
  changedSince(iso: string): { count: number; since: string | null } {
    const seen = this.#db.prepare('select max(seen_at) as at from alert').get()!['at'];
    const from = typeof seen === 'string' && seen > iso ? seen : iso;
    const rows = this.#db
      .prepare('select sum(count) as n, min(at) as since from change where at > ? group by source order by n desc')
      .all(from);
    return { count: Number(rows[0]?.['n'] ?? 0), since: rows[0] ? String(rows[0]['since']) : null };
  }

  /** The alert that nobody has seen yet. */
  openAlert(): MassChangeAlert | null {
    return this.alerts().find(({ seenAt }) => seenAt === null) ?? null;
  }

  /** Newest first. */
  alerts(): MassChangeAlert[] {
    const rows = this.#db.prepare('select * from alert order by id desc limit 20').all();
    return rows.map((row) => ({
      id: Number(row['id']),
      since: String(row['since']),
      at: String(row['at']),
      count: Number(row['count']),
      text: String(row['text']),
      seenAt: row['seen_at'] === null ? null : String(row['seen_at']),
      seenBy: row['seen_by'] === null ? null : String(row['seen_by']),
    }));
  }

  /** Opens an alert, or brings the open one up to date. @returns true when it is a new one */
  raise(since: string, count: number, text: string): boolean {
    const open = this.openAlert();
    const at = new Date().toISOString();
    if (open) {
      this.#db.prepare('update alert set at = ?, count = ?, text = ? where id = ?').run(at, count, text, open.id);
      return false;
    }
    this.#db.prepare('insert into alert (since, at, count, text) values (?, ?, ?, ?)').run(since, at, count, text);
    return true;
  }

  /** @returns false when there is no such open alert */
  seen(id: number, by: string): boolean {
    const { changes } = this.#db
      .prepare('update alert set seen_at = ?, seen_by = ? where id = ? and seen_at is null')
      .run(new Date().toISOString(), by, id);
    return Number(changes) > 0;
  }

  close(): void {
    this.#db.close();
  }
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}
