import type { Page, Route } from 'playwright-core';
import { expect } from 'vitest';
import { useCookie as signInAs, startBrowser, type TestBrowser } from './browser.ts';
import { startRouter, type TestRouter, type TestRouterOptions } from './router.ts';

/** A router, a browser in which the administrator is signed in, and hands for the reading page. */
export interface ReadingPage {
  router: TestRouter;
  browser: TestBrowser;
  page: Page;
  /** What the page complained of: errors and breaches of the Content-Security-Policy. */
  complaints: string[];
  /** Opens studies and waits until every first pane shows something. */
  open(...studies: string[]): Promise<void>;
  close(): Promise<void>;
}

export async function startReadingPage(options: TestRouterOptions = {}): Promise<ReadingPage> {
  const router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'], ...options });
  const person = await router.login();
  const browser = await startBrowser();
  await signInAs(browser.context, router.url, person.cookie);
  const page = await browser.page();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
  });
  return {
    router,
    browser,
    page,
    complaints,
    open: async (...studies) => {
      await page.goto(`${router.url}${addressOf(studies)}`);
      await shown(page);
    },
    close: async () => {
      await browser.close();
      await router.close();
    },
  };
}

export function addressOf(studies: readonly string[]): string {
  return `/viewer?StudyInstanceUIDs=${studies.join(',')}`;
}

/** Waits until pane `i` shows a picture and the stand-in of the first image is gone. */
export async function shown(page: Page, i = 0): Promise<void> {
  await page.waitForFunction(
    (pane) =>
      document.querySelectorAll<HTMLElement>('canvas.picture')[pane]?.dataset['picture']?.includes('#') &&
      !document.querySelector('#first-image'),
    i,
    { timeout: 30_000 },
  );
}

/** Goes to another address inside the page, as the browser's Back and Forward do. */
export async function goInPage(page: Page, studies: readonly string[]): Promise<void> {
  await page.evaluate((address) => {
    history.pushState(null, '', `.${address}`);
    dispatchEvent(new PopStateEvent('popstate'));
  }, addressOf(studies));
}

/** Key and frame of the picture that each pane shows, '' for none. */
export async function panePictures(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('canvas.picture')].map((canvas) => canvas.dataset['picture'] ?? ''),
  );
}

/** Whether there is anything but black in a pane. */
export async function isLit(page: Page, i = 0): Promise<boolean> {
  return await page.evaluate((pane) => {
    const canvas = document.querySelectorAll<HTMLCanvasElement>('canvas.picture')[pane]!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, at) => at % 4 !== 3 && value > 0);
  }, i);
}

/** Checksum of what a pane shows. */
export async function paneSum(page: Page, i = 0): Promise<number> {
  return await page.evaluate((pane) => {
    const canvas = document.querySelectorAll<HTMLCanvasElement>('canvas.picture')[pane]!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum = (sum * 31 + data[at]!) >>> 0;
    return sum;
  }, i);
}

/** Holds back the answers of the store for objects whose key contains one of `parts`. */
export async function holdObjects(page: Page, ...parts: string[]): Promise<{ release(): Promise<void> }> {
  const waiting: Route[] = [];
  let held = true;
  const hold = async (route: Route) => {
    if (held && parts.some((part) => route.request().url().includes(part))) waiting.push(route);
    else await route.fallback();
  };
  await page.route('**/objects/**', hold);
  return {
    release: async () => {
      held = false;
      await Promise.allSettled(waiting.map((route) => route.continue()));
      await page.unroute('**/objects/**', hold);
    },
  };
}

/** Expects something of a value that is still settling, on a slow machine too. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 15_000 });
}
