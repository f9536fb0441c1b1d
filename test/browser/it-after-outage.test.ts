import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewFinding } from '../../router/reconcile/reconcile-state.ts';
import { freePort } from '../bench/receivers.ts';
import { accessibilityFindings } from '../support/accessibility.ts';
import { fitsBothSizes } from '../support/both-sizes.ts';
import { chromiumAvailable, startBrowser, type TestBrowser, useCookie } from '../support/browser.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage } from '../support/small-image.ts';

const EMERGENCY = '1.2.826.0.9.92.1';
const LOST = '1.2.826.0.9.92.2';

describe.skipIf(!chromiumAvailable())('what IT does after an outage, in a browser', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;

  const shows = (wanted: string | RegExp) => page.getByText(wanted).first().waitFor({ timeout: 20_000 });
  const picture = (name: string) => fitsBothSizes(page, `after-${name}`);

  beforeAll(async () => {
    const port = await freePort();
    router = await startRouter({
      env: {
        LIFEBOAT_PACS: `PACS@127.0.0.1:${port}`,
        LIFEBOAT_FORWARD_TO: `PACS@127.0.0.1:${port}`,
        LIFEBOAT_FORWARD_COMMITMENT: 'true',
      },
      viewerDir: process.env['LIFEBOAT_TEST_VIEWER'],
    });
    const { archive, reconciliation } = router.router.context;
    const image = { study: EMERGENCY, series: `${EMERGENCY}.1`, sop: `${EMERGENCY}.1.1` };
    await keepFiles(archive, [smallImage({ ...image, patientName: 'Unknown^Emergency', patientID: 'E-1' })]);
    const { state } = reconciliation!;
    const span = { peer: 'PACS', from: '2026-03-02T20:00:00.000Z', to: '2026-03-03T02:10:00.000Z' };
    const run = state.begin(span, 'outage of PACS', 'cli');
    const finding = (kind: NewFinding['kind'], words: string, uids: string[]): NewFinding => ({
      kind,
      words,
      uids,
      mending: false,
      possible: kind === 'only-here' ? ['resend', 'accept'] : ['accept'],
    });
    const compared = (
      study: string,
      patientName: string,
      patientID: string,
      lacks: number,
      findings: NewFinding[],
    ): void => {
      state.addStudies(run, [study]);
      const result = { patientName, patientID, studyDate: '20260302', received: 120, meant: 120, committed: null };
      state.compared(run, study, { ...result, delivered: 120 - lacks }, findings);
    };
    compared(EMERGENCY, 'Unknown^Emergency', 'E-1', 0, [
      finding('identity', 'patient ID here E-1, there 4711', []),
      finding('no-order', 'It has no accession number and answers no request.', []),
    ]);
    compared(LOST, 'Şahin^Elif', 'P-1003', 1, [
      finding('only-here', 'The PACS refused it three times: 0xA700 Out of resources', [`${LOST}.1.7`]),
    ]);
    compared(`${LOST}.3`, '山田^太郎', 'P-1004', 0, []);
    state.setState(run, 'done');
    browser = await startBrowser();
    page = await browser.page();
    await useCookie(browser.context, router.url, (await router.login()).cookie);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await router?.close();
  });

  it('decides on each finding of a comparison with a reason, signs it off, and has the report', async () => {
    await page.goto(`${router.url}/it?tab=reconcile`);
    await shows('outage of PACS');
    await shows('360 received here, 359 listed by the PACS');
    await shows('3 open');
    await picture('comparisons');
    expect(await accessibilityFindings(page, { tabs: 6 })).toEqual([]);
    await page.getByRole('button', { name: 'Show' }).click();
    await shows('3 findings are open: decide on each, then sign off.');
    await shows('The PACS refused it three times: 0xA700 Out of resources');
    await picture('findings');
    expect(await accessibilityFindings(page)).toEqual([]);
    expect(await page.getByRole('button', { name: 'Sign off' }).count()).toBe(0);
    for (const left of [2, 1, 0]) {
      const open = page.getByRole('row').filter({ hasText: 'needs a person' }).first();
      expect(await open.getByRole('button', { name: 'Leave as it is' }).isDisabled()).toBe(true);
      await open.getByLabel(/^Why/).fill('told to Dr Ek by telephone');
      await open.getByRole('button', { name: 'Leave as it is' }).click();
      await expect
        .poll(() => page.getByRole('row').filter({ hasText: 'needs a person' }).count(), { timeout: 10_000 })
        .toBe(left);
    }
    await shows(/left as it is by admin, .*: told to Dr Ek by telephone/);
    await page.getByLabel('Note (optional)').fill('seen by IT');
    await page.getByRole('button', { name: 'Sign off' }).click();
    await shows(/signed off by admin, .*: seen by IT/);
    const [csv] = await Promise.all([page.waitForEvent('download'), page.getByText('Everything as CSV').click()]);
    const report = readFileSync(await csv.path(), 'utf8');
    expect(report).toContain('told to Dr Ek by telephone');
    expect(report).toContain('Şahin');
  }, 60_000);

  it('compares another time, which waits while the PACS is away', async () => {
    await page.getByRole('button', { name: 'All comparisons' }).click();
    await page.getByLabel('From').fill('2026-03-01T00:00');
    await page.getByLabel('To').fill('2026-03-02T00:00');
    await page.getByRole('button', { name: 'Compare' }).click();
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'not signed off' }).count()).toBe(1);
    await page.getByLabel('To').fill('2026-02-01T00:00');
    await page.getByRole('button', { name: 'Compare' }).click();
    await shows(/ends before it begins/);
  }, 60_000);

  it('corrects an emergency patient, sees what the PACS has of it, and takes it back', async () => {
    await page.goto(`${router.url}/it?tab=corrections`);
    await shows('Nobody was corrected so far.');
    await page.getByLabel('Study Instance UID', { exact: true }).fill(EMERGENCY);
    await page.getByLabel(/^Right name/).fill('Müller^Anna');
    await page.getByLabel('Right patient ID').fill('4711');
    await page.getByLabel('Why').fill('identified by her husband');
    await page.getByRole('button', { name: 'Correct and send again' }).click();
    const row = page.getByRole('row').filter({ hasText: 'Müller, Anna' });
    await row.waitFor({ timeout: 20_000 });
    expect(await row.textContent()).toMatch(/4711.*Unknown, Emergency.*E-1.*identified by her husband/);
    expect(await row.textContent()).toMatch(/0 of 1 images sent to PACS.*waits for the PACS to say so/);
    expect(await page.getByLabel('Right patient ID').inputValue()).toBe('');
    await picture('corrections');
    expect(await accessibilityFindings(page, { tabs: 6 })).toEqual([]);
    await page.getByLabel('What to correct').selectOption('merge');
    await page.getByLabel('Patient ID that is wrong').fill('NOBODY');
    await page.getByLabel(/^Right name/).fill('Doe^Jane');
    await page.getByLabel('Right patient ID').fill('1');
    await page.getByLabel('Why').fill('two records');
    await page.getByRole('button', { name: 'Correct and send again' }).click();
    await shows('There is no such study here.');
    await row.getByRole('button', { name: 'Take back' }).click();
    await shows('Take this correction back? What was sent stays as it was sent.');
    await page
      .getByRole('button', { name: /Yes|Take back/ })
      .last()
      .click();
    await shows('Nobody was corrected so far.');
  }, 60_000);

  it('sees what destinations have committed to keep', async () => {
    await page.goto(`${router.url}/it?tab=outages`);
    await shows('What they have committed to keep');
    await shows(/Storage commitment: 0 images confirmed/);
    await picture('outages');
    expect(await accessibilityFindings(page, { tabs: 6 })).toEqual([]);
  }, 60_000);
});
