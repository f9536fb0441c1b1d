import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnswer, AuditRow, TokenCreated } from '../../contract/api.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.1';
const LARGE = '1.2.826.0.9.2';
let test: TestRouter;
let admin: Browser;
beforeAll(async () => {
  test = await startRouter();
  const { archive } = test.router.context;
  await keepFiles(archive, smallStudy(STUDY, 3));
  await keepFiles(archive, [
    smallImage({ study: LARGE, series: `${LARGE}.1`, sop: `${LARGE}.1.1`, rows: 4000, columns: 4000, value: 7 }),
  ]);
  admin = await test.login();
});
afterAll(() => test.close());

const rows = async (filter: string): Promise<AuditRow[]> =>
  (await admin.json<AuditAnswer>(`/api/audit?limit=1000&${filter}`)).rows;
const details = async (filter: string, object: string) =>
  (await rows(filter)).filter((row) => row.object === object).map((row) => row.detail);

describe('the audit trail', () => {
  it('tells apart what was searched for, in the worklist and by QIDO-RS', async () => {
    for (const query of ['search=Ivanov', 'search=Ivanova', 'search=Ivanov&modality=CT', 'search=Ivanov&offset=50'])
      await admin.json(`/api/worklist?${query}`);
    const posted = await admin.send('POST', '/api/worklist', { search: 'Ivanov', modality: 'MR', conflicts: true });
    expect(await posted.json()).toMatchObject({ rows: [], count: 0 });
    expect((await admin.send('POST', '/api/worklist', { search: 'Ivanov', limit: 'all' })).status).toBe(400);
    expect((await details('action=query', 'worklist')).sort()).toEqual([
      'search=Ivanov',
      'search=Ivanov&modality=CT',
      'search=Ivanov&modality=MR&conflicts=true',
      'search=Ivanova',
    ]);
    for (const query of ['PatientName=IVAN*&StudyDate=20260101-', 'PatientName=PETR*', 'PatientName=PETR*&limit=5'])
      await admin.json(`/dicom-web/studies?${query}`);
    expect((await details('action=query', 'studies')).sort()).toEqual([
      'GET /studies?PatientName=IVAN*&StudyDate=20260101-',
      'GET /studies?PatientName=PETR*',
    ]);
  });

  it('has who looked at the arrivals, and who read the audit trail', async () => {
    await admin.json('/api/arrivals?hours=48');
    expect(await details('action=query', 'arrivals')).toEqual(['hours=48']);
    await admin.json('/api/audit?user=admin');
    expect(await details('action=query', 'audit')).toContain('user=admin');
  });

  it('has a retrieval with the bytes that left', async () => {
    const answer = await admin.fetch(`/dicom-web/studies/${STUDY}`, {
      headers: { Accept: 'multipart/related; type="application/dicom"' },
    });
    const size = (await answer.arrayBuffer()).byteLength;
    await expect.poll(() => details('action=export', STUDY)).toHaveLength(1);
    const [detail] = await details('action=export', STUDY);
    const bytes = Number(/^GET \/studies, (\d+) bytes sent$/.exec(detail!)?.[1]);
    expect(bytes).toBeGreaterThanOrEqual(size);
    expect(bytes).toBeLessThan(size + 5_000);
  });

  it('has a retrieval that the client broke off, with how much had left', async () => {
    const { hostname, port } = new URL(test.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /dicom-web/studies/${LARGE} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: ${test.basic}\r\n` +
        'Accept: multipart/related; type="application/dicom"; transfer-syntax=*\r\n\r\n',
    );
    const received = await new Promise<number>((resolve) => {
      socket.once('data', (chunk: Buffer) => {
        socket.pause();
        socket.destroy();
        resolve(chunk.length);
      });
    });
    await expect.poll(() => details('action=export', LARGE)).toHaveLength(1);
    const [row] = (await rows('action=export')).filter(({ object }) => object === LARGE);
    const bytes = Number(/^GET \/studies, broken off, (\d+) bytes sent$/.exec(row!.detail)?.[1]);
    expect(bytes).toBeGreaterThanOrEqual(received);
    expect(bytes).toBeLessThan(32_000_000);
    expect(row!.outcome).toBe('error');
  });

  it('has a token that is unknown or has expired, and never its secret', async () => {
    const ask = (secret: string) =>
      fetch(`${test.url}/dicom-web/studies`, { headers: { Authorization: `Bearer ${secret}` } });
    expect((await ask('lb_not-a-token-of-ours')).status).toBe(401);
    const soon = new Date(Date.now() + 1000).toISOString();
    const made = await admin.send('POST', '/api/tokens', { name: 'old', scopes: ['dicomweb:read'], expiresAt: soon });
    const { secret } = (await made.json()) as TokenCreated;
    await expect.poll(async () => (await ask(secret)).status, { timeout: 20_000 }).toBe(401);
    const refused = await rows('action=login-refused');
    expect(refused.map(({ user, detail }) => `${user}: ${detail}`)).toEqual([
      'token:old: token has expired',
      'token: unknown token',
    ]);
    expect(JSON.stringify(refused)).not.toContain('not-a-token');
  });

  it('does not grow without limit by what people do who are not signed in', async () => {
    const before = (await rows('')).length;
    const many = async (ask: (n: number) => Promise<Response>) => {
      for (let i = 0; i < 100; i++) expect([401, 403, 429]).toContain((await ask(i)).status);
    };
    await many((n) => fetch(`${test.url}/dicom-web/studies`, { headers: { Authorization: `Bearer lb_${n}` } }));
    await many((n) => fetch(`${test.url}/objects/objects/${n}?e=9999999999&s=${n}`));
    await many((n) => fetch(`${test.url}/api/x${n}`, { method: 'POST', headers: { Origin: 'https://evil.example' } }));
    await many((n) =>
      fetch(`${test.url}/api/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ user: `stranger-${n}`, password: 'guess' }),
      }),
    );
    expect((await rows('')).length - before).toBeLessThan(25);
    test.router.control.digest.close();
    const [summary] = await rows('user=nobody');
    expect(summary!.detail).toMatch(/^3\d\d more refusals/);
    expect(summary!.detail).toContain('SIGNATURE_INVALID');
    expect(summary!.detail).toContain('login-refused: unknown token');
    const refusals = await admin.json<unknown[]>('/api/refusals?limit=1000');
    expect(refusals.length).toBeLessThan(30);
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    const counted = [...metrics.matchAll(/^lifeboat_refused_total\{[^}]*\} (\d+)$/gm)].reduce(
      (sum, m) => sum + Number(m[1]),
      0,
    );
    expect(counted).toBeGreaterThanOrEqual(400);
  });
});
