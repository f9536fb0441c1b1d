import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../router/access/access-types.ts';
import { AuditDigest } from '../../router/access/audit-digest.ts';
import { Control } from '../../router/access/control.ts';
import { SlowDown } from '../../router/access/slow-down.ts';

let dataDir: string;
let control: Control;
let now: number;
const settings = () => ({ dataDir, acceptAE: ['CT1'], sessionIdleMs: 60_000, sessionMaxMs: 3_600_000 });
const event = (object: string): AuditEvent => ({
  user: 'eva',
  address: '10.0.0.7',
  action: 'view',
  object,
  outcome: 'ok',
});

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lifeboat-access-'));
  now = Date.UTC(2026, 0, 1);
  control = new Control(settings(), () => now);
});
afterEach(async () => {
  control.close();
  await rm(dataDir, { recursive: true });
});

describe('audit trail', () => {
  it('cannot be changed or shortened through the database', () => {
    control.audit(event('1.2.3'));
    const db = new DatabaseSync(join(dataDir, 'control.sqlite'));
    expect(() => db.exec("UPDATE audit SET user = 'somebody else'")).toThrow('append-only');
    expect(() => db.exec('DELETE FROM audit')).toThrow('append-only');
    db.close();
  });

  it('shows where somebody who took the triggers away changed or removed a row', () => {
    for (let i = 1; i <= 2500; i++) control.audit(event(`1.2.${i}`));
    expect(control.trail.firstBroken()).toBeNull();
    const db = new DatabaseSync(join(dataDir, 'control.sqlite'));
    db.exec('DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;');
    db.exec("UPDATE audit SET user = 'somebody else' WHERE id = 1700");
    expect(control.trail.firstBroken()).toBe(1700);
    db.exec("UPDATE audit SET user = 'eva' WHERE id = 1700");
    expect(control.trail.firstBroken()).toBeNull();
    db.exec('DELETE FROM audit WHERE id = 3');
    expect(control.trail.firstBroken()).toBe(3);
    db.close();
  });

  it('keeps one chain when two processes write', () => {
    const other = new Control(settings(), () => now);
    for (let i = 0; i < 50; i++) (i % 2 ? control : other).audit(event(`1.2.${i}`));
    other.close();
    expect(control.trail.firstBroken()).toBeNull();
    expect(control.auditRows({ limit: 100, offset: 0 }).rows).toHaveLength(50);
  });

  it('is found by time, user and action, newest first, in pages', () => {
    for (let i = 0; i < 5; i++) {
      now = Date.UTC(2026, 0, 1 + i);
      control.audit({ ...event(`1.2.${i}`), user: i === 2 ? 'Otto' : 'eva' });
    }
    expect(control.auditRows({ user: 'otto', limit: 10, offset: 0 }).rows.map((row) => row.object)).toEqual(['1.2.2']);
    const days = control.auditRows({ from: '2026-01-02', to: '2026-01-04', limit: 2, offset: 0 });
    expect([days.rows.map((row) => row.object), days.more]).toEqual([['1.2.3', '1.2.2'], true]);
  });

  it('tells how often something was repeated instead of a row for each', () => {
    const rows: AuditEvent[] = [];
    const digest = new AuditDigest(
      (row) => rows.push(row),
      () => now,
    );
    for (let i = 0; i < 500; i++) digest.note(event('1.2.3'));
    digest.note(event('1.2.4'));
    expect(rows).toHaveLength(2);
    now += 6 * 60_000;
    digest.note(event('1.2.3'));
    expect(rows[2]!.detail).toContain('499 more of the same');
    digest.close();
    expect(rows).toHaveLength(4);
  });
});

describe('senders', () => {
  it('are let in by setting or by an administrator; unknown ones are remembered and counted', () => {
    expect(control.senderAllowed('CT1', '10.0.0.1')).toBe(true);
    expect(control.senderAllowed('MR7', '10.0.0.2')).toBe(false);
    expect(control.senderAllowed('MR7', '10.0.0.2')).toBe(false);
    expect(control.aes().find((row) => row.title === 'MR7')).toMatchObject({
      allowed: false,
      origin: 'seen',
      rejected: 2,
      lastAddress: '10.0.0.2',
    });
    control.allowAe('MR7', 'new scanner');
    expect(control.senderAllowed('MR7', '10.0.0.2')).toBe(true);
    control.removeAe('MR7');
    expect(control.senderAllowed('MR7', '10.0.0.2')).toBe(false);
    expect(() => control.removeAe('CT1')).toThrow('LIFEBOAT_ACCEPT_AE');
    expect(() => control.allowAe('SEVENTEEN-LETTERS')).toThrow('16 characters');
  });

  it('that try a thousand titles neither fill the disk nor hide a new scanner', () => {
    control.allowAe('MR7');
    control.senderAllowed('CT1', '10.0.0.1');
    for (let i = 0; i < 1000; i++) {
      now += 1000;
      control.senderAllowed(`SCAN${i}`, '10.0.0.9');
    }
    now += 1000;
    control.senderAllowed('NEW-CT', '10.0.0.5');
    const titles = control.aes().map((row) => row.title);
    expect(titles.length).toBeLessThanOrEqual(502);
    for (const title of ['NEW-CT', 'MR7', 'CT1', 'SCAN999']) expect(titles).toContain(title);
    expect(titles).not.toContain('SCAN0');
  });

  it('that try a thousand titles where any is accepted do not fill the disk either', () => {
    const open = new Control({ ...settings(), acceptAE: ['*'] }, () => now);
    for (let i = 0; i < 1000; i++) open.senderAllowed(`SCAN${i}`, '10.0.0.9');
    expect(open.aes().length).toBeLessThanOrEqual(502);
    open.close();
  });
});

describe('first start', () => {
  it('makes one administrator with a one-time password, once', async () => {
    const first = await control.firstStart(undefined);
    expect(first?.oneTimePassword).toMatch(/^(\w{5}-){3}\w{5}$/);
    expect((await control.signIn.verify('admin', first!.oneTimePassword!, '::1')).mustChangePassword).toBe(true);
    expect(await control.firstStart(undefined)).toBeNull();
  });

  it('takes the password of the settings', async () => {
    expect(await control.firstStart('from the settings')).toEqual({ user: 'admin' });
    expect((await control.signIn.verify('admin', 'from the settings', '::1')).mustChangePassword).toBe(false);
  });

  it('keeps neither passwords nor session ids nor token secrets readable', async () => {
    await control.firstStart('from the settings');
    const id = control.sessions.begin('admin');
    const { secret } = control.tokens.create({ name: 't', scopes: ['metrics'] });
    control.close();
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(join(dataDir, 'control.sqlite')).toString('latin1');
    for (const secretText of ['from the settings', id, secret]) expect(bytes).not.toContain(secretText);
    expect(bytes).toContain('$argon2id$');
  });
});

describe('lock-out', () => {
  const wrong = (user: string, address: string) =>
    control.signIn.verify(user, 'wrong password', address).then(
      () => 'signed in',
      (error: Error) => error.message,
    );

  it('grows with each further failure, and a restart frees nobody', async () => {
    for (let i = 0; i < 5; i++) await wrong('eva', '10.0.0.1');
    expect(await wrong('eva', '10.0.0.1')).toContain('in a minute');
    now += 61_000;
    await wrong('Eva', '10.0.0.1');
    const restarted = new Control(settings(), () => now);
    await expect(restarted.signIn.verify('eva', 'x', '10.0.0.1')).rejects.toThrow('in 2 minutes');
    restarted.close();
  });

  it('meets nobody at another address: a ward cannot be locked out from elsewhere', async () => {
    await control.users.add('eva', 'radiologist', 'the right password', { mustChange: false });
    for (let i = 0; i < 30; i++) await wrong('eva', '203.0.113.9');
    expect((await control.signIn.verify('eva', 'the right password', '10.0.0.1')).name).toBe('eva');
  });

  it('counts a hundred guesses at once like a hundred in a row', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => wrong('eva', '10.0.0.1')));
    expect(answers.filter((answer) => answer.includes('is wrong'))).toHaveLength(5);
  });

  it('takes the addresses of one IPv6 network for one', async () => {
    for (let i = 0; i < 5; i++) await wrong('eva', `2001:db8::${i}`);
    expect(await wrong('eva', '2001:0db8:0:0:ffff::1')).toContain('Too many wrong passwords');
    expect(await wrong('eva', '2001:db8:0:1::1')).toContain('User name or password is wrong');
  });

  it('also meets one address that tries many names, but not those who signed in there before', async () => {
    await control.users.add('nurse', 'radiologist', 'the right password', { mustChange: false });
    await control.signIn.verify('nurse', 'the right password', '10.0.0.66');
    for (let i = 0; i < 20; i++) await wrong(`user${i}`, '10.0.0.66');
    expect(await wrong('another', '10.0.0.66')).toContain('Too many wrong passwords');
    expect(await wrong('another', '10.0.0.67')).toContain('User name or password is wrong');
    expect((await control.signIn.verify('nurse', 'the right password', '10.0.0.66')).name).toBe('nurse');
    for (let i = 0; i < 5; i++) await wrong('nurse', '10.0.0.66');
    expect(await wrong('nurse', '10.0.0.66')).toContain('Too many wrong passwords');
  });

  it('is lifted by an administrator wherever the user met it', async () => {
    await control.users.add('eva', 'radiologist', 'the right password', { mustChange: false });
    for (let i = 0; i < 20; i++) await wrong(`user${i}`, '10.0.0.1');
    for (let i = 0; i < 5; i++) await wrong('eva', '10.0.0.2');
    now += 60_001;
    for (const address of ['10.0.0.1', '10.0.0.2']) await wrong('eva', address);
    expect(control.users.rows()[0]!.lockedUntil).not.toBeNull();
    control.users.unlock('eva');
    expect(control.users.rows()[0]!.lockedUntil).toBeNull();
    for (const address of ['10.0.0.1', '10.0.0.2'])
      expect((await control.signIn.verify('eva', 'the right password', address)).name).toBe('eva');
  });
});

describe('the slow-down of guessing from everywhere', () => {
  it('lets fifty wrong passwords pass, then puts more and more time between two sign-ins, and calms down again', () => {
    const slow = new SlowDown(() => now);
    for (let i = 0; i < 50; i++) slow.failed();
    expect([slow.turn(), slow.turn()]).toEqual([0, 0]);
    for (let i = 0; i < 10; i++) slow.failed();
    expect([slow.turn(), slow.turn(), slow.turn()]).toEqual([0, 200, 400]);
    for (let i = 0; i < 1000; i++) slow.failed();
    const waits: number[] = [];
    expect(() => {
      for (;;) waits.push(slow.turn());
    }).toThrow(expect.objectContaining({ code: 'BUSY' }));
    expect(waits.at(-1)! - waits.at(-2)!).toBe(1000);
    expect(waits.length).toBeLessThan(20);
    now += 20 * 60_000;
    expect([slow.turn(), slow.turn()]).toEqual([0, 0]);
  });

  it('keeps nobody waiting who signed in from there before', async () => {
    await control.users.add('eva', 'radiologist', 'the right password', { mustChange: false });
    await control.signIn.verify('eva', 'the right password', '10.0.0.1');
    for (let i = 0; i < 100; i++) control.signIn.slowDown.failed();
    const order: string[] = [];
    const stranger = (n: number) =>
      control.signIn.verify('nobody', 'x', `203.0.113.${n}`).catch(() => order.push('stranger'));
    const waiting = [stranger(1), stranger(2)];
    await control.signIn.verify('eva', 'the right password', '10.0.0.1').then(() => order.push('eva'));
    await Promise.all(waiting);
    expect(order.indexOf('eva')).toBeLessThan(order.lastIndexOf('stranger'));
  });
});
