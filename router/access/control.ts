import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { AeRow, AuditAnswer, RefusalRow } from '../../contract/api.ts';
import type { Config } from '../config.ts';
import type { AccessControl, AuditEvent } from './access-types.ts';
import { SenderList } from './aes.ts';
import { type AuditFilter, AuditTrail } from './audit.ts';
import { AuditDigest } from './audit-digest.ts';
import { ControlDatabase } from './database.ts';
import { Lockout } from './lockout.ts';
import { randomPassword } from './passwords.ts';
import { PreferenceTable } from './preferences.ts';
import { Sessions } from './sessions.ts';
import { SignIn } from './sign-in.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

const REFUSALS_KEPT = 10_000;

export interface FirstStart {
  user: 'admin';
  /** Present when Lifeboat chose it: shown once, to be changed at the first sign-in. */
  oneTimePassword?: string;
}

/** All of LIFEBOAT_DATA/control.sqlite; the router's parts see it as `AccessControl`. */
export class Control implements AccessControl {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly lockout: Lockout;
  readonly signIn: SignIn;
  readonly trail: AuditTrail;
  /** In front of the trail: many of a kind become one row and a count. */
  readonly digest: AuditDigest;
  readonly senders: SenderList;
  readonly preferences: PreferenceTable;
  /** Called for each refusal, for /metrics. */
  onRefused: ((row: Omit<RefusalRow, 'at'>) => void) | undefined;
  readonly #db: ControlDatabase;
  readonly #now: () => number;

  constructor(config: Pick<Config, 'dataDir' | 'acceptAE' | 'sessionIdleMs' | 'sessionMaxMs'>, now = Date.now) {
    this.#db = new ControlDatabase(join(config.dataDir, 'control.sqlite'));
    this.#now = now;
    this.lockout = new Lockout(this.#db, now);
    this.users = new Users(this.#db, this.lockout, now);
    this.sessions = new Sessions(this.#db, { idleMs: config.sessionIdleMs, maxMs: config.sessionMaxMs }, now);
    this.tokens = new Tokens(this.#db, now);
    this.trail = new AuditTrail(this.#db, now);
    this.digest = new AuditDigest((event) => this.audit(event), now);
    this.senders = new SenderList(this.#db, config.acceptAE, now);
    this.preferences = new PreferenceTable(this.#db);
    this.signIn = new SignIn(this, now);
  }

  /** Creates the administrator when there is no account yet; null when there is one. */
  async firstStart(adminPassword: string | undefined): Promise<FirstStart | null> {
    if (this.users.rows().length > 0) return null;
    const password = adminPassword ?? randomPassword();
    await this.users.add('admin', 'admin', password, { mustChange: adminPassword === undefined });
    this.audit({
      user: 'system',
      address: 'local',
      action: 'user-change',
      object: 'admin',
      detail: 'first start: created',
      outcome: 'ok',
    });
    return adminPassword === undefined ? { user: 'admin', oneTimePassword: password } : { user: 'admin' };
  }

  /** 32 random bytes under that name, made when first asked for. */
  secret(name: string): Buffer {
    this.#db.run('INSERT OR IGNORE INTO secrets VALUES (?, ?)', name, randomBytes(32));
    return Buffer.from(this.#db.get('SELECT value FROM secrets WHERE name = ?', name)!['value'] as Uint8Array);
  }

  senderAllowed(callingAE: string, address: string): boolean {
    return this.senders.allowed(callingAE, address);
  }

  aes(): AeRow[] {
    return this.senders.rows();
  }

  allowAe(title: string, note?: string): void {
    this.senders.allow(title, note);
  }

  setAeAddress(title: string, port: number, host?: string): void {
    this.senders.setAddress(title, port, host);
  }

  aeAddress(title: string): { host: string; port: number } | undefined {
    return this.senders.addressOf(title);
  }

  removeAe(title: string): void {
    this.senders.remove(title);
  }

  audit(event: AuditEvent): void {
    this.trail.append(event);
  }

  knowsBreakGlass(id: string): boolean {
    return this.trail.knowsBreakGlass(id);
  }

  takeBreakGlass(id: string, event: AuditEvent): boolean {
    return this.trail.takeBreakGlass(id, event);
  }

  breakGlassTaken(): number {
    return this.trail.breakGlassTaken();
  }

  auditRows(filter: AuditFilter): AuditAnswer {
    return this.trail.rows(filter);
  }

  refused(row: Omit<RefusalRow, 'at'>): void {
    this.#db.run(
      'INSERT INTO refusals (at, channel, peer, code, message, sop_instance_uid) VALUES (?, ?, ?, ?, ?, ?)',
      new Date(this.#now()).toISOString(),
      row.channel,
      row.peer,
      row.code,
      row.message,
      row.sopInstanceUID ?? null,
    );
    this.#db.run('DELETE FROM refusals WHERE id <= (SELECT max(id) FROM refusals) - ?', REFUSALS_KEPT);
    this.onRefused?.(row);
  }

  refusals(limit: number): RefusalRow[] {
    return this.#db.all('SELECT * FROM refusals ORDER BY id DESC LIMIT ?', limit).map((row) => ({
      at: String(row['at']),
      channel: String(row['channel']),
      peer: String(row['peer']),
      code: String(row['code']),
      message: String(row['message']),
      ...(row['sop_instance_uid'] !== null && { sopInstanceUID: String(row['sop_instance_uid']) }),
    }));
  }

  close(): void {
    this.digest.close();
    this.#db.close();
  }
}
