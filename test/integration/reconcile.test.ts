import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditAnswer } from '../../contract/api.ts';
import type { ReconcileAnswer, ReconcileDetail } from '../../contract/reconcile.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { hasOrthanc, TestOrthanc } from '../support/orthanc.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.70';
const FROM = new Date(Date.now() - 86_400_000).toISOString();
const TODAY = new Date().toISOString().slice(0, 10).replaceAll('-', '');
const TO = '2099-01-01T00:00:00.000Z';

let folder: string;
const stops: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-reconcile-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The command, as a process of its own. */
async function lifeboat(env: Record<string, string>, ...args: string[]): Promise<{ code: number; out: string }> {
  const bin = join(import.meta.dirname, '../../bin/lifeboat.mjs');
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH: process.env['PATH'], ...env }, cwd: folder });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      out += chunk;
    });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

interface Made {
  study: string;
  count: number;
  patientName?: string;
  patientID?: string;
  accessionNumber?: string;
}
const imagesOf = ({ study, count, ...patient }: Made): Buffer[] =>
  Array.from({ length: count }, (_, n) =>
    smallImage({
      study,
      series: `${study}.1`,
      sop: `${study}.1.${n + 1}`,
      instanceNumber: n + 1,
      accessionNumber: 'A1',
      studyDate: TODAY,
      ...patient,
    }),
  );

/** Straight into the PACS, as a scanner that does not know us would. */
async function sendTo(pacs: TestOrthanc, images: readonly Buffer[]): Promise<void> {
  const files = images.map((bytes, n) => {
    const file = join(folder, `direct-${n}.dcm`);
    writeFileSync(file, bytes);
    return file;
  });
  const report = await sendInstances({ ...pacs.peer, callingAE: 'SCANNER', files });
  expect(report.failed).toBe(0);
}

async function pair(options: { settings?: Record<string, unknown>; forward?: boolean } = {}) {
  // The PACS has to know our port, and we its: ours is found first.
  const probe = await startRouter({ env: {} });
  const ours = probe.dicomPort;
  await probe.close();
  const pacs = await TestOrthanc.start({
    folder: join(folder, 'pacs'),
    sendsTo: [{ aeTitle: 'LIFEBOAT', port: ours }],
    ...(options.settings && { settings: options.settings }),
  });
  stops.push(() => pacs.kill());
  const router = await startRouter({
    env: {
      LIFEBOAT_DICOM_PORT: String(ours),
      LIFEBOAT_PACS: pacs.address,
      ...(options.forward !== false && { LIFEBOAT_FORWARD_TO: pacs.address }),
    },
  });
  stops.push(() => router.close());
  return { pacs, router, admin: await router.login() };
}

const sent = (router: TestRouter) => router.router.context.forwarding!.counts()[0]?.sent;

/** Compares the whole time with the PACS, and waits for its end. */
async function reconciled(admin: Browser, peer: string): Promise<ReconcileDetail> {
  const begun = await admin.send('POST', '/api/reconcile', { peer, from: FROM, to: TO });
  expect(begun.status).toBe(200);
  const [{ id }] = ((await begun.json()) as ReconcileAnswer).runs as unknown as [{ id: number }];
  return over(admin, id);
}

async function over(admin: Browser, id: number): Promise<ReconcileDetail> {
  await expect
    .poll(async () => (await admin.json<ReconcileDetail>(`/api/reconcile/${id}`)).run.state, {
      timeout: 40_000,
      interval: 200,
    })
    .toBe('done');
  return admin.json<ReconcileDetail>(`/api/reconcile/${id}`);
}

describe.skipIf(!hasOrthanc)('reconciliation with a real PACS', () => {
  it('sends again what the PACS lost, fetches what only it has, leaves the rest to a person, and is signed off', async () => {
    const { pacs, router, admin } = await pair();
    const { archive } = router.router.context;
    await keepFiles(archive, imagesOf({ study: STUDY, count: 5, patientName: '山田^太郎' }));
    await keepFiles(archive, imagesOf({ study: `${STUDY}.2`, count: 2, accessionNumber: '' }));
    await expect.poll(() => sent(router), { timeout: 15_000 }).toBe(7);
    await pacs.forget(`${STUDY}.1.3`);
    await sendTo(
      pacs,
      imagesOf({ study: `${STUDY}.3`, count: 3 }).concat(
        smallImage({
          study: `${STUDY}.4`,
          series: `${STUDY}.4.1`,
          sop: `${STUDY}.4.1.1`,
          studyDate: TODAY,
          accessionNumber: 'B',
        }),
      ),
    );

    const { run, findings } = await reconciled(admin, 'PACS');
    const open = findings.filter(({ state }) => state === 'open');
    expect(open.map(({ kind, words }) => `${kind}: ${words}`)).toEqual([expect.stringMatching(/^no-order/)]);
    expect(run).toMatchObject({ studies: 4, received: 7, meant: 7, delivered: 7, committed: null, open: 1 });
    expect(await pacs.sopInstanceUIDs()).toContain(`${STUDY}.1.3`);
    expect((await archive.entries(`${STUDY}.3`)).length).toBe(3);
    expect((await archive.entries(`${STUDY}.4`)).length).toBe(1);
    expect(findings.map(({ kind, state, studyInstanceUID }) => [kind, state, studyInstanceUID])).toEqual(
      expect.arrayContaining([
        ['no-order', 'open', `${STUDY}.2`],
        ['only-here', 'mended', STUDY],
        ['only-there', 'mended', `${STUDY}.3`],
        ['only-there', 'mended', `${STUDY}.4`],
      ]),
    );
    // What was fetched from the PACS is not owed to it.
    expect(router.router.context.forwarding!.counts()[0]).toMatchObject({ waiting: 0, sent: 7 });

    const [finding] = open;
    expect((await admin.send('POST', `/api/reconcile/${run.id}/sign`, {})).status).toBe(409);
    const silent = await admin.send('POST', `/api/reconcile/${run.id}/findings/${finding!.id}`, {
      decision: 'accept',
      why: ' ',
    });
    expect(silent.status).toBe(400);
    const decision = { decision: 'accept', why: 'emergency, the order follows' };
    expect((await admin.send('POST', `/api/reconcile/${run.id}/findings/${finding!.id}`, decision)).status).toBe(200);
    expect((await admin.send('POST', `/api/reconcile/${run.id}/sign`, { note: 'seen' })).status).toBe(200);

    const after = await over(admin, run.id);
    expect(after.run).toMatchObject({ open: 0, decided: 1, signedBy: 'admin', signedNote: 'seen' });
    const csv = await (await admin.fetch(`/api/reconcile/${run.id}/csv`)).text();
    expect(csv).toContain('"emergency, the order follows"');
    expect(csv).toContain('"山田^太郎"');
    const pdf = Buffer.from(await (await admin.fetch(`/api/reconcile/${run.id}/pdf`)).arrayBuffer());
    expect(pdf.toString('latin1', 0, 5)).toBe('%PDF-');
    const audit = await admin.json<AuditAnswer>('/api/audit?limit=100');
    expect(audit.rows.find(({ action }) => action === 'reconcile-decision')?.detail).toContain('the order follows');
    expect(audit.rows.find(({ action }) => action === 'reconcile-sign-off')?.detail).toContain(
      'received 7, delivered 7',
    );
  }, 90_000);

  it('tells of another patient, and that nothing is passed on', async () => {
    const { pacs, router, admin } = await pair({ forward: false });
    await keepFiles(
      router.router.context.archive,
      imagesOf({ study: STUDY, count: 3, patientName: 'Doe^Jane', patientID: 'E-77' }),
    );
    await sendTo(pacs, imagesOf({ study: STUDY, count: 2, patientName: 'Roe^Jane', patientID: '4711' }));
    const { run, findings } = await reconciled(admin, pacs.address);
    expect(run).toMatchObject({ received: 3, delivered: 2, open: 2 });
    expect(findings.find(({ kind }) => kind === 'identity')?.words).toMatch(/E-77.*4711.*Doe\^Jane.*Roe\^Jane/);
    expect(findings.find(({ kind }) => kind === 'only-here')).toMatchObject({ instances: 1, state: 'open' });
  }, 60_000);

  it('finds every image though the PACS lists no more than a few', async () => {
    const { pacs, router, admin } = await pair({ settings: { LimitFindInstances: 4, LimitFindResults: 3 } });
    for (let n = 1; n <= 6; n++)
      await keepFiles(router.router.context.archive, imagesOf({ study: `${STUDY}.${n}`, count: n === 1 ? 12 : 1 }));
    await expect.poll(() => sent(router), { timeout: 15_000 }).toBe(17);
    await pacs.forget(`${STUDY}.1.1.9`);
    const { run } = await reconciled(admin, 'PACS');
    expect(run).toMatchObject({ received: 17, delivered: 17 });
    expect(await pacs.sopInstanceUIDs()).toHaveLength(17);
  }, 90_000);

  it('the command line compares, writes the report, and its exit code says whether something is open', async () => {
    const { pacs, router } = await pair();
    await keepFiles(router.router.context.archive, imagesOf({ study: STUDY, count: 2, patientName: 'Doe^Jane' }));
    await expect.poll(() => sent(router), { timeout: 15_000 }).toBe(2);
    const env = { LIFEBOAT_DATA: router.dataDir, LIFEBOAT_PACS: pacs.address, LIFEBOAT_FORWARD_TO: pacs.address };
    const day = new Date().toISOString().slice(0, 10);
    const reconcile = (...options: string[]) => lifeboat(env, 'reconcile', '--from', day, '--no-mend', ...options);
    const good = await reconcile();
    expect(good).toMatchObject({
      code: 0,
      out: expect.stringMatching(/received 2, delivered 2, committed not asked for, open 0/),
    });
    await pacs.forget(`${STUDY}.1.2`);
    const files = [join(folder, 'r.pdf'), join(folder, 'r.csv')] as const;
    const bad = await reconcile('--pdf', files[0], '--csv', files[1]);
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/Doe, Jane.*\n.*only in Lifeboat, 1 image: .*said that it has them/);
    expect(readFileSync(files[0]).toString('latin1', 0, 5)).toBe('%PDF-');
    expect(readFileSync(files[1], 'utf8')).toMatch(/"finding","Doe\^Jane"/);
    expect(await pacs.sopInstanceUIDs()).toHaveLength(1);
    await pacs.kill();
    const other = await lifeboat({ ...env, LIFEBOAT_FORWARD_TO: '' }, 'reconcile', '--with', 'NOBODY', '--from', day);
    expect(other).toMatchObject({ code: 2, out: expect.stringContaining(pacs.address) });
  }, 90_000);

  it('does the same over DICOMweb, where that is how the PACS is reached', async () => {
    const pacs = await TestOrthanc.start({ folder: join(folder, 'pacs') });
    stops.push(() => pacs.kill());
    const dataDir = mkdtempSync(join(tmpdir(), 'lifeboat-reconcile-data-'));
    stops.push(() => rmSync(dataDir, { recursive: true, force: true }));
    writeFileSync(join(dataDir, 'forwarding.yaml'), `destinations:\n  - name: web\n    stow: ${pacs.rest}/dicom-web\n`);
    const router = await startRouter({ dataDir });
    stops.push(() => router.close());
    const admin = await router.login();
    await keepFiles(router.router.context.archive, imagesOf({ study: STUDY, count: 3 }));
    await expect.poll(() => sent(router), { timeout: 15_000 }).toBe(3);
    await pacs.forget(`${STUDY}.1.2`);
    const only = { study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.99`, accessionNumber: 'A1', studyDate: TODAY };
    await sendTo(pacs, [smallImage(only)]);
    const { run } = await reconciled(admin, 'web');
    expect(run).toMatchObject({ received: 3, delivered: 3, open: 0 });
    expect(await pacs.sopInstanceUIDs()).toHaveLength(4);
    expect(await router.router.context.archive.entries(STUDY)).toHaveLength(4);
  }, 60_000);
});
