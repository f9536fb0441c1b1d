import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditAnswer } from '../../contract/api.ts';
import type { HoldAnswer, HoldRow, RetentionPlan } from '../../contract/retention.ts';
import { IN_SO_MANY_WORDS } from '../../storage/policy/rules.ts';
import { receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';

let router: TestRouter;
let admin: Browser;
beforeAll(async () => {
  router = await startRouter();
  admin = await router.login();
  const { archive } = router.router.context;
  for (let i = 1; i <= 2; i++) await receive(archive, slice(i));
  await archive.flush();
});
afterAll(() => router.close());

const plan = () => admin.json<RetentionPlan>('/api/retention/plan');
async function dryRun(rules: string): Promise<RetentionPlan> {
  writeFileSync(join(router.dataDir, 'retention.yaml'), rules);
  await admin.send('POST', '/api/retention/plan');
  await expect.poll(async () => (await plan()).state, { timeout: 10_000 }).not.toBe('running');
  return plan();
}

test('without rules nothing is ever removed, and wrong rules are said to be wrong', async () => {
  expect(await plan()).toMatchObject({ state: 'none', rules: [] });
  expect(await dryRun('rules:\n  - name: x\n    olderThanDays: -1\n')).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('olderThanDays'),
  });
});

test('a dry run says whose study would go and what keeps it back, and removes nothing', async () => {
  const { archive } = router.router.context;
  // the router publishes the viewer into the store beside this, its index.html last
  await expect.poll(() => archive.store.head('viewer/index.html'), { timeout: 20_000 }).toBeTruthy();
  const keys = await storedKeys(archive, '');
  const young = 'rules:\n  - name: young\n    olderThanDays: 1\n';
  expect(await dryRun(young)).toMatchObject({ state: 'done', goes: { studies: 0 }, keptBack: { studies: 0 } });
  const careless = `${young}    removeWithoutProof: ${IN_SO_MANY_WORDS}\n`;
  expect(await dryRun(careless)).toMatchObject({ state: 'done', rules: [{ name: 'young', withoutProof: true }] });
  expect(await storedKeys(archive, '')).toEqual(keys);
});

test('a hold is placed and released by IT, with a reason, and is in the audit trail', async () => {
  const path = `/api/retention/holds/${STUDY}`;
  expect(await admin.json<HoldAnswer>(path)).toEqual({ held: null, history: [] });
  expect((await admin.send('POST', path, { state: 'placed', reason: ' ' })).status).toBe(400);
  expect((await admin.send('POST', path, { state: 'released', reason: 'x' })).status).toBe(409);
  const placed = (await (
    await admin.send('POST', path, { state: 'placed', reason: 'court 12/26' })
  ).json()) as HoldAnswer;
  expect(placed.held).toMatchObject({ by: 'admin', reason: 'court 12/26', studyInstanceUID: STUDY });
  expect(await admin.json<HoldRow[]>('/api/retention/holds')).toHaveLength(1);
  expect((await admin.send('POST', path, { state: 'placed', reason: 'again' })).status).toBe(409);
  await admin.send('POST', path, { state: 'released', reason: 'over' });
  const after = await admin.json<HoldAnswer>(path);
  expect([after.held, after.history.map(({ state }) => state)]).toEqual([null, ['placed', 'released']]);
  expect(await admin.json<HoldRow[]>('/api/retention/holds')).toEqual([]);
  const { rows } = await admin.json<AuditAnswer>('/api/audit?action=legal-hold');
  expect(rows.map(({ detail }) => detail)).toEqual(['released: over', 'placed: court 12/26']);
  const doctor = await router.loginAs('radiologist');
  expect((await doctor.send('POST', path, { state: 'placed', reason: 'x' })).status).toBe(403);
});
