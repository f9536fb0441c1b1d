import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumAvailable, startBrowser, type TestBrowser, useCookie as useTheCookie } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const pictures = process.env['LIFEBOAT_TEST_PICTURES'];
const long = 'Wolfeschlegelsteinhausenbergerdorff^Hubert-Blaine-Adolph-Charles';
const arabic = 'العلي^محمد عبد الله';
const hebrew = 'כהן^שרה';
const override = '\u202Eevil^reversed';

const image = (n: number, patientName: string, patientID = `P-${n}`) =>
  smallImage({ study: `2.25.88.${n}`, series: `2.25.88.${n}.1`, sop: `2.25.88.${n}.1.1`, patientName, patientID });

describe.skipIf(!chromiumAvailable())('the list of patients in good and bad hours, in a browser', () => {
  let router: TestRouter;
  let proxy: TcpProxy;
  let browser: TestBrowser;
  let page: Page;
  let base: string;

  const body = () => page.innerText('body');
  const shows = (wanted: string | RegExp) => page.getByText(wanted).first().waitFor({ timeout: 30_000 });
  const names = () => page.locator('.worklist-open strong').allInnerTexts();
  const search = () => page.getByRole('searchbox');
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest('[data-study]')?.getAttribute('data-study'));
  const picture = async (name: string) => {
    for (const [width, height] of [
      [2560, 1440],
      [1366, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      const overflow = await page.evaluate(() => {
        const main = document.querySelector('.shell-main') ?? document.documentElement;
        return main.scrollWidth - main.clientWidth;
      });
      expect(overflow, `${name} at ${width} scrolls sideways`).toBeLessThanOrEqual(0);
      if (pictures) await page.screenshot({ path: join(pictures, `live-${name}-${width}.png`) });
    }
  };
  const fresh = async () => {
    await page.goto(`${base}/`);
    await page.getByRole('link', { name: 'Patients' }).click();
  };

  beforeAll(async () => {
    router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'] });
    proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(router.url).port) });
    base = `http://127.0.0.1:${proxy.port}`;
    browser = await startBrowser();
    await useTheCookie(browser.context, base, (await router.login()).cookie);
    page = await browser.page();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.stop();
    await router?.close();
  });
  beforeEach(async () => {
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.bringToFront();
  });

  it('says how a first image gets here while there is none', async () => {
    await fresh();
    await shows('No images have arrived yet.');
    await shows(new RegExp(`AE title ${router.aeTitle}, host 127.0.0.1, port ${router.dicomPort}`));
    await picture('empty');
  });

  it('counts while it waits for the list, and says why there is none', async () => {
    await keepFiles(router.router.context.archive, [image(1, 'First^Flora')]);
    let held: (() => void) | undefined;
    await page.route('**/api/worklist', async (route) => {
      await new Promise<void>((resolve) => {
        held = resolve;
      });
      await route.fulfill({ status: 503, json: { code: 'DATABASE_UNAVAILABLE', message: 'The catalogue is away.' } });
    });
    await fresh();
    await shows(/Reading the list( of \d+ (study|studies))?: [1-9] s so far/);
    await picture('loading');
    held?.();
    await shows('The list could not be read: The catalogue is away.');
    await picture('failed');
    await page.unroute('**/api/worklist');
    await expect.poll(names, { timeout: 20_000 }).toEqual(['First, Flora']);
    expect(await body()).not.toContain('could not be read');
  });

  it('offers the way out when nothing matches', async () => {
    await fresh();
    await search().fill('Flora');
    await page.getByLabel('Modality').selectOption('MR');
    await shows('No study matches.');
    await picture('no-match');
    await page.getByRole('button', { name: 'Search “Flora” in all dates, modalities and senders' }).click();
    await expect.poll(names).toEqual(['First, Flora']);
    expect(await search().inputValue()).toBe('Flora');
    await search().fill('nobody');
    await page.getByRole('button', { name: 'Show all studies' }).click();
    await expect.poll(names).toEqual(['First, Flora']);
    expect(await search().inputValue()).toBe('');
  });

  it('opens with Enter what was typed, not the answer to what was typed before', async () => {
    await keepFiles(router.router.context.archive, [image(2, 'Second^Sven')]);
    await fresh();
    await search().fill('Flora');
    await expect.poll(names).toEqual(['First, Flora']);
    await page.route('**/api/worklist', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      await route.continue();
    });
    await search().fill('Sven');
    await search().press('Enter');
    await page.waitForURL(/viewer\?StudyInstanceUIDs=/);
    expect(page.url()).toContain('2.25.88.2');
  });

  it('is used by keyboard alone, and shows where the focus is', async () => {
    await fresh();
    await expect.poll(names).toHaveLength(2);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('ArrowDown');
    const first = await focused();
    await page.keyboard.press('End');
    expect(await focused()).not.toBe(first);
    await page.keyboard.press('Home');
    expect(await focused()).toBe(first);
    const mark = await page.locator('.worklist-open:focus').evaluate((link) => getComputedStyle(link).outlineStyle);
    expect(mark).toBe('solid');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => search().evaluate((box) => box === document.activeElement)).toBe(true);
    await page.keyboard.type('Flora');
    await expect.poll(names).toEqual(['First, Flora']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    expect(await search().evaluate((box) => box === document.activeElement)).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(names).toHaveLength(2);
    expect(await search().inputValue()).toBe('');
  });

  it('keeps every name and number readable at any width, in any direction of writing', async () => {
    const hostile = [
      image(11, long, '0123456789'.repeat(6)),
      image(12, `${arabic}=山田^太郎`),
      image(13, hebrew, 'א-77'),
      image(14, override),
    ];
    await keepFiles(router.router.context.archive, hostile);
    await fresh();
    await expect.poll(names).toHaveLength(6);
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('.worklist-table td')].flatMap((cell) =>
        cell.scrollWidth > cell.clientWidth + 1 ? [cell.textContent] : [],
      ),
    );
    expect(cut, 'cut off at 1366').toEqual([]);
    expect((await names()).join('|')).toContain('evil, reversed');
    expect((await names()).join('|')).toContain('Wolfeschlegelsteinhausenbergerdorff, Hubert-Blaine-Adolph-Charles');
    for (const cell of await page.locator('.worklist-open strong, .worklist-table bdi').all())
      expect(await cell.evaluate((element) => getComputedStyle(element).unicodeBidi)).toBe('isolate');
    const direction = (name: string) =>
      page
        .locator('.worklist-open strong', { hasText: name })
        .evaluate((element) => getComputedStyle(element).direction);
    expect(await direction('כהן')).toBe('rtl');
    expect(await direction('Flora')).toBe('ltr');
    await picture('names');
  });

  it('takes in new studies without moving what one reads, the focus or the words being typed', async () => {
    const { archive } = router.router.context;
    await keepFiles(
      archive,
      Array.from({ length: 120 }, (_, n) => image(100 + n, `Patient^Number ${n}`)),
    );
    await fresh();
    await page.getByRole('button', { name: 'Arrived' }).click();
    await shows('1 to 50 of 126 studies');
    await page.locator('[aria-sort=descending]', { hasText: 'Arrived' }).waitFor();
    await page.locator('[aria-busy=false] .worklist-open').first().waitFor();
    await picture('many');
    await page.locator('.worklist-open').nth(30).focus();
    const study = await focused();
    const top = () =>
      page.locator('.worklist-open:focus').evaluate((link) => Math.round(link.getBoundingClientRect().top));
    const before = await top();
    await keepFiles(archive, [image(900, 'Newcomer^Nora')]);
    await expect.poll(async () => (await names())[0], { timeout: 20_000 }).toBe('Newcomer, Nora');
    expect(await focused()).toBe(study);
    expect(Math.abs((await top()) - before)).toBeLessThan(3);
    await page.locator('.worklist-open').last().focus();
    await keepFiles(archive, [image(901, 'Newcomer^Nils')]);
    await expect.poll(async () => (await names())[0], { timeout: 20_000 }).toBe('Newcomer, Nils');
    expect(await focused()).toBe(await page.locator('[data-study]').last().getAttribute('data-study'));
    await search().fill('Newco');
    await expect.poll(names).toHaveLength(2);
    await keepFiles(archive, [image(902, 'Newcomer^Nina')]);
    await page.keyboard.type('mer');
    await expect.poll(names, { timeout: 20_000 }).toHaveLength(3);
    expect(await search().inputValue()).toBe('Newcomer');
    expect(await search().evaluate((box: HTMLInputElement) => box.selectionStart)).toBe(8);
  });

  it('says since when it hears nothing, shows nothing as fresh meanwhile, and catches up by itself', async () => {
    const { archive } = router.router.context;
    await fresh();
    await search().fill('Newcomer');
    await expect.poll(names).toHaveLength(3);
    await keepFiles(archive, [image(903, 'Newcomer^Noel')]);
    await expect.poll(names, { timeout: 20_000 }).toHaveLength(4);
    expect(await body()).toContain('receiving');
    proxy.freeze();
    await shows(/No connection to Lifeboat since \d\d:\d\d:\d\d\. The list below is as it was then/);
    expect(await names()).toHaveLength(4);
    expect(await body()).not.toContain('receiving');
    await picture('lost');
    await search().fill('Flora');
    await shows('Searching waits for the connection');
    expect(await names(), 'rows of another search').toEqual([]);
    await picture('lost-search');
    await search().fill('Newcomer');
    await keepFiles(archive, [image(904, 'Newcomer^Nell')]);
    proxy.thaw();
    await expect.poll(names, { timeout: 30_000 }).toHaveLength(5);
    await expect.poll(body, { timeout: 20_000 }).not.toContain('No connection');
    expect(await search().inputValue()).toBe('Newcomer');
  });
});
