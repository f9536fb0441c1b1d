import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditAnswer, Status } from '../../contract/api.ts';
import type { MassChangeAlert, RetentionAnswer } from '../../contract/retention.ts';
import { GuardState } from '../../storage/policy/guard-state.ts';
import { ALARM_FROM, MassChangeWatch } from '../../storage/policy/mass-change.ts';
import { FileStore } from '../../storage/stores/file-store.ts';
import { receive, slice, storedKeys } from '../support/archive.ts';
import { startRouter } from '../support/router.ts';

let dir: string;
let store: FileStore;
let state: GuardState;
let alerts: MassChangeAlert[];
let removed: Set<string>;
let mended: Set<string>;
let watch: MassChangeWatch;
let signal = 0;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lifeboat-guard-'));
  store = await FileStore.open(join(dir, 'store'));
  state = new GuardState(join(dir, 'guard.sqlite'));
  alerts = [];
  removed = new Set();
  mended = new Set();
  signal = 0;
  watch = newWatch();
});
afterEach(async () => {
  await watch.close();
  state.close();
  rmSync(dir, { recursive: true, force: true });
});

function newWatch(): MassChangeWatch {
  return new MassChangeWatch({
    store,
    state,
    signals: [{ name: 'the scrub', count: () => signal }],
    removedKeys: async (shard) => new Set([...removed].filter((key) => key.startsWith(`objects/${shard}/`))),
    mended: () => mended,
    onAlert: (alert) => alerts.push(alert),
    onProblem: (error) => {
      throw error;
    },
  });
}

const keyOf = (i: number) => `objects/${(i % 4).toString(16).padStart(2, '0')}/1.2/1.2.3/1.2.3.${i}.dcm`;

/** Written a while ago, so that the clock's grain does not matter. */
async function keep(i: number, minutesAgo: number): Promise<string> {
  await store.put(keyOf(i), Buffer.from(`image ${i}`));
  const at = new Date(Date.now() - minutesAgo * 60_000);
  utimesSync(store.pathOf(keyOf(i)), at, at);
  return keyOf(i);
}

test('new images, a few lost ones, repairs and rightful removals are no alarm', async () => {
  for (let i = 0; i < 40; i++) await keep(i, 60);
  await watch.lookAtAll();
  for (let i = 40; i < 90; i++) await keep(i, 30);
  for (let i = 0; i < ALARM_FROM - 1; i++) await store.delete(keyOf(i));
  for (let i = 20; i < 35; i++) {
    writeFileSync(store.pathOf(keyOf(i)), `image ${i}`);
    mended.add(keyOf(i));
  }
  await watch.lookAtAll();
  for (let i = 40; i < 60; i++) {
    removed.add(keyOf(i));
    if (i % 2 === 0) await store.delete(keyOf(i));
  }
  await watch.lookAtAll();
  for (let i = 41; i < 60; i += 2) await store.delete(keyOf(i));
  await watch.lookAtAll();
  expect(alerts).toEqual([]);
  // one more is one too many
  await store.delete(keyOf(10));
  await watch.lookAtAll();
  expect(alerts).toMatchObject([{ count: ALARM_FROM, seenAt: null }]);
});

test.each([
  ['deleted', (path: string) => rmSync(path)],
  ['written over', (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size, 0x58))],
] as const)('images %s while as many new ones come are noticed, also after a restart', async (_, attack) => {
  for (let i = 0; i < 40; i++) await keep(i, 60);
  await watch.lookAtAll();
  await watch.close();
  for (let i = 0; i < 12; i++) attack(store.pathOf(keyOf(i)));
  for (let i = 40; i < 60; i++) await keep(i, 30);
  watch = newWatch();
  await watch.lookAtAll();
  expect(alerts).toMatchObject([{ count: 12 }]);
  expect(alerts[0]!.text).toContain('12 images were deleted or written over within a day');
  // told once, and closed by a person; it stays closed while nothing more happens
  await watch.lookAtAll();
  expect(alerts).toHaveLength(1);
  expect(state.seen(alerts[0]!.id, 'admin')).toBe(true);
  await watch.lookAtAll();
  expect(state.openAlert()).toBeNull();
});

test('a ransom note among the images stops neither lists nor alarm', async () => {
  for (let i = 0; i < 40; i++) await keep(i, 60);
  await watch.lookAtAll();
  writeFileSync(join(dir, 'store/objects/00/1.2/HOW TO GET THEM BACK!.txt'), 'pay');
  for (let i = 0; i < 12; i++) await store.delete(keyOf(i));
  await watch.lookAtAll();
  expect(alerts).toMatchObject([{ count: 12 }]);
});

test('what the scrub finds counts too, and nothing is counted twice', async () => {
  for (let i = 0; i < 40; i++) await keep(i, 60);
  signal = 5;
  await watch.lookAtAll();
  for (let i = 0; i < 11; i++) await store.delete(keyOf(i));
  signal = 5 + 14;
  await watch.lookAtAll();
  expect(alerts).toMatchObject([{ count: 14 }]);
});

test('a router tells IT on the page, in the banner, in the metrics and in the audit trail', async () => {
  const integrity = { scrubBytesPerSecond: 0, scrubEveryMs: 86_400_000, tickMs: 1000 };
  const router = await startRouter({ config: { integrity }, env: { LIFEBOAT_TEST_LOG: 'silent' } });
  try {
    const { archive } = router.router.context;
    for (let i = 1; i <= 14; i++) await receive(archive, slice(i));
    await archive.flush();
    const admin = await router.login();
    const answer = () => admin.json<RetentionAnswer>('/api/retention');
    await router.router.retention.watch.lookAtAll();
    expect((await answer()).alerts).toEqual([]);
    expect((await admin.json<Status>('/api/status')).massChange).toBeUndefined();
    for (const key of await storedKeys(archive, 'objects/')) rmSync(join(router.dataDir, 'store', key));
    await router.router.retention.watch.lookAtAll();
    const [alert] = (await answer()).alerts;
    expect(alert).toMatchObject({ count: 14, seenAt: null });
    expect((await admin.json<Status>('/api/status')).massChange).toMatchObject({ count: 14 });
    expect(await (await fetch(`${router.url}/metrics`)).text()).toMatch(/^lifeboat_mass_change_images 14$/m);
    const { rows } = await admin.json<AuditAnswer>('/api/audit?action=mass-change');
    expect(rows[0]).toMatchObject({ outcome: 'error', detail: expect.stringContaining('14 images') });
    const seen = await admin.send('POST', `/api/retention/alerts/${alert!.id}/seen`);
    expect(((await seen.json()) as RetentionAnswer).alerts[0]).toMatchObject({ seenBy: 'admin' });
    expect((await admin.json<Status>('/api/status')).massChange).toBeUndefined();
    expect((await admin.send('POST', `/api/retention/alerts/${alert!.id}/seen`)).status).toBe(404);
  } finally {
    await router.close();
  }
});
