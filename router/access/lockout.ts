import { isIPv6 } from 'node:net';
import { LifeboatError } from '../../contract/errors.ts';
import type { ControlDatabase } from './database.ts';

/** Wrong passwords before a pair of name and address, and before an address as a whole, is locked. */
const FREE_FAILURES = { pair: 5, address: 20 };
const FIRST_LOCK_MS = 60_000;
const LONGEST_LOCK_MS = 60 * 60_000;
/** Failures older than this are forgotten. */
const FORGET_MS = 24 * 60 * 60_000;
/** A pair that signed in within this time is familiar. */
const FAMILIAR_MS = 30 * 24 * 60 * 60_000;
/** The `user` of the row that counts for an address as a whole; no account can have this name. */
const EVERYBODY = '';

/**
 * Counts wrong passwords per pair of user name (existing or not, so that a lock tells nothing) and address: whoever types
 * wrong ones somewhere else locks nobody out here. The first lock lasts a minute, each further failure doubles it up to an
 * hour. An address that tries many names is locked as a whole, except for familiar pairs: on a shared computer those who
 * signed in there before stay free. Kept in the database: a restart frees nobody.
 */
export class Lockout {
  readonly #db: ControlDatabase;
  readonly #now: () => number;
  constructor(db: ControlDatabase, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** @throws LOCKED_OUT while the pair, or the address of an unfamiliar pair, is locked; the message says for how long. */
  check(user: string, address: string): void {
    const now = this.#now();
    let until = this.#until(user, address);
    if (until <= now && !this.familiar(user, address)) until = this.#until(EVERYBODY, address);
    if (until > now) throw lockedOut(until - now);
  }

  failed(user: string, address: string): void {
    const now = this.#now();
    this.#count(user, address, FREE_FAILURES.pair);
    if (!this.familiar(user, address)) this.#count(EVERYBODY, address, FREE_FAILURES.address);
    this.#db.run(
      'DELETE FROM sign_ins WHERE last_failure_ms < ? AND succeeded_ms < ?',
      now - FORGET_MS,
      now - FAMILIAR_MS,
    );
  }

  succeeded(user: string, address: string): void {
    this.#db.run(
      `INSERT INTO sign_ins (user, address, succeeded_ms) VALUES (?, ?, ?) ON CONFLICT (user, address)
       DO UPDATE SET failures = 0, locked_until_ms = 0, succeeded_ms = excluded.succeeded_ms`,
      user,
      networkOf(address),
      this.#now(),
    );
  }

  /** Whether this user has signed in from this address within the last 30 days. */
  familiar(user: string, address: string): boolean {
    return Number(this.#row(user, address)?.['succeeded_ms'] ?? 0) > this.#now() - FAMILIAR_MS;
  }

  /** Frees the user everywhere, also the addresses at which the user was locked. */
  unlock(user: string): void {
    this.#db.run(
      `UPDATE sign_ins SET failures = 0, locked_until_ms = 0 WHERE user = ?1
       OR (user = '' AND address IN (SELECT address FROM sign_ins WHERE user = ?1 AND failures > 0))`,
      user,
    );
  }

  /** UTC ms until which the user is locked at some address; null when nowhere. */
  lockedUntil(user: string): number | null {
    const row = this.#db.get('SELECT max(locked_until_ms) AS until FROM sign_ins WHERE user = ?', user);
    const until = Number(row?.['until'] ?? 0);
    return until > this.#now() ? until : null;
  }

  #row(user: string, address: string): Record<string, unknown> | undefined {
    return this.#db.get('SELECT * FROM sign_ins WHERE user = ? AND address = ?', user, networkOf(address));
  }

  #until(user: string, address: string): number {
    return Number(this.#row(user, address)?.['locked_until_ms'] ?? 0);
  }

  #count(user: string, address: string, free: number): void {
    const now = this.#now();
    const before = this.#row(user, address);
    const fresh = before && Number(before['last_failure_ms']) > now - FORGET_MS;
    const failures = (fresh ? Number(before['failures']) : 0) + 1;
    const lock = failures < free ? 0 : Math.min(FIRST_LOCK_MS * 2 ** (failures - free), LONGEST_LOCK_MS);
    this.#db.run(
      `INSERT INTO sign_ins (user, address, failures, last_failure_ms, locked_until_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user, address) DO UPDATE SET failures = excluded.failures, last_failure_ms = excluded.last_failure_ms,
       locked_until_ms = excluded.locked_until_ms`,
      user,
      networkOf(address),
      failures,
      now,
      lock ? now + lock : 0,
    );
  }
}

/** An IPv6 client can choose among 2^64 addresses of its network: the first 64 bits stand for it. */
function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '');
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array<string>(missing).fill('0'), ...(tail ? tail.split(':') : [])];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

function lockedOut(ms: number): LifeboatError {
  const minutes = Math.ceil(ms / 60_000);
  const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return new LifeboatError('LOCKED_OUT', `Too many wrong passwords; try again in ${wait} or ask an administrator.`);
}
