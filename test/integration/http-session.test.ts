import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { AuditAnswer, RefusalRow, SessionInfo } from '../../contract/api.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';

describe('signing in', () => {
  let test: TestRouter;
  beforeAll(async () => {
    test = await startRouter();
  });
  afterAll(() => test.close());

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${test.url}/api/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  it('gives a cookie that scripts and other sites cannot use', async () => {
    const answer = await post({ user: 'admin', password: ADMIN_PASSWORD });
    expect(answer.status).toBe(200);
    const [cookie] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^lifeboat_session=[\w-]{43};/);
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    expect(cookie).not.toContain('Secure');
    const session = (await answer.json()) as SessionInfo;
    expect(session).toMatchObject({ user: 'admin', role: 'admin' });
  });

  it('says the same for a wrong password and an unknown user', async () => {
    const wrong = await post({ user: 'admin', password: 'not it at all' });
    const unknown = await post({ user: 'nobody-here', password: 'not it at all' });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(await wrong.json()).toEqual(await unknown.json());
    await test.login();
  });

  it('refuses a sign-in sent by another site', async () => {
    const answer = await post({ user: 'admin', password: ADMIN_PASSWORD }, { Origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'CSRF' });
  });

  it('refuses changes without the CSRF token, and lets them pass with it', async () => {
    const browser = await test.login();
    const without = await browser.fetch('/api/aes', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ title: 'CT9' }),
    });
    expect(without.status).toBe(403);
    expect(await without.json()).toMatchObject({ code: 'CSRF' });
    const other = await test.login();
    const foreignToken = await browser.fetch('/api/aes', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Lifeboat-CSRF': other.csrf },
      body: JSON.stringify({ title: 'CT9' }),
    });
    expect(foreignToken.status).toBe(403);
    expect((await browser.send('POST', '/api/aes', { title: 'CT9' })).status).toBe(201);
    const refusals = await browser.json<RefusalRow[]>('/api/refusals');
    expect(refusals.some((row) => row.channel === 'HTTP' && row.code === 'CSRF')).toBe(true);
  });

  it('ends with sign-out: the cookie is worth nothing afterwards', async () => {
    const browser = await test.login();
    expect((await browser.fetch('/api/session')).status).toBe(200);
    const out = await browser.send('DELETE', '/api/session');
    expect([out.status, out.headers.get('clear-site-data')]).toEqual([204, '"cache", "storage"']);
    expect((await browser.fetch('/api/session')).status).toBe(401);
  });

  it('locks a name after five wrong passwords, also for the right one, and says for how long', async () => {
    await test.router.control.users.add('locky', 'radiologist', 'the right password', { mustChange: false });
    for (let i = 0; i < 5; i++) expect((await post({ user: 'locky', password: 'wrong' })).status).toBe(401);
    const locked = await post({ user: 'locky', password: 'the right password' });
    expect(locked.status).toBe(429);
    expect(((await locked.json()) as { message: string }).message).toContain('try again in a minute');
    const admin = await test.login();
    const audit = await admin.json<AuditAnswer>('/api/audit?action=login-refused&user=locky');
    expect(audit.rows.map((row) => row.detail)).toEqual(['locked out', ...Array(5).fill('wrong password')]);
    expect((await admin.send('PATCH', '/api/users/locky', { unlock: true })).status).toBe(200);
    expect((await post({ user: 'locky', password: 'the right password' })).status).toBe(200);
  });

  it('changes the own password, keeps this browser signed in and ends the others', async () => {
    const here = await test.loginAs('radiologist', 'changer');
    const elsewhere = await test.login('changer', 'changer has a password');
    const weak = await here.send('POST', '/api/session/password', { current: 'changer has a password', next: 'short' });
    expect(weak.status).toBe(400);
    const changed = await here.send('POST', '/api/session/password', {
      current: 'changer has a password',
      next: 'a better one now',
    });
    expect(changed.status).toBe(204);
    const cookie = changed.headers.getSetCookie()[0]!.split(';')[0]!;
    expect((await fetch(`${test.url}/api/session`, { headers: { Cookie: cookie } })).status).toBe(200);
    expect((await elsewhere.fetch('/api/session')).status).toBe(401);
    expect((await post({ user: 'changer', password: 'a better one now' })).status).toBe(200);
  });

  it('shows where one is signed in, and ends everything elsewhere, open event streams too', async () => {
    const here = await test.loginAs('radiologist', 'wanderer');
    const elsewhere = await test.login('wanderer', 'wanderer has a password');
    const other = await test.loginAs('radiologist', 'another');
    const stream = await elsewhere.fetch('/api/events');
    expect(await here.json('/api/session/all')).toMatchObject([
      { current: false, address: '127.0.0.1', browser: 'node' },
      { current: true, address: '127.0.0.1', browser: 'node' },
    ]);
    expect((await here.send('DELETE', '/api/session/others')).status).toBe(204);
    expect((await elsewhere.fetch('/api/session')).status).toBe(401);
    expect(await here.json('/api/session/all')).toMatchObject([{ current: true }]);
    expect((await other.fetch('/api/session')).status).toBe(200);
    await stream.text();
  });

  it('lets nobody with a password that somebody else made do anything but change it', async () => {
    const { control } = test.router;
    const admin = await test.login();
    const made = await admin.send('POST', '/api/users', {
      name: 'newcomer',
      role: 'admin',
      password: 'made by the admin',
    });
    expect(made.status).toBe(201);
    const newcomer = await test.login('newcomer', 'made by the admin');
    expect(await newcomer.json('/api/session')).toMatchObject({ mustChangePassword: true });
    const paths = ['/api/status', '/api/events', '/api/worklist', '/api/arrivals', '/api/users', '/api/nowhere'];
    for (const path of [...paths, '/dicom-web/studies']) {
      const answer = await newcomer.fetch(path);
      expect([path, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        path,
        403,
        'PASSWORD_CHANGE_REQUIRED',
      ]);
    }
    expect((await newcomer.send('POST', '/api/aes', { title: 'ROGUE' })).status).toBe(403);
    expect(control.aes().some((row) => row.title === 'ROGUE')).toBe(false);
    const basic = `Basic ${Buffer.from('newcomer:made by the admin').toString('base64')}`;
    for (const path of ['/dicom-web/studies', '/metrics'])
      expect((await fetch(`${test.url}${path}`, { headers: { Authorization: basic } })).status).toBe(403);
    expect(await (await newcomer.fetch('/')).text()).not.toContain('lifeboat-boot"');
    const same = await newcomer.send('POST', '/api/session/password', {
      current: 'made by the admin',
      next: 'made by the admin',
    });
    expect(same.status).toBe(400);
    const changed = await newcomer.send('POST', '/api/session/password', {
      current: 'made by the admin',
      next: 'one of my own now',
    });
    expect(changed.status).toBe(204);
    const free = await test.login('newcomer', 'one of my own now');
    expect((await free.fetch('/api/worklist')).status).toBe(200);
    const refused = await admin.json<AuditAnswer>('/api/audit?action=refusal&user=newcomer');
    expect(refused.rows.some((row) => row.object === '/api/worklist')).toBe(true);
    expect((await admin.send('DELETE', '/api/users/newcomer')).status).toBe(204);
  });

  it('ends the sessions of a user who is disabled, and keeps the last administrator', async () => {
    const admin = await test.login();
    const eva = await test.loginAs('radiologist', 'eva');
    expect((await eva.fetch('/api/worklist')).status).toBe(200);
    expect((await admin.send('PATCH', '/api/users/eva', { disabled: true })).status).toBe(200);
    expect((await eva.fetch('/api/worklist')).status).toBe(401);
    const last = await admin.send('DELETE', '/api/users/admin');
    expect(last.status).toBe(409);
    expect(((await last.json()) as { message: string }).message).toContain('only administrator');
  });

  it('gives each role its own and no more', async () => {
    const radiologist = await test.loginAs('radiologist');
    const modality = await test.loginAs('modality');
    const statuses = async (browser: typeof radiologist, paths: string[]) =>
      Promise.all(paths.map(async (path) => (await browser.fetch(path)).status));
    const paths = [
      '/api/status',
      '/api/worklist',
      '/api/arrivals',
      '/api/users',
      '/api/audit',
      '/api/tokens',
      '/api/aes',
    ];
    expect(await statuses(radiologist, paths)).toEqual([200, 200, 403, 403, 403, 403, 403]);
    expect(await statuses(modality, paths)).toEqual([200, 403, 200, 403, 403, 403, 403]);
    const nobody = await Promise.all(paths.map(async (path) => (await fetch(`${test.url}${path}`)).status));
    expect(nobody).toEqual(paths.map(() => 401));
    expect((await modality.fetch('/dicom-web/studies')).status).toBe(403);
  });

  it('refuses a body that is no JSON, too large, or has unknown fields, each in words', async () => {
    const bad = await fetch(`${test.url}/api/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"user":',
    });
    expect([bad.status, ((await bad.json()) as { message: string }).message]).toEqual([
      400,
      'The request body is not valid JSON.',
    ]);
    expect((await post({ user: 'a', password: 'x'.repeat(100_000) })).status).toBe(413);
    const extra = await post({ user: 'a', password: 'b', role: 'admin' });
    expect(extra.status).toBe(400);
    expect(((await extra.json()) as { message: string }).message).toContain('role');
  });
});

describe('behind a proxy', () => {
  it('the address that the proxy adds counts, not what the client claims', async () => {
    const test = await startRouter({ env: { LIFEBOAT_TRUST_PROXY: 'true' } });
    try {
      const guess = (n: number) =>
        fetch(`${test.url}/api/session`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': `10.9.8.${n}, 203.0.113.9` },
          body: JSON.stringify({ user: 'admin', password: 'a guess' }),
        });
      for (let i = 0; i < 5; i++) expect((await guess(i)).status).toBe(401);
      expect((await guess(6)).status).toBe(429);
      const { rows } = await (await test.login()).json<AuditAnswer>('/api/audit?action=login-refused');
      expect(new Set(rows.map((row) => row.address))).toEqual(new Set(['203.0.113.9']));
    } finally {
      await test.close();
    }
  });
});

/** A folder with the least that can stand for the built viewer. */
async function viewer(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'lifeboat-viewer-'));
  await writeFile(join(dir, 'index.html'), '<!doctype html><head></head><body>page</body>');
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

describe('sessions and time', () => {
  it('end after idling, and polling does not keep them alive', async () => {
    const test = await startRouter({ config: { sessionIdleMs: 1500 } });
    try {
      const browser = await test.login();
      for (let i = 0; i < 8; i++) {
        await new Promise((done) => setTimeout(done, 250));
        await browser.fetch('/api/status');
      }
      expect((await browser.fetch('/api/worklist')).status).toBe(401);
    } finally {
      await test.close();
    }
  });

  it('end after idling also when the page asks by itself, and not while somebody is at it', async () => {
    const test = await startRouter({ config: { sessionIdleMs: 3000 } });
    try {
      const [away, present] = [await test.login(), await test.login()];
      await expect
        .poll(
          async () => {
            expect((await present.fetch('/api/worklist')).status).toBe(200);
            return (await away.fetch('/api/worklist', { headers: { 'X-Lifeboat-Unattended': '1' } })).status;
          },
          { interval: 300, timeout: 20_000 },
        )
        .toBe(401);
    } finally {
      await test.close();
    }
  });

  it('end after their longest life even when in use', async () => {
    const test = await startRouter({ config: { sessionMaxMs: 1000 } });
    try {
      const browser = await test.login();
      for (let i = 0; i < 6; i++) {
        await new Promise((done) => setTimeout(done, 200));
        await browser.fetch('/api/worklist');
      }
      expect((await browser.fetch('/api/worklist')).status).toBe(401);
    } finally {
      await test.close();
    }
  });

  it('survive a restart of the router', async () => {
    const before = await startRouter();
    const browser = await before.login();
    await before.close({ keepData: true });
    const after = await startRouter({ dataDir: before.dataDir });
    try {
      const answer = await fetch(`${after.url}/api/session`, { headers: { Cookie: browser.cookie } });
      expect(answer.status).toBe(200);
    } finally {
      await after.close();
    }
  });

  it('leave nothing in the browser when they have ended by themselves', async () => {
    const test = await startRouter({ viewerDir: await viewer() });
    try {
      const browser = await test.login();
      expect((await browser.fetch('/')).headers.get('clear-site-data')).toBeNull();
      expect((await fetch(`${test.url}/`)).headers.get('clear-site-data')).toBeNull();
      test.router.control.sessions.endOthers('admin', 'none');
      const page = await browser.fetch('/');
      expect(page.headers.get('clear-site-data')).toBe('"cache", "storage"');
      expect(page.headers.getSetCookie()[0]).toMatch(/^lifeboat_session=;.*Expires=Thu, 01 Jan 1970/);
    } finally {
      await test.close();
    }
  });

  it('are marked Secure behind a TLS proxy', async () => {
    const test = await startRouter({ env: { LIFEBOAT_TRUST_PROXY: 'true' } });
    try {
      const answer = await fetch(`${test.url}/api/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Forwarded-Proto': 'https' },
        body: JSON.stringify({ user: 'admin', password: ADMIN_PASSWORD }),
      });
      expect(answer.headers.getSetCookie()[0]).toContain('Secure');
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
      expect((await fetch(`${test.url}/healthz`)).headers.get('strict-transport-security')).toBeNull();
    } finally {
      await test.close();
    }
  });
});
