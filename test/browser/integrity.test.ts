import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleStudies } from '../../phantoms/sample-studies.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { ScrubState } from '../../storage/scrub-state.ts';
import { chromiumAvailable, startBrowser, type TestBrowser, useCookie } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';

const seen = process.env['LIFEBOAT_TEST_PICTURES'];

describe.skipIf(!chromiumAvailable())('the integrity page, in a browser', () => {
  let router: TestRouter;
  let admin: Browser;
  let browser: TestBrowser;
  let page: Page;
  let copy: string;
  let victim: InstanceEntry;

  const shows = async (wanted: string | RegExp) => {
    await page.getByText(wanted).first().waitFor({ timeout: 20_000 });
  };
  const picture = async (name: string) => {
    if (!seen) return;
    for (const [width, height] of [
      [2560, 1440],
      [1366, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(seen, `${name}-${width}.png`) });
    }
  };

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'lifeboat-copy-'));
    const integrity = { scrubBytesPerSecond: 1e9, scrubEveryMs: 86_400_000, tickMs: 200, repairFrom: [`file:${copy}`] };
    router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'], config: { integrity } });
    const { archive } = router.router.context;
    for (const study of sampleStudies({ scale: 0.05 })) await keepFiles(archive, study.instances());
    const history = new ScrubState(join(router.dataDir, 'integrity.sqlite'));
    const { bytes } = await archive.catalogue.totals();
    for (let day = 60; day > 0; day--) {
      const at = new Date(Date.now() - day * 86_400_000).toISOString().slice(0, 10);
      history.grew({ day: at, instances: 80 - day, bytes: Math.round(bytes * (1 - day / 100 + Math.sin(day) / 60)) });
    }
    history.close();
    await cp(join(router.dataDir, 'store'), copy, { recursive: true });
    admin = await router.login();
    await admin.send('POST', '/api/integrity/pass');
    const { rows } = (await admin
      .send('POST', '/api/worklist', { limit: 50, offset: 0 })
      .then(async (answer) => (answer.ok ? answer.json() : admin.json('/api/worklist?limit=50')))) as {
      rows: { studyInstanceUID: string; instanceCount: number }[];
    };
    const study = rows.find(({ instanceCount }) => instanceCount > 3)!;
    victim = (await archive.entries(study.studyInstanceUID))[0]!;
    browser = await startBrowser();
    await useCookie(browser.context, router.url, admin.cookie);
    page = await browser.page();
  });
  afterAll(async () => {
    await browser?.close();
    await router?.close();
    await rm(copy, { recursive: true, force: true });
  });

  it('says at a glance that the archive is whole, when it was read, and what to write down of the seal', async () => {
    await page.goto(`${router.url}/integrity`);
    await shows('The archive is whole');
    await shows('nothing wrong');
    await shows(/^\d+:[0-9a-f]{64}$/);
    await shows(/22 images right/);
    await shows(/ free$/);
    await shows('enough for over ten years');
    await shows('Never tried. Run: lifeboat drill');
    expect(await page.locator('.integrity-growth polyline').count()).toBe(1);
    expect(await page.getByRole('link', { name: 'Integrity' }).getAttribute('aria-current')).toBe('page');
    await picture('integrity-whole');
  });

  it('names a damaged image by its patient, repairs it from the second copy with a click, and keeps that in mind', async () => {
    const path = join(router.dataDir, 'store', victim.key);
    const right = await readFile(path);
    const damaged = Buffer.from(right);
    damaged[damaged.length - 1]! ^= 1;
    await rm(path);
    await writeFile(path, damaged);
    await page.getByRole('button', { name: 'Read through now' }).click();
    await shows('1 thing is wrong');
    await shows('flipped');
    const name = String((victim.attributes['00100010']!.Value![0] as { Alphabetic: string }).Alphabetic);
    await shows(name.split('^')[0]!);
    await shows(victim.key);
    await picture('integrity-wrong');
    await page.getByRole('button', { name: 'Repair', exact: true }).click();
    await shows(`Repaired from file:${copy}.`);
    await shows('The archive is whole');
    await shows('1 repaired so far');
    await shows('What the last pass found was repaired since');
    expect(await readFile(path)).toEqual(right);
  });

  it('shows every hash of a study, and reads it when asked', async () => {
    await page.getByLabel('Study Instance UID').fill(victim.studyInstanceUID);
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await shows(victim.sha256);
    await shows(victim.dataSetSha256);
    await page.getByRole('button', { name: 'Read every image of it now' }).click();
    await shows(/Read just now: (\d+) of \1 images right\./);
    await picture('integrity-study');
  });

  it('gives a report for an auditor, and a page that prints without bar and buttons', async () => {
    await page.goto(`${router.url}/integrity`);
    await shows('The archive is whole');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Report for an auditor (CSV)' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toContain('Errors repaired,1\r\n');
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByRole('button', { name: 'Seal now' }).isVisible()).toBe(false);
    expect(await page.locator('.shell-bar').isVisible()).toBe(false);
    await picture('integrity-print');
    await page.emulateMedia({ media: 'screen' });
  });
});
