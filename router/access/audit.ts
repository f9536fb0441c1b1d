import { createHash } from 'node:crypto';
import type { AuditAnswer, AuditRow } from '../../contract/api.ts';
import type { AuditEvent } from './access-types.ts';
import type { ControlDatabase } from './database.ts';

export interface AuditFilter {
  from?: string;
  to?: string;
  user?: string;
  action?: string;
  limit: number;
  offset: number;
}

const NO_HASH = new Uint8Array(32);

/**
 * The append-only audit trail. The database refuses updates and deletes; each row also carries
 * SHA-256(hash of the row before + this row), so that whoever changes the file behind the router's back breaks the chain.
 */
export class AuditTrail {
  readonly #db: ControlDatabase;
  readonly #now: () => number;
  constructor(db: ControlDatabase, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  append(event: AuditEvent): void {
    this.#db.transaction(() => this.#insert(event));
  }

  /** Whether the event of lifeboat mode with that name was taken. */
  knowsBreakGlass(id: string): boolean {
    return this.#db.get('SELECT 1 FROM break_glass WHERE id = ?', id) !== undefined;
  }

  breakGlassTaken(): number {
    return Number(this.#db.get('SELECT count(*) AS n FROM break_glass')!['n']);
  }

  /** Row and memory of it together, whatever happens in between; false when it was taken before. */
  takeBreakGlass(id: string, event: AuditEvent): boolean {
    return this.#db.transaction(() => {
      if (this.#db.run('INSERT OR IGNORE INTO break_glass (id) VALUES (?)', id) === 0) return false;
      this.#insert(event);
      return true;
    });
  }

  #insert(event: AuditEvent): void {
    const last = this.#db.get('SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1');
    const row: AuditRow = {
      id: Number(last?.['id'] ?? 0) + 1,
      at: new Date(this.#now()).toISOString(),
      user: event.user,
      address: event.address,
      action: event.action,
      object: event.object,
      detail: event.detail ?? '',
      outcome: event.outcome,
    };
    this.#db.run(
      'INSERT INTO audit (id, at, user, address, action, object, detail, outcome, hash) VALUES (?,?,?,?,?,?,?,?,?)',
      ...fields(row),
      chainHash((last?.['hash'] as Uint8Array | undefined) ?? NO_HASH, row),
    );
  }

  /** Newest first; `from` and `to` are ISO times or date prefixes, `to` inclusive. */
  rows(filter: AuditFilter): AuditAnswer {
    const conditions: string[] = [];
    const values: string[] = [];
    const add = (condition: string, value: string | undefined) => {
      if (!value) return;
      conditions.push(condition);
      values.push(value);
    };
    add('at >= ?', filter.from);
    add('at <= ?', filter.to && `${filter.to}\u{10ffff}`);
    add('user = ? COLLATE NOCASE', filter.user);
    add('action = ?', filter.action);
    const where = conditions.length ? `WHERE ${conditions.join(' AND ')}` : '';
    const found = this.#db.all(
      `SELECT * FROM audit ${where} ORDER BY id DESC LIMIT ? OFFSET ?`,
      ...values,
      filter.limit + 1,
      filter.offset,
    );
    return { rows: found.slice(0, filter.limit).map(toRow), more: found.length > filter.limit };
  }

  /** Id of the first row that does not fit the chain; null when the trail is whole. */
  firstBroken(): number | null {
    let before: Uint8Array = NO_HASH;
    let expectedId = 1;
    for (;;) {
      const page = this.#db.all('SELECT * FROM audit WHERE id >= ? ORDER BY id LIMIT 1000', expectedId);
      if (page.length === 0) return null;
      for (const stored of page) {
        const row = toRow(stored);
        const hash = chainHash(before, row);
        if (row.id !== expectedId || Buffer.compare(hash, stored['hash'] as Uint8Array) !== 0) return expectedId;
        before = hash;
        expectedId++;
      }
    }
  }
}

const fields = (row: AuditRow) =>
  [row.id, row.at, row.user, row.address, row.action, row.object, row.detail, row.outcome] as const;

function chainHash(before: Uint8Array, row: AuditRow): Buffer {
  return createHash('sha256')
    .update(before)
    .update(JSON.stringify(fields(row)))
    .digest();
}

function toRow(stored: Record<string, unknown>): AuditRow {
  const { hash: _, ...row } = stored;
  return row as unknown as AuditRow;
}
