import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ArrivalRow, ArrivalsAnswer } from '../../contract/api.ts';
import { chromiumAvailable, useCookie as signInAs, startBrowser, type TestBrowser } from '../support/browser.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const pictures = process.env['LIFEBOAT_TEST_PICTURES'];
const STUDY = '1.2.826.0.7.1';

describe.skipIf(!chromiumAvailable())('the arrivals page, in a browser', () => {
  let router: TestRouter;
  let proxy: TcpProxy;
  let browser: TestBrowser;
  let page: Page;

  const states = () => page.locator('.arrivals-state').allInnerTexts();
  const body = () => page.innerText('body');
  const shows = (wanted: string | RegExp) => page.getByText(wanted).first().waitFor({ timeout: 30_000 });
  const open = (query = '') => page.goto(`http://127.0.0.1:${proxy.port}/arrivals${query}`);
  const picture = async (name: string) => {
    for (const [width, height] of [
      [2560, 1440],
      [1366, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      const overflow = await page.evaluate(() => {
        const main = document.querySelector('.shell-main')!;
        return main.scrollWidth - main.clientWidth;
      });
      expect(overflow, `${name} at ${width} scrolls sideways`).toBeLessThanOrEqual(0);
      if (pictures) await page.screenshot({ path: join(pictures, `arrivals-${name}-${width}.png`) });
    }
  };
  const refuse = (ae: string, message: string, sopInstanceUID?: string) =>
    router.router.context.access.refused({
      channel: 'DIMSE',
      peer: `${ae}@10.0.0.1`,
      code: 'SPOOL_FULL',
      message,
      sopInstanceUID,
    });
  const receive = async (ae: string, study: string, count: number) => {
    const { archive } = router.router.context;
    for (const file of smallStudy(study, count)) {
      const reception = archive.beginFile({ via: 'c-store', callingAE: ae });
      await reception.write(file);
      await reception.finish();
    }
    await archive.flush();
  };
  /** What the router says, changed on its way to the page: for states that take hours to come about. */
  const answer = (change: (answer: ArrivalsAnswer) => void) =>
    page.route('**/api/arrivals?*', async (route) => {
      const response = await route.fetch();
      const json = (await response.json()) as ArrivalsAnswer;
      change(json);
      await route.fulfill({ response, json });
    });
  const away = (available: boolean) =>
    page.route('**/api/status', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      json.store.available = available;
      await route.fulfill({ response, json });
    });

  beforeAll(async () => {
    router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'] });
    proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(router.url).port) });
    browser = await startBrowser();
    await signInAs(browser.context, router.url, (await router.loginAs('modality')).cookie);
    page = await browser.page();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.stop();
    await router?.close();
  });
  beforeEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));

  it('says what to look at when nothing arrived', async () => {
    await open();
    await shows('Nothing arrived in this time.');
    await shows(new RegExp(`look on the scanner whether it sends to AE title ${router.aeTitle}, host 127.0.0.1, port`));
    await shows('Nothing was refused.');
    await picture('none');
  });

  it('gives the number to compare with the scanner’s while a study comes in, and says when it is quiet', async () => {
    await receive('CT1', STUDY, 3);
    await open();
    await shows('still coming in');
    await shows('3 images in 1 series');
    await shows('Safe to delete on the scanner: no');
    await picture('coming');
    await answer(({ rows }) => {
      for (const row of rows) row.lastReceivedAt = new Date(Date.now() - 120_000).toISOString();
    });
    await page.getByText('complete so far', { exact: true }).waitFor();
    expect(await states()).not.toContain('still coming in');
    await shows('Safe to delete on the scanner: yes');
    await picture('quiet');
  });

  it('says what the scanner was told when it asked for storage commitment, and what the PACS has committed to', async () => {
    const asked = { requester: 'CT1', requestedAt: new Date().toISOString(), told: true };
    await answer(({ rows }) => {
      const [row] = rows;
      row!.lastReceivedAt = new Date(Date.now() - 3_600_000).toISOString();
      row!.commitment = { ...asked, confirmed: 3, failed: 0 };
      row!.forwarded = [{ destination: 'PACS@10.0.0.2:104', owed: 3, sent: 3, committed: 2 }];
    });
    await open();
    await shows('Every image was read back and has its checksum; the scanner asked for it (storage commitment).');
    await shows('PACS has committed to keep 2 of 3 so far.');
    await picture('committed');
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await answer(({ rows }) => {
      rows[0]!.lastReceivedAt = new Date(Date.now() - 3_600_000).toISOString();
      rows[0]!.commitment = { ...asked, confirmed: 2, failed: 1 };
    });
    await open();
    await shows('Safe to delete on the scanner: no');
    await shows('The scanner asked for images that are not here. Send the study again.');
    await picture('not-committed');
  });

  it('says what is safe while the store is away, and that it may not be deleted yet', async () => {
    await away(false);
    await answer(({ rows }) => {
      rows[0]!.lastReceivedAt = new Date(Date.now() - 3_600_000).toISOString();
      Object.assign(rows[0]!.series[0]!, { stored: 1, inSpool: 2 });
    });
    // The stream of events tells the status too.
    await page.route('**/api/events', (route) => route.abort());
    await open();
    await shows('complete so far, waiting for the store');
    await shows(
      /2 of them are safe on this machine’s disk only: the store does not answer\. Go on scanning; do not delete/,
    );
    await shows('3 images in 1 series');
    expect(await states()).not.toContain('still coming in');
    await picture('store-away');
  });

  it('warns of what was refused until it has come, counting each image once', async () => {
    refuse('CT1', 'The disk is full.', '1.2.3.4');
    refuse('CT1', 'The disk is full.', '1.2.3.4');
    refuse('CT1', 'The disk is full.', `${STUDY}.1.2`);
    await open();
    await shows('1 image from CT1 was refused in this time and did not come again: do not delete on the scanner.');
    const row = (text: string) => page.locator('.arrivals-refusals tr', { hasText: text });
    await row('sent again, kept now').waitFor();
    expect(await row('not kept here').count()).toBe(2);
    await picture('refused');
  });

  it('says that a scanner is turned away, and stops saying so when it gets through', async () => {
    refuse('XA9', 'XA9 is not among the senders that may send here.');
    refuse('XA9', 'XA9 is not among the senders that may send here.');
    await open();
    await shows(
      /XA9 was turned away or cut off 2 times, last at .* and nothing came from it since: do not delete on the scanner/,
    );
    await picture('turned-away');
    await receive('XA9', '1.2.826.0.7.9', 1);
    await expect.poll(body, { timeout: 20_000 }).not.toContain('XA9 was turned away');
    await page.locator('.arrivals-refusals tr', { hasText: 'XA9 is not among' }).first().waitFor();
  });

  it('says when there is more than it lists', async () => {
    await answer((given) => {
      const [row] = given.rows;
      given.more = true;
      given.rows = Array.from(
        { length: 200 },
        (_, n): ArrivalRow => ({
          ...row!,
          studyInstanceUID: `1.2.3.${n}`,
          patientName: `Very Long Family Name ${n}^Of Somebody Who Has Many Given Names And Uses All Of Them`,
        }),
      );
    });
    await open();
    await shows('Only the newest 200 studies are listed');
    expect(await page.locator('.arrivals-study').count()).toBe(200);
    await picture('many');
  });

  it('says since when it hears nothing and calls nothing complete meanwhile', async () => {
    await open();
    await shows('3 images in 1 series');
    proxy.freeze();
    await shows(
      /No connection to Lifeboat since \d\d:\d\d:\d\d.*What you see was true at \d\d:\d\d:\d\d; .*Do not delete on the scanner now/,
    );
    await shows('not known');
    expect(new Set(await states())).toEqual(new Set(['not known']));
    await picture('lost');
    await receive('CT1', '1.2.826.0.7.2', 2);
    proxy.thaw();
    await shows('2 images in 1 series');
    await expect.poll(body, { timeout: 20_000 }).not.toContain('No connection');
  });

  it('shows one sender’s only, and the way back', async () => {
    await open();
    await page.getByLabel('Show only').selectOption('XA9');
    await expect.poll(body).not.toContain('3 images in 1 series');
    await answer((given) => {
      given.rows = given.rows.filter((row) => row.callingAE !== 'XA9');
    });
    await shows('Nothing arrived from XA9 in this time.');
    await page.getByRole('button', { name: 'Show all senders' }).click();
    await shows('3 images in 1 series');
  });
});
