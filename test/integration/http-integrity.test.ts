import { spawnSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FindingRow, IntegrityAnswer, SealState, StudyHashes } from '../../contract/integrity.ts';
import { receive, STUDY, slice } from '../support/archive.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';

let test_: TestRouter;
let admin: Browser;
beforeAll(async () => {
  const day = 86_400_000;
  const integrity = { scrubBytesPerSecond: 1e9, scrubEveryMs: day, tickMs: 50 };
  test_ = await startRouter({ config: { integrity } });
  const { archive } = test_.router.context;
  for (let i = 1; i <= 5; i++) await receive(archive, slice(i));
  await archive.flush();
  admin = await test_.login();
});
afterAll(() => test_.close());

async function answered(when: (answer: IntegrityAnswer) => boolean): Promise<IntegrityAnswer> {
  for (let i = 0; i < 300; i++) {
    const answer = await admin.json<IntegrityAnswer>('/api/integrity');
    if (when(answer)) return answer;
    await sleep(50);
  }
  throw new Error('the state did not come about');
}

test('the router scrubs and seals by itself, and says how the archive is', async () => {
  const answer = await answered(({ lastPass, seal }) => lastPass !== null && seal.newest !== null);
  expect(answer.findings).toEqual({ open: 0, notChecked: 0, notes: 0, repaired: 0 });
  expect(answer.seal.keyId).toMatch(/^[0-9a-f]{32}$/);
  expect(answer.space!.freeBytes).toBeGreaterThan(0);
  expect(answer.growth.at(-1)!.instances).toBe(5);
  const metrics = await (await fetch(`${test_.url}/metrics`)).text();
  expect(metrics).toMatch(/^lifeboat_integrity_errors_open 0$/m);
  expect(metrics).toMatch(/^lifeboat_seal_timestamp_seconds 1\d{9}/m);
});

test('a damaged image is found by the next pass; the study page names it among all hashes; reading again says so', async () => {
  const entry = (await test_.router.context.archive.entries(STUDY))[0]!;
  const path = join(test_.dataDir, 'store', entry.key);
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await rm(path);
  await writeFile(path, bytes);
  expect((await admin.send('POST', '/api/integrity/pass')).status).toBe(202);
  const answer = await answered(({ findings }) => findings.open > 0);
  expect(answer.findings.open).toBe(1);
  const rows = await admin.json<FindingRow[]>('/api/integrity/findings');
  expect(rows).toMatchObject([{ kind: 'flipped', key: entry.key, patientName: 'Doe^Jane' }]);
  const hashes = await admin.json<StudyHashes>(`/api/integrity/studies/${STUDY}`);
  expect(hashes.instances).toHaveLength(5);
  expect(hashes.instances.find(({ key }) => key === entry.key)).toMatchObject({
    sha256: entry.sha256,
    dataSetSha256: entry.dataSetSha256,
    findings: [{ kind: 'flipped' }],
  });
  const read = (await (await admin.send('POST', `/api/integrity/studies/${STUDY}/verify`)).json()) as StudyHashes;
  expect(read.instances.map(({ check }) => check).sort()).toEqual(['sound', 'sound', 'sound', 'sound', 'wrong']);
  const report = await (await admin.fetch('/api/integrity/report.csv')).text();
  expect(report).toContain('Errors open,1\r\n');
  expect(report).toContain(`P1,Doe^Jane,20260102,,flipped,error,open,${STUDY}`);
  const pdf = await admin.fetch('/api/integrity/report.pdf');
  expect(pdf.headers.get('content-type')).toBe('application/pdf');
  const file = join(test_.dataDir, 'report.pdf');
  await writeFile(file, Buffer.from(await pdf.arrayBuffer()));
  const { stdout: paper } = spawnSync('pdftotext', ['-layout', '-enc', 'UTF-8', file, '-'], { encoding: 'utf8' });
  expect(paper).toContain('The archive is not proven to be whole: 1 errors are open');
  for (const said of ['P1', 'Doe', '2026-01-02', 'flipped']) expect(paper).toContain(said);
  expect(paper).toContain('not tried yet');
  expect(paper).toMatch(/Signature/);
});

test('a seal can be asked for, and only administrators may look', async () => {
  const before = (await admin.json<IntegrityAnswer>('/api/integrity')).seal.newest!.sequence;
  const state = (await (await admin.send('POST', '/api/integrity/seal')).json()) as SealState;
  expect(state.newest!.sequence).toBe(before + 1);
  expect(state.newest!.treeSize).toBe(5);
  const reader = await test_.loginAs('radiologist');
  for (const path of ['', '/findings', '/report.csv', '/report.pdf', `/studies/${STUDY}`])
    expect((await reader.fetch(`/api/integrity${path}`)).status).toBe(403);
  expect((await admin.fetch('/api/integrity/studies/1.2.3.999')).status).toBe(404);
});
