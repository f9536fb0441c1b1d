import type { AeRow } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { aeTitle } from '../settings.ts';
import type { ControlDatabase } from './database.ts';

/**
 * Senders remembered at most that no administrator has allowed; whoever tries titles cannot fill the disk, nor keep a new
 * scanner from being seen: the longest unheard-of makes room.
 */
const SEEN_MAX = 500;

/** Calling AE titles: those of LIFEBOAT_ACCEPT_AE, those an administrator allowed, and unknown ones that knocked. */
export class SenderList {
  readonly #db: ControlDatabase;
  readonly #now: () => number;
  readonly #configured: ReadonlySet<string>;
  constructor(db: ControlDatabase, configured: readonly string[], now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#configured = new Set(configured);
  }

  /** Also notes when and from where the sender came. */
  allowed(callingAE: string, address: string): boolean {
    const title = callingAE.trim();
    const at = new Date(this.#now()).toISOString();
    const row = this.#db.get('SELECT allowed FROM aes WHERE title = ?', title);
    const allowed = this.#isConfigured(title) || row?.['allowed'] === 1;
    if (row) {
      const rejected = allowed ? 0 : 1;
      this.#db.run(
        'UPDATE aes SET last_address = ?, last_seen_at = ?, rejected = rejected + ? WHERE title = ?',
        address,
        at,
        rejected,
        title,
      );
      return allowed;
    }
    this.#makeRoom();
    this.#db.run(
      'INSERT INTO aes (title, allowed, origin, last_address, last_seen_at, rejected) VALUES (?, ?, ?, ?, ?, ?)',
      title,
      0,
      'seen',
      address,
      at,
      allowed ? 0 : 1,
    );
    return allowed;
  }

  /** Forgets the sender not heard of for longest among those never accepted; among the others only where there is none. */
  #makeRoom(): void {
    const seen = Number(this.#db.get(`SELECT count(*) AS n FROM aes WHERE origin = 'seen'`)?.['n']);
    if (seen < SEEN_MAX) return;
    this.#db.run(
      `DELETE FROM aes WHERE title IN (SELECT title FROM aes WHERE origin = 'seen'
       ORDER BY rejected = 0, last_seen_at, title LIMIT ?)`,
      seen - SEEN_MAX + 1,
    );
  }

  rows(): AeRow[] {
    const rows = new Map<string, AeRow>();
    for (const stored of this.#db.all('SELECT * FROM aes')) {
      const title = String(stored['title']);
      const configured = this.#isConfigured(title);
      rows.set(title, {
        title,
        allowed: configured || stored['allowed'] === 1,
        origin: configured ? 'config' : (stored['origin'] as AeRow['origin']),
        note: String(stored['note']),
        lastAddress: stored['last_address'] as string | null,
        lastSeenAt: stored['last_seen_at'] as string | null,
        rejected: Number(stored['rejected']),
        host: stored['host'] as string | null,
        port: stored['port'] === null ? null : Number(stored['port']),
      });
    }
    for (const title of this.#configured)
      if (!rows.has(title))
        rows.set(title, {
          title,
          allowed: true,
          origin: 'config',
          note: title === '*' ? 'any sender is accepted' : '',
          lastAddress: null,
          lastSeenAt: null,
          rejected: 0,
          host: null,
          port: null,
        });
    return [...rows.values()].sort(
      (a, b) => Number(a.allowed) - Number(b.allowed) || (a.title < b.title ? -1 : a.title > b.title ? 1 : 0),
    );
  }

  pending(): number {
    return this.rows().filter((row) => !row.allowed).length;
  }

  /** @throws BAD_REQUEST when no AE can have that title. */
  allow(title: string, note = ''): void {
    const parsed = aeTitle.safeParse(title);
    const fault = title === '*' ? 'cannot be *' : parsed.error?.issues[0]?.message;
    if (!parsed.success || fault) throw new LifeboatError('BAD_REQUEST', `The AE title ${fault}.`);
    this.#db.run(
      `INSERT INTO aes (title, allowed, origin, note) VALUES (?, 1, 'admin', ?)
       ON CONFLICT (title) DO UPDATE SET allowed = 1, origin = 'admin', note = CASE ? WHEN '' THEN note ELSE ? END`,
      parsed.data,
      note,
      note,
      note,
    );
  }

  /** Where this AE takes associations of ours; without a host: where it last called from. @throws BAD_REQUEST */
  setAddress(title: string, port: number, host?: string): void {
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new LifeboatError('BAD_REQUEST', 'A port is a whole number from 1 to 65535.');
    if (host !== undefined && !/^[A-Za-z0-9._:-]{1,253}$/.test(host))
      throw new LifeboatError('BAD_REQUEST', 'The host is neither a name nor an address.');
    this.#db.run('UPDATE aes SET port = ?, host = ? WHERE title = ?', port, host ?? null, title.trim());
  }

  addressOf(title: string): { host: string; port: number } | undefined {
    const row = this.#db.get('SELECT host, port, last_address FROM aes WHERE title = ?', title);
    const host = row?.['host'] ?? row?.['last_address'];
    if (!row || row['port'] === null || typeof host !== 'string') return undefined;
    return { host, port: Number(row['port']) };
  }

  /** @throws NOT_FOUND, or CONFLICT for a title of LIFEBOAT_ACCEPT_AE. */
  remove(title: string): void {
    if (this.#isConfigured(title))
      throw new LifeboatError('CONFLICT', `${title} is allowed by LIFEBOAT_ACCEPT_AE; change that setting.`);
    if (this.#db.run('DELETE FROM aes WHERE title = ?', title) === 0)
      throw new LifeboatError('NOT_FOUND', 'No such AE title is known.');
  }

  #isConfigured(title: string): boolean {
    return this.#configured.has('*') || this.#configured.has(title);
  }
}
