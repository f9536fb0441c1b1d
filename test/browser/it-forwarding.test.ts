import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { freePort } from '../bench/receivers.ts';
import { fitsBothSizes } from '../support/both-sizes.ts';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { type TestServer, testServer } from '../support/dimse.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.7';
const REFUSED = `${STUDY}.1.2`;

describe.skipIf(!chromiumAvailable())('forwarding on the IT page, in a browser', () => {
  let pacs: TestServer;
  let port: number;
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;

  const shows = (wanted: string | RegExp) => page.getByText(wanted).first().waitFor({ timeout: 20_000 });
  const picture = (name: string) => fitsBothSizes(page, `forwarding-${name}`);

  beforeAll(async () => {
    port = await freePort();
    pacs = await testServer({ dicomPort: port, aeTitle: 'PACS' });
    const free = await freePort();
    router = await startRouter({
      env: {
        LIFEBOAT_FORWARD_TO: `PACS@127.0.0.1:${port},RESEARCH@127.0.0.1:${free}`,
        LIFEBOAT_PACS: `RESEARCH@127.0.0.1:${free}`,
      },
      viewerDir: process.env['LIFEBOAT_TEST_VIEWER'],
    });
    pacs.receiver.failOn.set(REFUSED, { at: 'finish', error: new LifeboatError('DATASET_UNREADABLE') });
    await keepFiles(router.router.context.archive, smallStudy(STUDY, 4));
    browser = await startBrowser();
    page = await browser.page();
    await page.goto(`${router.url}/it?tab=forwarding`);
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', ADMIN_PASSWORD);
    await page.click('button[type=submit]');
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await router?.close();
    await pacs?.stop();
  });

  const destination = (ae: string) => page.getByRole('region', { name: new RegExp(`^${ae}@`) });

  it('says what was sent, what the PACS would not take and why, and what waits for a destination that is away', async () => {
    await destination('PACS').getByText('3 images sent, 0 waiting.').waitFor({ timeout: 20_000 });
    const words = await destination('PACS').innerText();
    expect(words).toMatch(/needs a person/i);
    expect(words).toContain('1 image that the destination will not take as it is');
    expect(words).toContain(REFUSED);
    expect(words).toContain('Test, Patient');
    expect(words).toMatch(/The peer answered 0xC/);
    const away = await destination('RESEARCH').innerText();
    expect(away).toMatch(/cannot send now/i);
    expect(away).toContain('0 images sent, 4 waiting.');
    expect(away).toMatch(/connection refused.*Nothing is lost/);
    await picture('both');
  });

  it('sends again on a click, and gives up only when asked twice', async () => {
    pacs.receiver.failOn.clear();
    await destination('PACS').getByRole('button', { name: 'Try again', exact: true }).click();
    await destination('PACS').getByText('4 images sent, 0 waiting.').waitFor({ timeout: 20_000 });
    expect(await destination('PACS').innerText()).toMatch(/everything is sent/i);
    await destination('PACS').getByRole('button', { name: 'Pause' }).click();
    await shows('paused by hand');
    await destination('PACS').getByRole('button', { name: 'Go on sending' }).click();
    await shows('everything is sent');
    await picture('sent');
  });

  it('tries rules against a study, says what is wrong with them, and saves them', async () => {
    const rules = page.getByRole('region', { name: 'Destinations and rules' });
    const name = `PACS@127.0.0.1:${port}`;
    await rules.getByLabel('Forwarding file').fill('rules: [{to: nowhere}]');
    await rules.getByRole('button', { name: 'Save and put in force' }).click();
    await shows(/nowhere, which is no destination/);
    const text = `rules:\n  - {name: prefix, to: "${name}", priority: stat, change: [{tag: PatientID, prefix: L-}]}\n`;
    await rules.getByLabel('Forwarding file').fill(text);
    await rules.getByLabel('Study Instance UID to try it with').fill(STUDY);
    await rules.getByRole('button', { name: 'Try, without saving' }).click();
    await shows('PatientID: P1 → L-P1');
    await rules.scrollIntoViewIfNeeded();
    await picture('rules');
    await rules.getByRole('button', { name: 'Save and put in force' }).click();
    await shows('Saved and in force.');
    expect(router.router.context.forwarding!.routes.rules).toMatchObject([{ name: 'prefix', priority: 'stat' }]);
  });

  it('shows the outages of the main PACS, what was received meanwhile, and plans a downtime', async () => {
    await page.goto(`${router.url}/it?tab=outages`);
    await shows(/goes on/);
    await page.getByLabel('From').fill('2030-01-01T22:00');
    await page.getByLabel('To').fill('2030-01-02T02:00');
    await page.getByLabel('Why').fill('new disks');
    await page.getByRole('button', { name: 'Plan a downtime' }).click();
    await shows('new disks');
    expect(router.router.context.outages!.planned()).toMatchObject([{ note: 'new disks', by: 'admin' }]);
    await picture('outages');
  });
});
