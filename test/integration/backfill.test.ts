import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackfillPlan, BackfillStatus, ReadinessAnswer } from '../../contract/backfill.ts';
import { dayOf } from '../../router/worklist/worklist-store.ts';
import { freePort } from '../bench/receivers.ts';
import { hasOrthanc, TestOrthanc } from '../support/orthanc.ts';
import { type Browser, startRouter, startRouterProcess, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const run = promisify(execFile);
const lifeboat = resolve(import.meta.dirname, '../../bin/lifeboat.mjs');
const SERIES = 3;
const PER_SERIES = 8;
const PER_STUDY = SERIES * PER_SERIES;
const studies = [
  { uid: '1.2.826.0.5.1', studyDate: '20200110', patientID: 'OLD' },
  { uid: '1.2.826.0.5.2', studyDate: '20200312', patientID: 'OLD' },
  { uid: '1.2.826.0.5.3', studyDate: '20200312', patientID: 'OTHER' },
  { uid: '1.2.826.0.5.4', studyDate: '20200401', patientID: 'LAST' },
];
const SPAN = { from: '20200101', to: '20200430' };
const today = dayOf(new Date());

function* imagesOf({ uid, studyDate, patientID }: (typeof studies)[number], extra = 0): Generator<Buffer> {
  for (let series = 1; series <= SERIES; series++)
    for (let n = 1; n <= PER_SERIES + (series === 1 ? extra : 0); n++)
      yield smallImage({
        study: uid,
        series: `${uid}.${series}`,
        sop: `${uid}.${series}.${n}`,
        instanceNumber: n,
        studyDate,
        patientID,
        patientName: `${patientID}^Person`,
      });
}

describe.skipIf(!hasOrthanc)('backfill from a PACS (Orthanc)', () => {
  let folder: string;
  let pacs: TestOrthanc;
  let ports: { moved: number; killed: number };
  let test: TestRouter;
  let admin: Browser;

  const fill = async (images: Iterable<Buffer>) => {
    for (const file of images)
      expect((await fetch(`${pacs.rest}/instances`, { method: 'POST', body: new Uint8Array(file) })).ok).toBe(true);
  };
  const status = () => admin.json<BackfillStatus>('/api/backfill');
  const start = (plan: Partial<BackfillPlan>) => admin.send('POST', '/api/backfill', { action: 'start', plan });
  const act = (action: string) => admin.send('POST', '/api/backfill', { action });
  const here = async (uid: string) =>
    new Set((await test.router.context.archive.entries(uid)).map(({ sopInstanceUID }) => sopInstanceUID)).size;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-backfill-'));
    ports = { moved: await freePort(), killed: await freePort() };
    pacs = await TestOrthanc.start({
      folder: join(folder, 'pacs'),
      settings: { DicomAlwaysAllowGet: true },
      sendsTo: [
        { aeTitle: 'LIFEBOAT', port: ports.moved },
        { aeTitle: 'KILLED', port: ports.killed },
      ],
    });
    for (const study of studies) await fill(imagesOf(study));
    test = await startRouter({
      env: {
        LIFEBOAT_PACS: pacs.address,
        LIFEBOAT_FORWARD_TO: pacs.address,
        LIFEBOAT_PACS_DICOMWEB: `${pacs.rest}/dicom-web`,
        LIFEBOAT_DICOM_PORT: String(ports.moved),
      },
      config: { backfillPauseMs: 500 },
    });
    admin = await test.login();
  }, 120_000);
  afterAll(async () => {
    await test?.close();
    await pacs?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('refuses a plan that cannot be, in one sentence', async () => {
    for (const [plan, words] of [
      [{ from: '2020-13-99x' }, /from.*no date/],
      [{ window: 'night' }, /22:00-06:00/],
      [{ from: '20210101', to: '20200101' }, /after the last/],
      [{ folder: '/etc' }, /command line/],
    ] as const) {
      const answer = await start(plan);
      expect(answer.status).toBe(400);
      expect(((await answer.json()) as { message: string }).message).toMatch(words);
    }
    expect((await status()).state).toBe('none');
  });

  it('brings priors of expected patients first, and readiness says what is here and what is not', async () => {
    const fields = { patientID: 'OLD', patientName: 'OLD^Person', modality: 'CT', startTime: '2359' };
    expect((await admin.send('POST', '/api/schedule', { unscheduled: false, fields })).status).toBe(200);
    const ready = () => admin.json<ReadinessAnswer>('/api/readiness?days=1');
    await expect.poll(async () => (await ready()).lists[0]!.patients[0]?.state, { timeout: 60_000 }).toBe('complete');
    const [list, tomorrow] = (await ready()).lists;
    expect(list).toMatchObject({ day: today, patients: [{ patientID: 'OLD', reason: '' }] });
    expect(list!.patients[0]!.studies.map(({ expected, here: got }) => [expected, got])).toEqual([
      [PER_STUDY, PER_STUDY],
      [PER_STUDY, PER_STUDY],
    ]);
    expect(tomorrow!.patients).toEqual([]);
    expect(await here(studies[0]!.uid)).toBe(PER_STUDY);
    expect(await here(studies[3]!.uid)).toBe(0);
    expect(await status()).toMatchObject({ state: 'none', priors: 2, priorsDone: 2 });
    expect((await (await test.loginAs('modality')).fetch('/api/readiness')).status).toBe(403);
  }, 120_000);

  it('fetches by day, newest first, stands still when told so, and sends nothing back to the PACS', async () => {
    expect((await start({ ...SPAN, modalities: ['CT', 'MR'], parallel: 1 })).status).toBe(200);
    await act('pause');
    expect((await status()).state).toBe('paused');
    await act('resume');
    await expect.poll(async () => (await status()).state, { timeout: 60_000 }).toBe('done');
    const done = await status();
    expect(done).toMatchObject({ studies: 4, studiesDone: 4, studiesFailed: 0, images: 4 * PER_STUDY, problems: [] });
    expect(done).toMatchObject({ slices: 2 * 121, slicesDone: 2 * 121, imagesDone: 4 * PER_STUDY });
    const first = async (uid: string) => (await test.router.context.archive.entries(uid))[0]!.receivedAt;
    expect((await first(studies[3]!.uid)) < (await first(studies[2]!.uid))).toBe(true);
    for (const { uid } of studies) expect(await here(uid)).toBe(PER_STUDY);
    expect(test.router.context.forwarding!.counts()).toMatchObject([{ waiting: 0, sent: 0 }]);
  }, 120_000);

  it('over DICOMweb brings only the images that came since, and says when the PACS is away', async () => {
    await fill(imagesOf(studies[3]!, 2));
    const before = (await test.router.context.archive.entries(studies[3]!.uid)).map(({ receivedAt }) => receivedAt);
    await start({ ...SPAN, via: 'web' });
    await expect.poll(async () => (await status()).state, { timeout: 60_000 }).toBe('done');
    expect(await here(studies[3]!.uid)).toBe(PER_STUDY + 2);
    const entries = await test.router.context.archive.entries(studies[3]!.uid);
    expect(entries.filter(({ receivedAt }) => !before.includes(receivedAt))).toHaveLength(2);
    expect(test.router.context.forwarding!.counts()).toMatchObject([{ waiting: 0, sent: 0 }]);

    await pacs.kill();
    await start({ ...SPAN });
    await expect.poll(async () => (await status()).waitsFor, { timeout: 60_000 }).toMatch(/PACS/);
    expect((await status()).state).toBe('running');
    await pacs.up();
    await expect.poll(async () => (await status()).state, { timeout: 60_000 }).toBe('done');
    expect(await status()).toMatchObject({ studiesDone: 4, studiesFailed: 0 });
  }, 180_000);

  it('over C-GET brings what came since from a PACS that does not know where we are', async () => {
    const all = (await pacs.sopInstanceUIDs()).length;
    const stranger = await startRouter({ env: { LIFEBOAT_PACS: pacs.address, LIFEBOAT_AE_TITLE: 'STRANGER' } });
    try {
      const browser = await stranger.login();
      await browser.send('POST', '/api/backfill', { action: 'start', plan: { ...SPAN, via: 'get' } });
      const told = () => browser.json<BackfillStatus>('/api/backfill');
      await expect.poll(async () => (await told()).state, { timeout: 60_000 }).toBe('done');
      expect(await told()).toMatchObject({ studiesDone: 4, images: all, imagesDone: all });
      expect(await stranger.router.context.archive.catalogue.totals()).toMatchObject({ instances: all });
    } finally {
      await stranger.close();
    }
  }, 120_000);

  it('goes on after kill -9 with the images that are missing, and with no others', async () => {
    const all = (await pacs.sopInstanceUIDs()).length;
    const dataDir = join(folder, 'killed');
    mkdirSync(dataDir);
    const env = {
      LIFEBOAT_AE_TITLE: 'KILLED',
      LIFEBOAT_PACS: pacs.address,
      LIFEBOAT_DICOM_PORT: String(ports.killed),
    };
    const cli = (...args: string[]) =>
      run(process.execPath, [lifeboat, 'backfill', ...args], {
        cwd: dataDir,
        env: { PATH: process.env['PATH'], LIFEBOAT_DATA: dataDir, ...env },
      });
    await cli('start', '--from', '2020-01-01', '--to', '2020-04-30', '--rate', '24', '--parallel', '1');
    const first = await startRouterProcess({ dataDir, env });
    const kept = async ({ url, basic }: typeof first) => {
      const answer = await fetch(`${url}/dicom-web/instances?limit=1000`, { headers: { Authorization: basic } });
      return answer.status === 204 ? 0 : ((await answer.json()) as unknown[]).length;
    };
    await expect.poll(() => kept(first), { timeout: 60_000, interval: 100 }).toBeGreaterThan(PER_SERIES);
    await first.stop('SIGKILL');
    const second = await startRouterProcess({ dataDir, env });
    const before = await kept(second);
    expect(before).toBeGreaterThan(PER_SERIES);
    expect(before).toBeLessThan(all);
    expect((await cli('status')).stdout).toMatch(/State +running/);
    const browser = await second.login();
    await expect
      .poll(async () => (await browser.json<BackfillStatus>('/api/backfill')).state, { timeout: 60_000 })
      .toBe('done');
    expect(await kept(second)).toBe(all);
    const metrics = await (await fetch(`${second.url}/metrics`)).text();
    const stored =
      /^lifeboat_dimse_stores_total\{[^}]*\} (\d+)/m.exec(metrics) ?? /stor\w*_total\S* (\d+)/.exec(metrics);
    expect(Number(stored![1])).toBeLessThanOrEqual(all - before);
    expect((await cli('status')).stdout).toMatch(/State +done[\s\S]*Studies +4 of 4 known, 0 given up/);
    await second.stop();
  }, 180_000);

  it('takes in a folder, and names the files that it cannot', async () => {
    const old = join(folder, 'old');
    mkdirSync(old);
    let n = 0;
    for (const file of imagesOf({ uid: '1.2.826.0.5.9', studyDate: '20190101', patientID: 'DISK' }))
      writeFileSync(join(old, `IM${n++}`), file);
    writeFileSync(join(old, 'broken.dcm'), [...imagesOf(studies[0]!)][0]!.subarray(0, 400));
    const { dataDir } = test;
    await run(process.execPath, [lifeboat, 'backfill', 'start', '--folder', old], {
      cwd: dataDir,
      env: { PATH: process.env['PATH'], LIFEBOAT_DATA: dataDir },
    });
    await expect.poll(async () => (await status()).state, { timeout: 60_000 }).toBe('done');
    await test.router.context.archive.flush();
    expect(await here('1.2.826.0.5.9')).toBe(PER_STUDY);
    expect((await status()).problems).toMatchObject([{ reason: expect.stringContaining('broken.dcm') }]);
  }, 120_000);
});
