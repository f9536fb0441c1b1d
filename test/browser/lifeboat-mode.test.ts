import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'minio';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnswer } from '../../contract/api.ts';
import { ctSeries, TEST_STUDY } from '../../phantoms/ct.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { breakGlassPolicy } from '../../router/lifeboat/policy.ts';
import { envelopeKey, sealEnvelope } from '../../storage/format/break-glass-envelope.ts';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ACCESS_KEY, CephS3, cephAvailable, SECRET_KEY } from '../support/ceph.ts';
import { type Nginx, nginxAvailable, startNginx } from '../support/nginx.ts';
import { eventually, isLit, shown } from '../support/reading-page.ts';
import { ADMIN_PASSWORD, type RouterProcess, startRouterProcess } from '../support/router.ts';

const password = 'kfh4t-9sj2m-x7vqp-w3znd';
const study = { ...TEST_STUDY, patientName: 'BEISPIEL^Änne', patientID: 'LB-77', accessionNumber: 'ACC-77' };
/** Publishing, indexing and one browser on a machine with two cores. */
const patience = 120_000;

async function pushed(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const bytes of ctSeries(3, { rows: 128, columns: 128, study })) {
    const path = join(folder, `${paths.length}.dcm`);
    await writeFile(path, bytes);
    paths.push(path);
  }
  return paths;
}

/** Pushes, waits until viewer and index are in the store, then kills the router: nothing of ours runs any more. */
async function fillAndKill(folder: string, env: Record<string, string>, config: StoreConfig, files: string[]) {
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { recursive: true });
  const router = await startRouterProcess({ dataDir, env: { ...env, LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD } });
  const { dicomPort: port } = router;
  const report = await sendInstances({ host: '127.0.0.1', port, calledAE: 'LIFEBOAT', callingAE: 'CT', files });
  expect(report.results.map(({ outcome }) => outcome)).toEqual(files.map(() => 'sent'));
  const store = await openStore(config);
  for (let i = 0; !(await isPublished(store)); i++) {
    if (i === 150) throw new Error(`not published in time; the router printed:\n${router.output()}`);
    await wait(500);
  }
  await router.stop('SIGKILL');
  return { store, dataDir };
}

/** Viewer and study are in the store, also for a reader that cannot list. */
async function isPublished(store: ObjectStore): Promise<boolean> {
  if (!(await store.head('viewer/index.html'))) return false;
  const get = (key: string, range?: { first: number; last: number }) =>
    store.get(key, range && { start: range.first, end: range.last + 1 });
  const index = await openLifeboatIndex({ get });
  const { hits } = await index.search({ patientID: study.patientID, limit: 1 });
  return hits[0]?.instances === 3;
}

/** Byte ranges of objects that the page got, each with what it should be according to the pushed file. */
function watchBytes(page: Page) {
  const seen: Promise<{ from: number; bytes: Buffer }>[] = [];
  page.on('response', (answer) => {
    if (!new URL(answer.url()).pathname.includes('/objects/')) return;
    const from = Number(/bytes=(\d+)-/.exec(answer.request().headers()['range'] ?? '')?.[1] ?? 0);
    seen.push(answer.body().then((bytes) => ({ from, bytes })));
  });
  return seen;
}

async function search(page: Page, fields: Record<string, string>) {
  await page.getByRole('button', { name: 'Clear' }).click();
  for (const [label, value] of Object.entries(fields))
    if (label === 'Modality') await page.getByLabel('Modality').selectOption(value);
    else if (label === 'From') await page.getByLabel('Study date from').fill(value);
    else await page.locator(`input[name="${label}"]`).fill(value);
  await page.getByRole('button', { name: 'Search', exact: true }).click();
}

/** Finds the study each way, opens it, compares what came with what was pushed. */
async function findAndRead(page: Page, files: string[]) {
  const ways: Record<string, string>[] = [
    { patientID: 'LB-77' },
    { accessionNumber: 'ACC-77' },
    { familyName: 'beisp' },
    { From: '2026-01-01', Modality: 'CT' },
  ];
  for (const way of ways) {
    await search(page, way);
    await eventually(() => page.locator('tr[data-study]').count()).toBe(1);
    expect(await page.locator('.notice').count()).toBe(0);
  }
  expect(await page.locator('tr[data-study]').innerText()).toContain('BEISPIEL, Änne');
  await search(page, { patientID: 'NOBODY' });
  await eventually(() => page.getByText('No study matches.').count()).toBe(1);
  await search(page, { patientID: 'LB-77' });
  const seen = watchBytes(page);
  await page.locator('.lifeboat-open').click();
  await shown(page);
  expect(await isLit(page)).toBe(true);
  const originals = await Promise.all(files.map((file) => readFile(file)));
  await eventually(() => seen.length).toBeGreaterThanOrEqual(files.length);
  for (const { from, bytes } of await Promise.all(seen)) {
    expect(bytes.length).toBeGreaterThanOrEqual(128 * 128 * 2);
    expect(
      originals.some((file) => file.includes(bytes)),
      `${bytes.length} bytes from ${from} as pushed`,
    ).toBe(true);
  }
}

async function introduce(page: Page) {
  await page.getByLabel('Your name').fill('Dr Test');
  await page.getByLabel('Why do you need').fill('PACS down');
}

/** For a look at the pages by eye. */
async function picture(page: Page, name: string) {
  const folder = process.env['LIFEBOAT_TEST_PICTURES'];
  if (!folder) return;
  for (const [width, height] of [
    [1366, 768],
    [2560, 1440],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(folder, `${name}-${width}.png`) });
  }
  await page.setViewportSize({ width: 1366, height: 768 });
}

function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
  });
  return complaints;
}

describe.skipIf(!chromiumAvailable() || !cephAvailable())(
  'lifeboat mode from a bucket, every server of ours dead',
  () => {
    let folder: string;
    let ceph: CephS3;
    let browser: TestBrowser;
    let store: ObjectStore;
    let files: string[];
    let env: Record<string, string>;
    let dataDir: string;
    let again: RouterProcess | undefined;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lifeboat-mode-'));
      files = await pushed(folder);
      [ceph, browser] = await Promise.all([CephS3.start(), startBrowser()]);
      await ceph.createUser('lifeboat-break-glass', 'AKGLASS', 'SKGLASS');
      env = {
        LIFEBOAT_STORE: 's3://archive',
        LIFEBOAT_S3_ENDPOINT: ceph.endpoint,
        LIFEBOAT_S3_ACCESS_KEY: ACCESS_KEY,
        LIFEBOAT_S3_SECRET_KEY: SECRET_KEY,
      };
      ({ store, dataDir } = await fillAndKill(folder, env, ceph.storeConfig('archive'), files));
      const { hostname, port } = new URL(ceph.endpoint);
      const keys = { accessKey: ACCESS_KEY, secretKey: SECRET_KEY };
      const client = new Client({
        endPoint: hostname,
        port: Number(port),
        useSSL: false,
        region: 'us-east-1',
        ...keys,
      });
      await client.setBucketPolicy('archive', breakGlassPolicy('ceph', 'archive', 'lifeboat-break-glass'));
      const envelope = await sealEnvelope('ward', password, { accessKey: 'AKGLASS', secretKey: 'SKGLASS' });
      await store.put(envelopeKey('ward'), Buffer.from(JSON.stringify(envelope)));
    }, patience);
    afterAll(async () => {
      await again?.stop('SIGKILL');
      await browser?.close();
      await store?.close();
      await ceph?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it(
      'opens with the break-glass password, finds and shows the study bit for bit, and the event is audited once',
      async () => {
        const page = await browser.page();
        const complaints = complaintsOf(page);
        await page.goto(`${ceph.endpoint}/archive/viewer/index.html`);
        await introduce(page);
        await page.getByLabel('Name on the envelope').fill('nobody');
        await page.locator('input[name="break-glass-password"]').fill('wrong');
        await page.getByRole('button', { name: 'Open the archive' }).click();
        await eventually(() => page.locator('.notice-bad').allInnerTexts()).toEqual([
          expect.stringContaining('no break-glass envelope named “nobody”'),
        ]);
        await page.getByLabel('Name on the envelope').fill('ward');
        await page.locator('input[name="break-glass-password"]').fill('wrong');
        await page.getByRole('button', { name: 'Open the archive' }).click();
        await eventually(() => page.locator('.notice-bad').allInnerTexts()).toEqual([
          expect.stringContaining('The break-glass password is wrong.'),
        ]);
        await picture(page, 'lifeboat-sign-in');
        await page.locator('input[name="break-glass-password"]').fill(password);
        await page.getByRole('button', { name: 'Open the archive' }).click();
        await eventually(() => page.locator('.lifeboat-strip').allInnerTexts()).toEqual([
          expect.stringContaining('Lifeboat mode'),
        ]);
        await search(page, { patientID: 'LB-77' });
        await eventually(() => page.locator('tr[data-study]').count()).toBe(1);
        await picture(page, 'lifeboat-search');
        await findAndRead(page, files);
        await picture(page, 'lifeboat-reading');
        expect(await page.locator('.lifeboat-strip').innerText()).toMatch(/list of studies is of \d{4}-\d\d-\d\d/);
        const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
        expect(kept).toBe('[{},{}]');
        await page.getByRole('button', { name: 'What does not work' }).click();
        expect(await page.locator('dialog').innerText()).toContain('appear on the audit page when a router is back');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Sign out' }).click();
        await eventually(() => page.getByLabel('Your name').count()).toBe(1);
        expect(complaints).toEqual([]);

        again = await startRouterProcess({ dataDir, env: { ...env, LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD } });
        const rowsOf = async (router: RouterProcess) => {
          const person = await router.login();
          return (await person.json<AuditAnswer>('/api/audit?user=Dr%20Test&limit=100')).rows;
        };
        await expect
          .poll(async () => (await rowsOf(again!)).length, { timeout: 60_000, message: again.output() })
          .toBeGreaterThan(0);
        await again.stop('SIGKILL');
        again = await startRouterProcess({ dataDir, env: { ...env, LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD } });
        await wait(3000);
        const rows = await rowsOf(again);
        expect(rows.filter(({ action }) => action === 'break-glass-sign-in')).toHaveLength(1);
        expect(rows.filter(({ action }) => action === 'break-glass-view')).toHaveLength(1);
        expect(rows.every(({ detail }) => detail.includes('reason: PACS down'))).toBe(true);
      },
      patience,
    );

    it('refuses a wrong access key in plain words, and lets the break-glass key neither write nor delete images', async () => {
      const page = await browser.page();
      await page.goto(`${ceph.endpoint}/archive/viewer/index.html`);
      await introduce(page);
      await page.getByLabel('Access key of the store').check();
      await page.locator('input[name="access-key"]').fill('AKGLASS');
      await page.locator('input[name="secret-key"]').fill('not it');
      await page.getByRole('button', { name: 'Open the archive' }).click();
      await eventually(() => page.locator('.notice-bad').allInnerTexts()).toEqual([
        expect.stringMatching(/secret key does not fit/),
      ]);
      const config = { ...ceph.storeConfig('archive'), accessKey: 'AKGLASS', secretKey: 'SKGLASS' };
      const glass = await openStore(config);
      let object = '';
      for await (const { key } of glass.list('objects/')) object = key;
      await expect(glass.delete(object)).rejects.toThrow();
      await expect(glass.put('lifeboat/other.json', Buffer.from('x'))).rejects.toThrow();
      await glass.close();
    });
  },
);

describe.skipIf(!chromiumAvailable() || !nginxAvailable())('lifeboat mode from a plain copy on a web server', () => {
  let folder: string;
  let browser: TestBrowser;
  let nginx: Nginx;
  let files: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-copy-'));
    files = await pushed(folder);
    const dir = join(folder, 'store');
    const { store } = await fillAndKill(folder, { LIFEBOAT_STORE: `file:${dir}` }, { kind: 'file', dir }, files);
    await store.close();
    cpSync(dir, join(folder, 'copy'), { recursive: true });
    [nginx, browser] = await Promise.all([startNginx(join(folder, 'copy')), startBrowser()]);
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await nginx?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'asks for no password, finds and shows the study bit for bit, and says where it is recorded',
    async () => {
      const page = await browser.page();
      const complaints = complaintsOf(page);
      await page.goto(`${nginx.url}/viewer/index.html`);
      await introduce(page);
      await page.getByRole('button', { name: 'Open the archive' }).click();
      await eventually(() => page.locator('.lifeboat-strip').count()).toBe(1);
      await findAndRead(page, files);
      await page.getByRole('button', { name: 'What does not work' }).click();
      expect(await page.locator('dialog').innerText()).toContain('only if its web server keeps an access log');
      expect(complaints).toEqual([]);
    },
    patience,
  );
});
