import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { OutageRow, PacsStatus } from '../../contract/api.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS outages (
    id INTEGER PRIMARY KEY, pacs TEXT NOT NULL, began_at TEXT NOT NULL, ended_at TEXT, planned TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS evidence (
    outage INTEGER NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, words TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS evidence_outage ON evidence(outage, at);
  CREATE TABLE IF NOT EXISTS received (
    outage INTEGER NOT NULL, source TEXT NOT NULL, instances INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (outage, source)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS owed (
    outage INTEGER NOT NULL, destination TEXT NOT NULL, instances INTEGER NOT NULL,
    PRIMARY KEY (outage, destination)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS planned (
    id INTEGER PRIMARY KEY, from_at TEXT NOT NULL, to_at TEXT NOT NULL, note TEXT NOT NULL, by TEXT NOT NULL
  ) STRICT;
`;

/** A downtime that somebody announced. Times are UTC ISO. */
export interface PlannedDowntime {
  id: number;
  from: string;
  to: string;
  note: string;
  by: string;
}

/** What the ledger itself keeps; who looked at images is the audit trail's. */
export type LedgerEntry = Omit<OutageRow, 'looks'>;

/**
 * LIFEBOAT_DATA/outages.sqlite: every outage of the main PACS, from its first sign to its end, with what was known and what was
 * received. Written at once and synced, so that an outage survives one of ours; one that is open at a start goes on.
 */
export class OutageLedger {
  readonly #db: DatabaseSync;
  #open: number | undefined;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    this.#db = new DatabaseSync(join(dataDir, 'outages.sqlite'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
    const row = this.#db.prepare('SELECT id FROM outages WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1').get();
    this.#open = row && Number(row['id']);
  }

  /** The watch saw another state. Down opens an entry, up closes it. @returns the outage that is over */
  changed(
    status: PacsStatus,
    owed: readonly { name: string; waiting: number }[],
  ): { id: number; from: string; to: string } | undefined {
    const { state, since, evidence, address } = status;
    if (state === 'down' && this.#open === undefined) {
      const planned = this.plannedAt(since)?.note ?? null;
      const added = this.#run(
        'INSERT INTO outages (pacs, began_at, planned) VALUES (?, ?, ?)',
        address,
        since,
        planned,
      );
      this.#open = Number(added.lastInsertRowid);
    }
    if (this.#open === undefined) return undefined;
    this.#run('INSERT INTO evidence VALUES (?, ?, ?, ?)', this.#open, since, state, evidence);
    if (state !== 'up') return undefined;
    for (const { name, waiting } of owed)
      this.#run('INSERT OR REPLACE INTO owed VALUES (?, ?, ?)', this.#open, name, waiting);
    const id = this.#open;
    this.#run('UPDATE outages SET ended_at = ? WHERE id = ?', since, id);
    this.#open = undefined;
    const row = this.#all('SELECT began_at FROM outages WHERE id = ?', id)[0]!;
    return { id, from: String(row['began_at']), to: since };
  }

  /** A sentence to the open outage. */
  remark(words: string): void {
    if (this.#open === undefined) return;
    this.#run('INSERT INTO evidence VALUES (?, ?, ?, ?)', this.#open, new Date().toISOString(), 'note', words);
  }

  /** UTC ISO of the beginning of the outage that goes on. */
  get openSince(): string | undefined {
    if (this.#open === undefined) return undefined;
    return String(this.#all('SELECT began_at FROM outages WHERE id = ?', this.#open)[0]!['began_at']);
  }

  /** Outages so far, and the seconds of those that are over. */
  totals(): { count: number; seconds: number } {
    const row = this.#all(`SELECT count(*) AS n,
      coalesce(sum((julianday(ended_at) - julianday(began_at)) * 86400), 0) AS seconds FROM outages`)[0]!;
    return { count: Number(row['n']), seconds: Number(row['seconds']) };
  }

  /** Instances were committed. */
  received(entries: readonly InstanceEntry[]): void {
    if (this.#open === undefined) return;
    const sums = new Map<string, { instances: number; bytes: number }>();
    for (const { source, size } of entries) {
      const name = source.callingAE ?? source.user ?? source.via;
      const sum = sums.get(name) ?? { instances: 0, bytes: 0 };
      sums.set(name, { instances: sum.instances + 1, bytes: sum.bytes + size });
    }
    for (const [source, { instances, bytes }] of sums)
      this.#run(
        `INSERT INTO received VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET instances = instances + excluded.instances, bytes = bytes + excluded.bytes`,
        this.#open,
        source,
        instances,
        bytes,
      );
  }

  /** Newest first. */
  entries(limit = 200): LedgerEntry[] {
    const rows = this.#all('SELECT id, pacs, began_at, ended_at, planned FROM outages ORDER BY id DESC LIMIT ?', limit);
    return rows.map((row) => {
      const id = Number(row['id']);
      return {
        id,
        pacs: String(row['pacs']),
        from: String(row['began_at']),
        to: row['ended_at'] as string | null,
        planned: row['planned'] as string | null,
        evidence: this.#all('SELECT at, state, words FROM evidence WHERE outage = ? ORDER BY rowid', id) as never,
        received: this.#all(
          'SELECT source, instances, bytes FROM received WHERE outage = ? ORDER BY source',
          id,
        ) as never,
        owed: this.#all('SELECT destination, instances FROM owed WHERE outage = ? ORDER BY destination', id) as never,
      };
    });
  }

  /** Those that are not over, in order. */
  planned(now = new Date()): PlannedDowntime[] {
    return this.#all(
      'SELECT id, from_at AS "from", to_at AS "to", note, by FROM planned WHERE to_at > ? ORDER BY from_at',
      now.toISOString(),
    ) as never;
  }

  plannedAt(at: string): PlannedDowntime | undefined {
    const sql =
      'SELECT id, from_at AS "from", to_at AS "to", note, by FROM planned WHERE from_at <= ? AND to_at > ? LIMIT 1';
    return this.#all(sql, at, at)[0] as never;
  }

  plan(planned: Omit<PlannedDowntime, 'id'>): void {
    const { from, to, note, by } = planned;
    this.#run('INSERT INTO planned (from_at, to_at, note, by) VALUES (?, ?, ?, ?)', from, to, note, by);
  }

  /** false: there is no such one. */
  unplan(id: number): boolean {
    return Number(this.#run('DELETE FROM planned WHERE id = ?', id).changes) > 0;
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#db.prepare(sql).run(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }));
  }

  close(): void {
    this.#db.close();
  }
}
