import type { Role, UserRow } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { ControlDatabase } from './database.ts';
import type { Lockout } from './lockout.ts';
import { checkNewPassword, hashPassword } from './passwords.ts';

export const ROLES: readonly Role[] = ['radiologist', 'modality', 'admin'];

export interface Account {
  name: string;
  role: Role;
  disabled: boolean;
  mustChangePassword: boolean;
  /** PHC string. */
  passwordHash: string;
}

/** Local accounts. A change of password, role or state ends the user's sessions. */
export class Users {
  readonly #db: ControlDatabase;
  readonly #lockout: Lockout;
  readonly #now: () => number;
  constructor(db: ControlDatabase, lockout: Lockout, now: () => number) {
    this.#db = db;
    this.#lockout = lockout;
    this.#now = now;
  }

  find(name: string): Account | undefined {
    const row = this.#db.get('SELECT * FROM users WHERE name = ?', name);
    return (
      row && {
        name: String(row['name']),
        role: row['role'] as Role,
        disabled: row['disabled'] === 1,
        mustChangePassword: row['must_change'] === 1,
        passwordHash: String(row['password']),
      }
    );
  }

  rows(): UserRow[] {
    return this.#db.all('SELECT * FROM users ORDER BY name').map((row) => {
      const until = this.#lockout.lockedUntil(String(row['name']));
      return {
        name: String(row['name']),
        role: row['role'] as Role,
        disabled: row['disabled'] === 1,
        lockedUntil: until === null ? null : new Date(until).toISOString(),
        createdAt: String(row['created_at']),
        lastLoginAt: row['last_login_at'] as string | null,
      };
    });
  }

  /** @throws BAD_REQUEST, WEAK_PASSWORD, CONFLICT */
  async add(name: string, role: Role, password: string, options: { mustChange: boolean }): Promise<void> {
    if (!/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u.test(name))
      throw new LifeboatError(
        'BAD_REQUEST',
        'A user name has 1 to 64 letters, digits, dots, hyphens, underscores or @ and begins with a letter or digit.',
      );
    checkNewPassword(name, password);
    const hash = await hashPassword(password);
    const added = this.#db.run(
      'INSERT OR IGNORE INTO users (name, role, password, must_change, created_at) VALUES (?, ?, ?, ?, ?)',
      name,
      role,
      hash,
      Number(options.mustChange),
      new Date(this.#now()).toISOString(),
    );
    if (added === 0) throw new LifeboatError('CONFLICT', `There is a user ${name} already.`);
  }

  /** @throws NOT_FOUND, WEAK_PASSWORD */
  async setPassword(name: string, password: string, options: { mustChange: boolean }): Promise<void> {
    checkNewPassword(name, password);
    this.#mustExist(name);
    const hash = await hashPassword(password);
    this.#db.run(
      'UPDATE users SET password = ?, must_change = ? WHERE name = ?',
      hash,
      Number(options.mustChange),
      name,
    );
    this.#endSessions(name);
    this.#lockout.unlock(name);
  }

  /** @throws NOT_FOUND, CONFLICT when it would leave no administrator. */
  change(name: string, change: { role?: Role; disabled?: boolean }): void {
    this.#db.transaction(() => {
      const account = this.#mustExist(name);
      const role = change.role ?? account.role;
      const disabled = change.disabled ?? account.disabled;
      if (role !== 'admin' || disabled) this.#mustNotBeLastAdmin(account);
      this.#db.run('UPDATE users SET role = ?, disabled = ? WHERE name = ?', role, Number(disabled), name);
      if (role !== account.role || disabled) this.#endSessions(name);
    });
  }

  /** @throws NOT_FOUND, CONFLICT when it would leave no administrator. */
  remove(name: string): void {
    this.#db.transaction(() => {
      this.#mustNotBeLastAdmin(this.#mustExist(name));
      this.#db.run('DELETE FROM users WHERE name = ?', name);
    });
  }

  unlock(name: string): void {
    this.#mustExist(name);
    this.#lockout.unlock(name);
  }

  loggedIn(name: string): void {
    this.#db.run('UPDATE users SET last_login_at = ? WHERE name = ?', new Date(this.#now()).toISOString(), name);
  }

  #endSessions(name: string): void {
    this.#db.run('DELETE FROM sessions WHERE user = ?', name);
  }

  #mustExist(name: string): Account {
    const account = this.find(name);
    if (!account) throw new LifeboatError('NOT_FOUND', `There is no user ${name}.`);
    return account;
  }

  #mustNotBeLastAdmin(account: Account): void {
    if (account.role !== 'admin' || account.disabled) return;
    const others = this.#db.get(
      `SELECT count(*) AS n FROM users WHERE role = 'admin' AND disabled = 0 AND name <> ?`,
      account.name,
    );
    if (others?.['n'] === 0)
      throw new LifeboatError('CONFLICT', `${account.name} is the only administrator; make another one first.`);
  }
}
