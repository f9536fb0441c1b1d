import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { OwnSession, Role, SessionInfo } from '../../contract/api.ts';
import type { ControlDatabase } from './database.ts';

/** A session's last use is written at most this often, ms. */
const SEEN_RESOLUTION_MS = 30_000;

/** Of a User-Agent so much is kept. */
const BROWSER_LENGTH = 200;

export interface SessionLimits {
  idleMs: number;
  maxMs: number;
}

/**
 * Browser sessions. The id is 256 random bits, known to the browser alone: the database keeps its SHA-256. The CSRF token is an
 * HMAC under the id, so that it needs no keeping and dies with the session.
 */
export class Sessions {
  readonly #db: ControlDatabase;
  readonly #limits: SessionLimits;
  readonly #now: () => number;
  constructor(db: ControlDatabase, limits: SessionLimits, now: () => number) {
    this.#db = db;
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Returns the secret id for the cookie.
   * @param from for the owner's own list: remote address and User-Agent
   */
  begin(user: string, from: { address?: string; browser?: string } = {}): string {
    const id = randomBytes(32).toString('base64url');
    const now = this.#now();
    this.#db.run(
      'DELETE FROM sessions WHERE created_ms < ? OR seen_ms < ?',
      now - this.#limits.maxMs,
      now - this.#limits.idleMs,
    );
    this.#db.run(
      'INSERT INTO sessions (id_hash, user, created_ms, seen_ms, address, browser) VALUES (?, ?, ?, ?, ?, ?)',
      hashOf(id),
      user,
      now,
      now,
      from.address ?? '',
      (from.browser ?? '').slice(0, BROWSER_LENGTH),
    );
    return id;
  }

  /**
   * The session behind a cookie; undefined when unknown, expired, or the user is disabled.
   * @param activity false for what a page does by itself (polling): it does not begin the idle time anew.
   */
  use(id: string, activity = true): SessionInfo | undefined {
    const hash = hashOf(id);
    const row = this.#db.get(
      `SELECT u.name, u.role, u.must_change, s.created_ms, s.seen_ms FROM sessions s JOIN users u ON u.name = s.user
       WHERE s.id_hash = ? AND u.disabled = 0`,
      hash,
    );
    if (!row) return undefined;
    const now = this.#now();
    const end = Number(row['created_ms']) + this.#limits.maxMs;
    if (now >= end || now >= Number(row['seen_ms']) + this.#limits.idleMs) {
      this.#db.run('DELETE FROM sessions WHERE id_hash = ?', hash);
      return undefined;
    }
    const seen = activity ? now : Number(row['seen_ms']);
    if (seen - Number(row['seen_ms']) >= Math.min(SEEN_RESOLUTION_MS, this.#limits.idleMs / 4))
      this.#db.run('UPDATE sessions SET seen_ms = ? WHERE id_hash = ?', now, hash);
    return {
      user: String(row['name']),
      role: row['role'] as Role,
      csrf: createHmac('sha256', id).update('csrf').digest('base64url'),
      expiresAt: new Date(Math.min(end, seen + this.#limits.idleMs)).toISOString(),
      ...(row['must_change'] === 1 && { mustChangePassword: true }),
    };
  }

  end(id: string): void {
    this.#db.run('DELETE FROM sessions WHERE id_hash = ?', hashOf(id));
  }

  /** The user's living sessions, last used first. @param id that of the asking one */
  of(user: string, id: string): OwnSession[] {
    const now = this.#now();
    const rows = this.#db.all(
      'SELECT * FROM sessions WHERE user = ? AND created_ms > ? AND seen_ms > ? ORDER BY seen_ms DESC',
      user,
      now - this.#limits.maxMs,
      now - this.#limits.idleMs,
    );
    const own = hashOf(id);
    return rows.map((row) => ({
      begunAt: new Date(Number(row['created_ms'])).toISOString(),
      usedAt: new Date(Number(row['seen_ms'])).toISOString(),
      address: String(row['address']),
      browser: String(row['browser']),
      current: own.equals(row['id_hash'] as Uint8Array),
    }));
  }

  /** Ends all sessions of the user but the asking one; returns how many. */
  endOthers(user: string, id: string): number {
    return this.#db.run('DELETE FROM sessions WHERE user = ? AND id_hash <> ?', user, hashOf(id));
  }
}

const hashOf = (id: string) => createHash('sha256').update(id).digest();
