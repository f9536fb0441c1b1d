import { LifeboatError } from '../../contract/errors.ts';
import type { ControlDatabase } from './database.ts';

/** Wrong passwords before a name, and before an address (many people may sit behind one), is locked. */
const FREE_FAILURES = { user: 5, address: 20 };
const FIRST_LOCK_MS = 60_000;
const LONGEST_LOCK_MS = 60 * 60_000;
/** Failures older than this are forgotten. */
const FORGET_MS = 24 * 60 * 60_000;

/**
 * Counts wrong passwords per user name (existing or not, so that a lock tells nothing) and per address. The first lock lasts a
 * minute, each further failure doubles it up to an hour. Kept in the database: a restart frees nobody.
 */
export class Lockout {
  readonly #db: ControlDatabase;
  readonly #now: () => number;
  constructor(db: ControlDatabase, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** @throws LOCKED_OUT while name or address is locked; the message says for how long. */
  check(user: string, address: string): void {
    const until = Math.max(this.#until(userKey(user)), this.#until(addressKey(address)));
    if (until > this.#now()) throw lockedOut(until - this.#now());
  }

  failed(user: string, address: string): void {
    this.#count(userKey(user), FREE_FAILURES.user);
    this.#count(addressKey(address), FREE_FAILURES.address);
    this.#db.run('DELETE FROM lockouts WHERE last_failure_ms < ?', this.#now() - FORGET_MS);
  }

  succeeded(user: string, address: string): void {
    this.unlock(user);
    this.#db.run('DELETE FROM lockouts WHERE key = ?', addressKey(address));
  }

  unlock(user: string): void {
    this.#db.run('DELETE FROM lockouts WHERE key = ?', userKey(user));
  }

  /** UTC ms until which the user is locked; null when not. */
  lockedUntil(user: string): number | null {
    const until = this.#until(userKey(user));
    return until > this.#now() ? until : null;
  }

  #until(key: string): number {
    return Number(this.#db.get('SELECT locked_until_ms FROM lockouts WHERE key = ?', key)?.['locked_until_ms'] ?? 0);
  }

  #count(key: string, free: number): void {
    const now = this.#now();
    const before = this.#db.get('SELECT failures, last_failure_ms FROM lockouts WHERE key = ?', key);
    const fresh = before && Number(before['last_failure_ms']) > now - FORGET_MS;
    const failures = (fresh ? Number(before['failures']) : 0) + 1;
    const lock = failures < free ? 0 : Math.min(FIRST_LOCK_MS * 2 ** (failures - free), LONGEST_LOCK_MS);
    this.#db.run('INSERT OR REPLACE INTO lockouts VALUES (?, ?, ?, ?)', key, failures, now, lock ? now + lock : 0);
  }
}

const userKey = (user: string) => `user:${user.toLowerCase().slice(0, 200)}`;
const addressKey = (address: string) => `address:${address}`;

function lockedOut(ms: number): LifeboatError {
  const minutes = Math.ceil(ms / 60_000);
  const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return new LifeboatError('LOCKED_OUT', `Too many wrong passwords; try again in ${wait} or ask an administrator.`);
}
