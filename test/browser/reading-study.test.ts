import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorklistAnswer } from '../../contract/api.ts';
import { sampleStudies } from '../../phantoms/sample-studies.ts';
import { chromiumAvailable, startBrowser, type TestBrowser, useCookie } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

/** Mean grey level of the pane's picture in a square around a point given in fractions of the pane. */
async function brightness(page: Page, x = 0.5, y = 0.5): Promise<number> {
  return await page.evaluate(
    ([fx, fy]) => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.picture')!;
      const { data } = canvas.getContext('2d')!.getImageData(canvas.width * fx! - 20, canvas.height * fy! - 20, 40, 40);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i]!;
      return sum / (data.length / 4);
    },
    [x, y],
  );
}

/** Checksum of what the pane shows. */
async function paneSum(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.picture')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i]!) >>> 0;
    return sum;
  });
}

async function shownPicture(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelector<HTMLElement>('canvas.picture')?.dataset['picture']?.includes('#') &&
      !document.querySelector('#first-image'),
  );
}

describe.skipIf(!chromiumAvailable())('reading page', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;
  const complaints: string[] = [];
  const studies = new Map<string, string>();

  beforeAll(async () => {
    router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'] });
    for (const study of sampleStudies({ scale: 0.25 })) {
      await keepFiles(router.router.context.archive, study.instances());
      if (!studies.has(study.modality)) studies.set(study.modality, study.study.studyInstanceUID);
    }
    const person = await router.login();
    const { rows } = await person.json<WorklistAnswer>('/api/worklist?limit=50');
    expect(rows.length).toBeGreaterThanOrEqual(4);
    browser = await startBrowser();
    await useCookie(browser.context, router.url, person.cookie);
    page = await browser.page();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
    });
  });

  afterAll(async () => {
    await browser?.close();
    await router?.close();
  });

  async function open(modality: string): Promise<void> {
    await page.goto(`${router.url}/viewer?StudyInstanceUIDs=${studies.get(modality)}`);
    await shownPicture(page);
  }

  it('shows the first slice with who, what and where written on it', async () => {
    await open('CT');
    expect(await page.locator('.corner-top-left').textContent()).toMatch(/SAMPLE/);
    expect(await page.locator('.slice').textContent()).toMatch(/^1 \/ \d+$/);
    expect(await page.locator('.flag-sample').textContent()).toBe('SAMPLE');
    expect(await page.locator('.marker-right').textContent()).toBe('L');
    expect(await page.locator('.marker-bottom').textContent()).toBe('P');
    expect(await page.locator('.ruler').textContent()).toMatch(/mm/);
    expect(await page.locator('.study-series').first().textContent()).toMatch(
      /All \d+ objects in the store can be shown/,
    );
  });

  it('scrolls by keys and by wheel to other pixels', async () => {
    await open('CT');
    const first = await paneSum(page);
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowDown');
    await page.locator('.slice', { hasText: /^4 \// }).waitFor();
    await page.waitForFunction(() => !document.querySelector('.pane-note'));
    expect(await paneSum(page)).not.toBe(first);
    await page.locator('[data-testid=pane]').hover();
    await page.mouse.wheel(0, -100);
    await page.locator('.slice', { hasText: /^3 \// }).waitFor();
    await page.keyboard.press('Home');
    await page.locator('.slice', { hasText: /^1 \// }).waitFor();
    await expect.poll(() => paneSum(page), { timeout: 10_000 }).toBe(first);
  });

  it('windows by preset and by right drag, inverts and resets', async () => {
    await open('CT');
    const sent = await paneSum(page);
    await page.keyboard.press('3');
    await page.locator('.window-text', { hasText: 'C -600 W 1500' }).waitFor();
    const pane = (await page.locator('[data-testid=pane]').boundingBox())!;
    await page.mouse.move(pane.x + 300, pane.y + 300);
    await page.mouse.down({ button: 'right' });
    await page.mouse.move(pane.x + 400, pane.y + 300, { steps: 4 });
    await page.mouse.up({ button: 'right' });
    const text = await page.locator('.window-text').textContent();
    expect(Number(/W (\d+)/.exec(text ?? '')?.[1])).toBeGreaterThan(1500);
    await page.keyboard.press('0');
    await expect.poll(() => paneSum(page), { timeout: 10_000 }).toBe(sent);
    const corner = await brightness(page, 0.5, 0.5);
    await page.keyboard.press('i');
    await expect
      .poll(async () => Math.abs((await brightness(page)) - (255 - corner)), { timeout: 10_000 })
      .toBeLessThan(3);
  });

  it('measures a length in millimetres', async () => {
    await open('CT');
    await page.keyboard.press('l');
    const pane = (await page.locator('[data-testid=pane]').boundingBox())!;
    const ruler = (await page.locator('.ruler').boundingBox())!;
    const millimetres = Number(/(\d+) mm/.exec((await page.locator('.ruler').textContent())!)![1]);
    await page.mouse.move(pane.x + 300, pane.y + 200);
    await page.mouse.down();
    await page.mouse.move(pane.x + 300 + ruler.width, pane.y + 200, { steps: 5 });
    await page.mouse.up();
    const measured = Number.parseFloat((await page.locator('.measurements text').textContent())!);
    expect(Math.abs(measured - millimetres)).toBeLessThan(millimetres * 0.03);
  });

  it('turns the letters with the picture', async () => {
    await open('CT');
    await page.keyboard.press('r');
    await page.locator('.marker-bottom', { hasText: 'L' }).waitFor();
    expect(await page.locator('.marker-right').textContent()).toBe('A');
    await page.keyboard.press('0');
    await page.keyboard.press('f');
    await page.locator('.marker-right', { hasText: 'R' }).waitFor();
  });

  it('plays a multi-frame object at its own rate', async () => {
    await open('US');
    expect(await page.locator('.series').first().textContent()).toMatch(/\d+ frames/);
    const before = await paneSum(page);
    await page.keyboard.press(' ');
    await page.locator('.corner-bottom-left', { hasText: 'frames/s' }).waitFor();
    await page.waitForFunction(() => !/^1 \//.test(document.querySelector('.slice')?.textContent ?? ''));
    await page.keyboard.press(' ');
    expect(await paneSum(page)).not.toBe(before);
  });

  it('lists another study of the patient and opens it beside', async () => {
    await open('CT');
    await page.locator('.prior').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.study-series').length === 2);
    await page.getByLabel('Layout').selectOption('1x2');
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLElement>('canvas.picture')].filter((c) => c.dataset['picture']?.includes('#'))
          .length === 2,
    );
  });

  it('says so in words when the study is not on board', async () => {
    await page.goto(`${router.url}/viewer?StudyInstanceUIDs=1.2.3.4.5`);
    await page.getByText('This study is not on board').waitFor();
  });

  it('shows its keys under ?', async () => {
    await open('CT');
    await page.keyboard.press('?');
    await page.getByText('ten images on or back').waitFor();
    await page.keyboard.press('Escape');
  });

  it('works under the Content-Security-Policy without errors in the page', () => {
    expect(complaints).toEqual([]);
  });
});
