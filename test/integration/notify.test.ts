import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OutageAnswer, Status } from '../../contract/api.ts';
import { Notifier } from '../../router/notify/notifier.ts';
import { freePort } from '../bench/receivers.ts';
import { FaultPeer } from '../support/fault-peer.ts';
import { startRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const SECRET = 'a secret that both know';
const log = pino({ level: 'silent' });
let dataDir: string;
const stops: (() => unknown)[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'lifeboat-notify-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  rmSync(dataDir, { recursive: true, force: true });
});

interface Hook {
  headers: IncomingMessage['headers'];
  body: string;
}

/** @param answers statuses of the first answers; then 204 */
async function hookServer(answers: number[] = []): Promise<{ url: string; taken: Hook[]; all: Hook[] }> {
  const all: Hook[] = [];
  const taken: Hook[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const hook = { headers: request.headers, body };
    all.push(hook);
    const status = answers.shift() ?? 204;
    if (status < 300) taken.push(hook);
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/hook`, taken, all };
}

async function mailServer(port = 0): Promise<{ port: number; mails: { to: string[]; text: string }[] }> {
  const mails: { to: string[]; text: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
      });
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
  });
  await new Promise<void>((ready) => server.listen(port, '127.0.0.1', ready));
  stops.push(() => new Promise<void>((closed) => server.close(() => closed())));
  return { port: (server.server.address() as { port: number }).port, mails };
}

it('a webhook is signed, tried again until it is taken, and survives a restart', async () => {
  const { url, taken, all } = await hookServer([500, 503]);
  const event = { kind: 'test', subject: 'one', text: 'what is, and what to do' } as const;
  const first = new Notifier({ dataDir, log, webhook: { url, secret: SECRET }, pauseMs: 50 });
  first.notify(event);
  await first.close();
  const second = new Notifier({ dataDir, log, webhook: { url, secret: SECRET }, pauseMs: 50 });
  stops.push(() => second.close());
  second.start();
  await expect.poll(() => taken.length, { timeout: 10_000 }).toBe(1);
  expect(all).toHaveLength(3);
  const [{ headers, body }] = taken as [Hook];
  expect(JSON.parse(body)).toMatchObject(event);
  const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-lifeboat-signature']))!;
  expect(createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex')).toBe(mac);
  expect(Math.abs(Date.now() / 1000 - Number(seconds))).toBeLessThan(60);
  expect(second.waiting().count).toBe(0);
}, 30_000);

it('an e-mail reaches everybody, also when the mail server is away at first', async () => {
  const port = await freePort();
  const mail = {
    smtp: `smtp://127.0.0.1:${port}`,
    from: 'lifeboat@example.org',
    to: ['it@example.org', 'b@example.org'],
  };
  const notifier = new Notifier({ dataDir, log, mail, pauseMs: 100 });
  stops.push(() => notifier.close());
  notifier.start();
  notifier.notify({ kind: 'outage-declared', subject: 'PACS is down', text: 'Since noon.' });
  await expect.poll(() => notifier.waiting().message, { timeout: 10_000 }).toMatch(/ECONNREFUSED/);
  const { mails } = await mailServer(port);
  await expect.poll(() => mails.length, { timeout: 15_000 }).toBe(1);
  expect(mails[0]!.to).toEqual(['it@example.org', 'b@example.org']);
  expect(mails[0]!.text).toMatch(/Subject: \[Lifeboat\] PACS is down/);
  expect(mails[0]!.text).toContain('Since noon.');
}, 40_000);

it('an outage is told when it begins and when it is over; a planned one is not, and the ledger says so', async () => {
  const { url, taken } = await hookServer();
  const subjects = () => taken.map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
  const port = await freePort();
  const address = `PACS@127.0.0.1:${port}`;
  const env = {
    LIFEBOAT_PACS: address,
    LIFEBOAT_FORWARD_TO: address,
    LIFEBOAT_WEBHOOK_URL: url,
    LIFEBOAT_WEBHOOK_SECRET: SECRET,
  };
  const router = await startRouter({ env });
  stops.push(() => router.close());
  const admin = await router.login();
  const state = async () => (await admin.json<Status>('/api/status')).pacs?.state;
  await expect.poll(subjects, { timeout: 30_000 }).toEqual(['outage-declared']);
  await keepFiles(router.router.context.archive, smallStudy('1.2.826.0.9.81', 1));
  let pacs = await FaultPeer.start({ onStore: () => 0xc000 }, port);
  await expect.poll(subjects, { timeout: 60_000 }).toEqual(expect.arrayContaining(['outage-over', 'needs-person']));
  expect(taken.some(({ body }) => body.includes('Test^Patient'))).toBe(false);
  const told = taken.length;

  const [from, to] = [-60_000, 600_000].map((ms) => new Date(Date.now() + ms).toISOString());
  expect((await admin.send('POST', '/api/outages/planned', { from, to, note: 'update' })).status).toBe(200);
  await pacs.stop();
  await expect.poll(state, { timeout: 30_000 }).toBe('down');
  pacs = await FaultPeer.start({ onStore: () => 0xc000 }, port);
  stops.push(() => pacs.stop());
  await expect.poll(state, { timeout: 30_000 }).toBe('up');
  expect(
    subjects()
      .slice(told)
      .filter((kind) => kind.startsWith('outage')),
  ).toEqual([]);
  const [newest] = (await admin.json<OutageAnswer>('/api/outages')).outages;
  expect(newest!.evidence.map(({ words }) => words).join()).toMatch(/Nobody was alerted: planned until .*update/);
  const metrics = await (await fetch(`${router.url}/metrics`)).text();
  expect(metrics).toMatch(/^lifeboat_pacs_outages 2$/m);
}, 150_000);
