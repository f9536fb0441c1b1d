import { existsSync, mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Status } from '../../contract/api.ts';
import type { IntegrityAnswer, RepairRow } from '../../contract/integrity.ts';
import { receive, STUDY, slice } from '../support/archive.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';

const dir = mkdtempSync(join(tmpdir(), 'lifeboat-replica-'));
let test_: TestRouter;
let admin: Browser;
const PATIENCE = { timeout: 40_000, interval: 100 };
beforeAll(async () => {
  const replica = { store: { kind: 'file' as const, dir }, bytesPerSecond: 1e9 };
  const integrity = { scrubBytesPerSecond: 1e9, scrubEveryMs: 86_400_000, tickMs: 50 };
  test_ = await startRouter({ config: { replica, integrity } });
  admin = await test_.login();
  const { archive } = test_.router.context;
  for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
  await archive.flush();
});
afterAll(async () => {
  await test_.close();
  await rm(dir, { recursive: true, force: true });
});

test('the router copies by itself, says so, and shows and mends an image that its first store has lost or damaged', async () => {
  const replicaOf = async () => (await admin.json<IntegrityAnswer>('/api/integrity')).replica;
  const copied = await test_.router.context.archive.entries(STUDY);
  expect(copied).toHaveLength(3);
  // "level" may for an instant still be that of the empty archive
  await expect.poll(() => copied.every(({ key }) => existsSync(join(dir, key))), PATIENCE).toBe(true);
  await expect.poll(async () => (await replicaOf())?.state, PATIENCE).toBe('level');
  expect((await admin.json<Status>('/api/status')).replica).toMatchObject({ lag: { instances: 0, oldest: null } });
  const [lost, flipped] = copied;
  const store = join(test_.dataDir, 'store');
  await rm(join(store, lost!.key));
  const address = `/dicom-web/studies/${STUDY}/series/${lost!.seriesInstanceUID}/instances/${lost!.sopInstanceUID}`;
  const answer = await admin.fetch(address, { headers: { Accept: 'application/dicom; transfer-syntax=*' } });
  expect(answer.status).toBe(200);
  expect((await answer.arrayBuffer()).byteLength).toBe(lost!.size);
  const metrics = await (await fetch(`${test_.url}/metrics`)).text();
  expect(metrics).toMatch(/^lifeboat_replica_reads_total\{reason="missing"\} [1-9]/m);
  expect(metrics).toMatch(/^lifeboat_replica_lag_instances 0$/m);

  await rm(join(store, flipped!.key));
  await writeFile(join(store, flipped!.key), Buffer.alloc(flipped!.size, 1));
  await admin.send('POST', '/api/integrity/pass');
  await expect
    .poll(async () => (await admin.json<RepairRow[]>('/api/integrity/repairs')).map(({ key }) => key).sort(), PATIENCE)
    .toEqual([lost!.key, flipped!.key].sort());
  const [row] = await admin.json<RepairRow[]>('/api/integrity/repairs');
  expect(row).toMatchObject({ by: 'router', outcome: 'repaired' });
  expect(row!.source).toContain('the replica');
});
