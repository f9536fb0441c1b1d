import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnswer, TokenCreated } from '../../contract/api.ts';
import { storeRequest } from '../support/dicomweb.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.2.5';
let test: TestRouter;
beforeAll(async () => {
  test = await startRouter();
  await keepFiles(test.router.context.archive, smallStudy(STUDY, 3));
});
afterAll(() => test.close());

const dicomweb = (authorization?: string, init: RequestInit = {}, path = '/studies') =>
  fetch(`${test.url}/dicom-web${path}`, {
    ...init,
    headers: { Accept: 'application/dicom+json', ...(authorization && { Authorization: authorization }) },
  });
const token = async (body: object): Promise<TokenCreated> => {
  const admin = await test.login();
  return (await (await admin.send('POST', '/api/tokens', body)).json()) as TokenCreated;
};

describe('machine clients on /dicom-web', () => {
  it('are asked for credentials', async () => {
    const answer = await dicomweb();
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Basic realm="Lifeboat"');
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });

  it('come in with HTTP Basic, and not with a wrong password', async () => {
    expect((await dicomweb(test.basic)).status).toBe(200);
    const wrong = await dicomweb(`Basic ${Buffer.from('admin:wrong password').toString('base64')}`);
    expect(wrong.status).toBe(401);
    expect(await wrong.json()).toMatchObject({ code: 'BAD_CREDENTIALS' });
    expect((await dicomweb('Basic !!!')).status).toBe(401);
    expect((await dicomweb('Digest x')).status).toBe(401);
  });

  it('notice at once that a remembered Basic password was changed', async () => {
    await test.router.control.users.add('machine', 'radiologist', 'machine password one', { mustChange: false });
    const basic = `Basic ${Buffer.from('machine:machine password one').toString('base64')}`;
    expect((await dicomweb(basic)).status).toBe(200);
    await test.router.control.users.setPassword('machine', 'machine password two', { mustChange: false });
    expect((await dicomweb(basic)).status).toBe(401);
  });

  it('may ask for the capabilities with a token that only reads', async () => {
    const reader = await token({ name: 'capabilities', scopes: ['dicomweb:read'] });
    const answer = await dicomweb(`Bearer ${reader.secret}`, { method: 'OPTIONS' });
    expect(answer.status).toBe(200);
    const writer = await token({ name: 'only-writes', scopes: ['dicomweb:write'] });
    expect((await dicomweb(`Bearer ${writer.secret}`, { method: 'OPTIONS' })).status).toBe(403);
  });

  it('leave one row in the audit trail for an upload, refused ones too', async () => {
    const uploads = async () => {
      const { rows } = await (await test.login()).json<AuditAnswer>('/api/audit?action=upload&limit=100');
      return rows.map(({ detail, outcome }) => `${outcome}: ${detail}`);
    };
    const before = (await uploads()).length;
    const { body, contentType } = storeRequest([...smallStudy('1.2.826.0.2.6', 2)]);
    const headers = { Accept: 'application/dicom+json', Authorization: test.basic };
    const sent = await fetch(`${test.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': contentType },
      body,
    });
    expect(sent.status).toBe(200);
    expect((await uploads()).slice(0, -before || undefined)).toEqual(['ok: 2 kept, 0 refused']);
    const refused = await fetch(`${test.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'text/plain' },
      body: 'no image',
    });
    expect(refused.status).toBe(415);
    expect(await uploads()).toHaveLength(before + 2);
  });

  it('hold tokens that can do what their scopes say and nothing else', async () => {
    const reader = await token({ name: 'reader', scopes: ['dicomweb:read'] });
    expect(reader.secret).toMatch(/^lb_[\w-]{43}$/);
    const bearer = `Bearer ${reader.secret}`;
    expect((await dicomweb(bearer)).status).toBe(200);
    const write = await dicomweb(bearer, { method: 'POST', body: 'x' });
    expect(write.status).toBe(403);
    expect(((await write.json()) as { message: string }).message).toContain('dicomweb:write');
    const writer = await token({ name: 'writer', scopes: ['dicomweb:write'] });
    expect((await dicomweb(`Bearer ${writer.secret}`)).status).toBe(403);
    const api = await fetch(`${test.url}/api/users`, { headers: { Authorization: bearer } });
    expect(api.status).toBe(401);
  });

  it('lose access when a token is removed or has expired', async () => {
    const short = await token({
      name: 'short',
      scopes: ['dicomweb:read'],
      expiresAt: new Date(Date.now() + 5000).toISOString(),
    });
    expect((await dicomweb(`Bearer ${short.secret}`)).status).toBe(200);
    await expect.poll(async () => (await dicomweb(`Bearer ${short.secret}`)).status, { timeout: 20_000 }).toBe(401);
    const gone = await token({ name: 'gone', scopes: ['dicomweb:read'] });
    const admin = await test.login();
    expect((await admin.send('DELETE', `/api/tokens/${gone.id}`)).status).toBe(204);
    expect((await dicomweb(`Bearer ${gone.secret}`)).status).toBe(401);
    expect(JSON.stringify(await admin.json('/api/tokens'))).not.toContain('lb_');
  });

  it('cannot be used by another site through a browser that remembers Basic', async () => {
    const answer = await fetch(`${test.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { Authorization: test.basic, Origin: 'https://evil.example', 'Content-Type': 'application/dicom' },
      body: 'x',
    });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'CSRF' });
  });

  it('leave one audit row for many requests of the same kind', async () => {
    for (let i = 0; i < 20; i++) await dicomweb(test.basic, {}, `/studies/${STUDY}/metadata`);
    const admin = await test.login();
    const { rows } = await admin.json<AuditAnswer>('/api/audit?action=view');
    expect(rows.filter((row) => row.object === STUDY)).toHaveLength(1);
    const queries = await admin.json<AuditAnswer>('/api/audit?action=query');
    expect(queries.rows.some((row) => row.user === 'token:reader')).toBe(true);
  });
});

describe('/metrics, /healthz, /readyz', () => {
  it('shows figures to this machine and to tokens of that scope; a proxied stranger gets none', async () => {
    const text = await (await fetch(`${test.url}/metrics`)).text();
    expect(text).toContain('lifeboat_committed_instances_total{via="import"} 3');
    expect(text).toContain('lifeboat_store_available 1');
    const proxied = (headers: Record<string, string>) =>
      fetch(`${test.url}/metrics`, { headers: { 'X-Forwarded-For': '203.0.113.9', ...headers } });
    expect((await proxied({})).status).toBe(401);
    const scraper = await token({ name: 'prometheus', scopes: ['metrics'] });
    expect((await proxied({ Authorization: `Bearer ${scraper.secret}` })).status).toBe(200);
    expect((await dicomweb(`Bearer ${scraper.secret}`)).status).toBe(403);
  });

  it('says ready with its reasons', async () => {
    expect(await (await fetch(`${test.url}/healthz`)).json()).toEqual({ status: 'ok' });
    const ready = await fetch(`${test.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready', checks: { spool: 'ok', catalogue: 'ok', store: 'ok' } });
  });

  it('says unready when the spool has no room', async () => {
    const full = await startRouter({ env: { LIFEBOAT_SPOOL_MIN_FREE_MB: '900000000' } });
    try {
      const answer = await fetch(`${full.url}/readyz`);
      expect(answer.status).toBe(503);
      expect(JSON.stringify(await answer.json())).toContain('no room left');
    } finally {
      await full.close();
    }
  });
});

it('the administrator password of the settings is the one that works', async () => {
  expect((await test.login('admin', ADMIN_PASSWORD)).csrf).toBeTruthy();
});
