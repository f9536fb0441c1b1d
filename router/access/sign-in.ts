import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../contract/errors.ts';
import type { Control } from './control.ts';
import { verifyPassword } from './passwords.ts';
import { SlowDown } from './slow-down.ts';
import type { Account } from './users.ts';

/** How long a verified HTTP Basic password is believed without hashing it again, ms. */
const REMEMBER_MS = 60_000;
const REMEMBERED_MAX = 1_000;

interface Remembered {
  passwordHash: string;
  untilMs: number;
}

/** Verifies user names and passwords: lock-out, audit, and a short memory for clients that send them with each request. */
export class SignIn {
  readonly #control: Control;
  readonly #now: () => number;
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, Remembered>();
  readonly #underWay = new Map<string, Promise<Account>>();
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly slowDown: SlowDown;
  constructor(control: Control, now: () => number) {
    this.#control = control;
    this.#now = now;
    this.slowDown = new SlowDown(now);
  }

  /** @throws BAD_CREDENTIALS, LOCKED_OUT, BUSY; each refusal is audited. */
  async verify(user: string, password: string, address: string): Promise<Account> {
    // One after the other for each pair: a hundred guesses at once are counted like a hundred in a row.
    const line = JSON.stringify([user.toLowerCase().slice(0, 201), address]);
    const before = this.#lines.get(line);
    const next = () => this.#verifyNext(user, password, address);
    const mine = before ? before.then(next, next) : next();
    this.#lines.set(line, mine);
    try {
      return await mine;
    } finally {
      if (this.#lines.get(line) === mine) this.#lines.delete(line);
    }
  }

  async #verifyNext(user: string, password: string, address: string): Promise<Account> {
    const { lockout, users } = this.#control;
    const refuse = (error: LifeboatError, detail: string) => {
      this.refused(user.slice(0, 200), address, detail);
      return error;
    };
    if (user === '' || user.length > 200 || password.length > 1024)
      throw refuse(new LifeboatError('BAD_CREDENTIALS'), 'a name or password that nobody can have');
    try {
      lockout.check(user, address);
    } catch (error) {
      throw refuse(error as LifeboatError, 'locked out');
    }
    if (!lockout.familiar(user, address)) {
      let wait: number;
      try {
        wait = this.slowDown.turn();
      } catch (error) {
        throw refuse(error as LifeboatError, 'too many wrong passwords from everywhere');
      }
      if (wait > 0) await sleep(wait);
    }
    const account = users.find(user);
    const right = await verifyPassword(password, account?.passwordHash);
    if (!account || !right || account.disabled) {
      lockout.failed(user, address);
      this.slowDown.failed();
      throw refuse(
        new LifeboatError('BAD_CREDENTIALS'),
        !account ? 'unknown user' : right ? 'user is disabled' : 'wrong password',
      );
    }
    lockout.succeeded(user, address);
    return account;
  }

  /** Puts refused credentials into the audit trail. @param detail one of few sentences of ours */
  refused(user: string, address: string, detail: string): void {
    this.#control.digest.noteStranger({
      user,
      address,
      action: 'login-refused',
      object: user,
      detail,
      outcome: 'refused',
    });
  }

  /** Like `verify`, for HTTP Basic: the same right pair within a minute is not hashed again, nor many at once. */
  async verifyBasic(user: string, password: string, address: string): Promise<Account> {
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, password]))
      .digest('base64');
    const known = this.#remembered.get(key);
    if (known && known.untilMs > this.#now()) {
      const account = this.#control.users.find(user);
      if (account && !account.disabled && account.passwordHash === known.passwordHash) return account;
    }
    const same = `${key} ${address}`;
    let attempt = this.#underWay.get(same);
    if (!attempt) {
      attempt = this.#first(key, user, password, address).finally(() => this.#underWay.delete(same));
      this.#underWay.set(same, attempt);
    }
    return attempt;
  }

  async #first(key: string, user: string, password: string, address: string): Promise<Account> {
    const account = await this.verify(user, password, address);
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(key, { passwordHash: account.passwordHash, untilMs: this.#now() + REMEMBER_MS });
    this.#control.users.loggedIn(account.name);
    this.#control.audit({
      user: account.name,
      address,
      action: 'login',
      object: account.name,
      detail: 'HTTP Basic',
      outcome: 'ok',
    });
    return account;
  }
}
