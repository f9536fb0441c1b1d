import { afterEach, expect, it } from 'vitest';
import type { OutageAnswer, Status } from '../../contract/api.ts';
import { freePort } from '../bench/receivers.ts';
import { FaultPeer } from '../support/fault-peer.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.8';
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const ledger = async (test: TestRouter) => (await test.login()).json<OutageAnswer>('/api/outages');

it('an outage is an entry with evidence, what was received and what is owed, over a restart of ours, and ends when the PACS is back', async () => {
  const port = await freePort();
  const address = `PACS@127.0.0.1:${port}`;
  const env = { LIFEBOAT_PACS: address, LIFEBOAT_FORWARD_TO: address };
  const first = await startRouter({ env });
  const admin = await first.login();
  const now = Date.now();
  const plan = {
    from: new Date(now - 60_000).toISOString(),
    to: new Date(now + 600_000).toISOString(),
    note: 'update',
  };
  expect((await admin.send('POST', '/api/outages/planned', plan)).status).toBe(200);
  await expect
    .poll(async () => (await admin.json<Status>('/api/status')).pacs?.state, { timeout: 15_000 })
    .toBe('down');
  await keepFiles(first.router.context.archive, smallStudy(STUDY, 3));
  await expect
    .poll(async () => (await ledger(first)).outages[0]?.received)
    .toMatchObject([{ source: 'test', instances: 3 }]);
  const [during] = (await ledger(first)).outages;
  expect(during).toMatchObject({ to: null, planned: 'update', owed: [{ destination: address, instances: 3 }] });
  expect(during!.evidence[0]!.words).toMatch(/refused/);
  await first.close({ keepData: true });

  const second = await startRouter({ env, dataDir: first.dataDir });
  stops.push(() => second.close());
  expect((await ledger(second)).outages).toHaveLength(1);
  const pacs = await FaultPeer.start({}, port);
  stops.push(() => pacs.stop());
  await expect.poll(async () => (await ledger(second)).outages[0]!.to, { timeout: 20_000 }).not.toBeNull();
  await expect.poll(() => pacs.stored.length, { timeout: 5_000 }).toBe(3);
  expect((await ledger(second)).outages).toHaveLength(1);
  const csv = await (await (await second.login()).fetch('/api/outages/csv')).text();
  expect(csv).toMatch(/"test: 3"/);
  expect((await (await second.loginAs('radiologist')).fetch('/api/outages')).status).toBe(403);
}, 60_000);
