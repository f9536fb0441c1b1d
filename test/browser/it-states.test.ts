import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import type { TendingState } from '../../storage/archive-types.ts';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import { fitsBothSizes } from '../support/both-sizes.ts';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';

const SINCE = '2026-01-02T03:04:05.000Z';
const TABS = ['system', 'senders', 'users', 'tokens', 'refusals', 'audit'];

describe.skipIf(!chromiumAvailable())('the IT page in good and bad days, in a browser', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;

  const shows = async (wanted: string | RegExp) => {
    await page.getByText(wanted).first().waitFor({ timeout: 20_000 });
  };
  const card = (title: string) => page.locator('.it-card', { has: page.getByRole('heading', { name: title }) });
  const picture = (name: string) => fitsBothSizes(page, `it-${name}`, { fullPage: true });

  /** What the archive says of itself; the way from there to the page is the real one. */
  const pretend = (tending: TendingState, spool: object = {}) => {
    const { archive } = router.router.context;
    const { spool: real } = original;
    Object.assign(archive, { tending: () => tending, spool: () => ({ ...real(), ...spool }) });
  };
  let original: { spool: () => object; tending: () => TendingState; totals: Catalogue['totals'] };

  beforeAll(async () => {
    router = await startRouter({
      env: { LIFEBOAT_ACCEPT_AE: 'CT1', LIFEBOAT_PACS: 'PACS@127.0.0.1:9' },
      viewerDir: process.env['LIFEBOAT_TEST_VIEWER'],
    });
    const { archive } = router.router.context;
    original = {
      spool: archive.spool,
      tending: archive.tending,
      totals: archive.catalogue.totals.bind(archive.catalogue),
    };
    await keepFiles(archive, [...smallStudy('1.2.826.0.9.1', 3)]);
    const admin = await router.login();
    const long = 'a-user-name-as-long-as-some-hospitals-make-them@department-of-radiology.example';
    for (const name of ['anna', 'bert', long])
      await admin.send('POST', '/api/users', { name, role: 'radiologist', password: `${name} has a password` });
    await admin.send('POST', '/api/tokens', { name: 'research workstation', scopes: ['dicomweb:read', 'metrics'] });
    await fetch(`${router.url}/dicom-web/studies`, { headers: { Authorization: 'Basic YTpi' } });
    for (let i = 0; i < 3; i++) await admin.send('POST', '/api/aes', { title: `CT${i + 2}`, note: 'second floor' });
    browser = await startBrowser();
    page = await browser.page();
    await page.goto(`${router.url}/it`);
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', ADMIN_PASSWORD);
    await page.click('button[type=submit]');
    await shows('Catalogue (for searching)');
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await router?.close();
  });

  it('shows on a good day that store and catalogue answer, on every tab without scrolling sideways', async () => {
    expect(await card('Object store').innerText()).toMatch(/answers/);
    expect(await card('Catalogue').innerText()).toMatch(/answers\s+SQLite/);
    for (const tab of TABS) {
      await page.goto(`${router.url}/it?tab=${tab}`);
      await page.locator('.it-cards, .it-table').first().waitFor();
      await picture(`good-${tab}`);
    }
  }, 120_000);

  it('says of files in the spool that cannot be read what they are and what to do', async () => {
    await page.goto(`${router.url}/it`);
    pretend(
      {},
      {
        entries: 7,
        bytes: 7e6,
        oldest: SINCE,
        unread: { files: 2, since: SINCE, triedAt: SINCE, nextTryAt: SINCE, reason: 'EIO: i/o error, read' },
      },
    );
    await shows('2 files, each perhaps a received image');
    const words = await card('Spool files that cannot be read').innerText();
    expect(words).toMatch(/EIO: i\/o error, read/);
    expect(words).toMatch(/What to do: .*Delete nothing there/);
    await picture('bad-unread');
  });

  it('says of a store that lost images, or that is away, what to do', async () => {
    pretend({ lost: { segments: 40, studies: 12, since: SINCE } });
    await shows('lacks images it had: 12 studies (40 entries)');
    expect(await card('Object store').innerText()).toMatch(/What to do: Bring the bucket or folder back/);
    expect(await page.innerText('[role=status]')).toMatch(/lacks 12 studies that it had. Do not delete/);
    await picture('bad-lost');
    const message = 'The object store answers, but the bucket is gone. Bring it back, or create it empty. (hospital)';
    pretend({}, { storeError: { since: SINCE, message } });
    await shows(message);
    expect(await card('Object store').innerText()).toMatch(/does not answer[\s\S]*What to do: Start the store again/);
    await picture('bad-away');
    pretend({}, { refused: { since: SINCE, entries: 3, message: 'its quota is used up' } });
    await shows('It does not take some images, which wait in the spool and are tried again: its quota is used up');
    await picture('bad-refused');
  });

  it('says of a catalogue that is away or being filled what that means and how far it is', async () => {
    const { catalogue } = router.router.context.archive;
    pretend({ filling: { share: 0.375, segments: 900, instances: 12_345, since: SINCE } });
    await shows('being filled from the store: 37 %');
    expect(await card('Catalogue').innerText()).toMatch(/12,345 images read/);
    expect(await page.innerText('[role=status]')).toMatch(/being made anew, 37 % done/);
    await picture('bad-filling');
    pretend({});
    const reason = 'The catalogue does not answer: the database does not exist; create it and it is filled again.';
    Object.assign(catalogue, { totals: () => Promise.reject(new LifeboatError('CATALOGUE_UNAVAILABLE', reason)) });
    await shows('does not answer: patients cannot be searched');
    expect(await card('Catalogue').innerText()).toMatch(/database does not exist[\s\S]*What to do: Start the database/);
    expect(await page.innerText('[role=status]')).toMatch(/Patients cannot be searched right now/);
    await picture('bad-catalogue');
    Object.assign(catalogue, { totals: original.totals });
    await expect.poll(() => card('Catalogue').innerText(), { timeout: 20_000 }).toMatch(/answers/);
    expect(await page.innerText('[role=status]')).not.toMatch(/cannot be searched/);
  });
});
