import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSeries, ctSliceDataSet, TEST_STUDY } from '../../phantoms/ct.ts';
import { writePart10 } from '../../phantoms/part10-writer.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { usCine } from '../../phantoms/us.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import {
  eventually,
  panePictures,
  paneSum,
  type ReadingPage,
  shown,
  startReadingPage,
} from '../support/reading-page.ts';

const matrix = { rows: 64, columns: 64 };
/** mm between rows and between columns: pixels twice as wide as high. */
const SPACING: [number, number] = [2, 4];
const flat = { ...TEST_STUDY, name: 'tools flat', patientID: 'TOOLS-1' };
const thorax = { ...TEST_STUDY, name: 'tools thorax', patientID: 'TOOLS-2' };
const thoraxPrior = { ...thorax, name: 'tools thorax prior', date: '20240301', accessionNumber: 'T0' };
const heart = { ...TEST_STUDY, name: 'tools heart', patientID: 'TOOLS-3', description: 'Echo' };

interface Place {
  x: number;
  y: number;
}

/** Where the picture's pixels lie: CSS pixels of the page for a place in the picture, when it fits and is not turned. */
async function placeOnScreen(page: Page, width: number, height: number): Promise<(at: Place) => Place> {
  const box = (await page.locator('canvas.picture').first().boundingBox())!;
  const scale = Math.min(box.width / width, box.height / height);
  return ({ x, y }) => ({
    x: box.x + box.width / 2 + (x - width / 2) * scale,
    y: box.y + box.height / 2 + (y - height / 2) * scale,
  });
}

async function drag(page: Page, from: Place, to: Place, button: 'left' | 'middle' | 'right' = 'left'): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down({ button });
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2);
  await page.mouse.move(to.x, to.y);
  await page.mouse.up({ button });
}

async function measured(page: Page, n = 0): Promise<number> {
  return Number.parseFloat((await page.locator('.measurements text').nth(n).textContent()) ?? '');
}

/** Percentage that the corner says the picture is shown at. */
async function zoomText(page: Page): Promise<number> {
  return Number.parseFloat(/(\d+) %/.exec(await page.locator('.corner-bottom-right').first().innerText())![1]!);
}

describe.skipIf(!chromiumAvailable())('tools of the reading page', () => {
  let reading: ReadingPage;

  beforeAll(async () => {
    reading = await startReadingPage();
    const { archive } = reading.router.router.context;
    const slice = { ...ctSliceDataSet({ ...matrix, study: flat }), '00280030': ['DS', ...SPACING] as const };
    await keepFiles(archive, [writePart10(slice)]);
    await keepFiles(archive, ctSeries(12, { ...matrix, study: thorax }));
    await keepFiles(archive, ctSeries(8, { ...matrix, study: thorax, seriesNumber: 2, seed: 3 }));
    await keepFiles(archive, ctSeries(10, { ...matrix, study: thoraxPrior, seed: 2 }));
    await keepFiles(archive, [usCine({ rows: 96, columns: 128, frames: 12, study: heart })]);
  });
  afterAll(async () => {
    await reading?.close();
  });

  it('measures the length that was drawn, in millimetres of the patient, along both axes of a pixel that is no square', async () => {
    const { page } = reading;
    await reading.open(uidFrom(flat.name));
    // The picture is 64 pixels of 4 mm wide and 64 of 2 mm high: shown twice as wide as high.
    const at = await placeOnScreen(page, 64 * SPACING[1], 64 * SPACING[0]);
    await page.keyboard.press('l');
    await drag(page, at({ x: 40, y: 20 }), at({ x: 200, y: 20 }));
    expect(Math.abs((await measured(page, 0)) - 160)).toBeLessThan(1);
    await drag(page, at({ x: 60, y: 30 }), at({ x: 60, y: 110 }));
    expect(Math.abs((await measured(page, 1)) - 80)).toBeLessThan(1);
    await drag(page, at({ x: 100, y: 40 }), at({ x: 160, y: 120 }));
    expect(Math.abs((await measured(page, 2)) - 100)).toBeLessThan(1);
    // The same numbers when the picture is larger, turned and mirrored.
    for (const key of ['+', 'r', 'f']) await page.keyboard.press(key);
    expect(Math.abs((await measured(page, 2)) - 100)).toBeLessThan(1);
    await page.keyboard.press('Delete');
    await eventually(() => page.locator('.measurements text').count()).toBe(0);
  });

  it('moves an end of a length with the mouse', async () => {
    const { page } = reading;
    await reading.open(uidFrom(flat.name));
    const at = await placeOnScreen(page, 64 * SPACING[1], 64 * SPACING[0]);
    await page.keyboard.press('l');
    await drag(page, at({ x: 40, y: 20 }), at({ x: 100, y: 20 }));
    await page.keyboard.press('s');
    await drag(page, at({ x: 100, y: 20 }), at({ x: 140, y: 20 }));
    expect(await page.locator('.measurements text').count()).toBe(1);
    expect(Math.abs((await measured(page)) - 100)).toBeLessThan(1);
    await drag(page, at({ x: 40, y: 20 }), at({ x: 140, y: 95 }));
    expect(Math.abs((await measured(page)) - 75)).toBeLessThan(1);
  });

  it('measures the angle that was drawn, in the true proportions of the patient', async () => {
    const { page } = reading;
    await reading.open(uidFrom(flat.name));
    const at = await placeOnScreen(page, 64 * SPACING[1], 64 * SPACING[0]);
    await page.keyboard.press('a');
    const corner = { x: 100, y: 60 };
    for (const [n, [end, degrees]] of (
      [
        [{ x: 140, y: 60 }, 180],
        [{ x: 100, y: 20 }, 90],
        [{ x: 100 - 40 * Math.cos(Math.PI / 6), y: 60 + 40 * Math.sin(Math.PI / 6) }, 30],
      ] as const
    ).entries()) {
      const start = { x: 60 - n * 8, y: 60 };
      await drag(page, at(start), at(corner));
      await drag(page, at({ x: end.x + 15, y: end.y + 15 }), at(end));
      expect(Math.abs((await measured(page)) - degrees)).toBeLessThan(1);
      await page.keyboard.press('Delete');
    }
  });

  it('drops an angle of which one side is drawn when Escape is pressed, and keeps the window', async () => {
    const { page } = reading;
    await reading.open(uidFrom(flat.name));
    const at = await placeOnScreen(page, 64 * SPACING[1], 64 * SPACING[0]);
    await page.keyboard.press('3');
    await page.locator('.window-text', { hasText: 'C -600 W 1500' }).waitFor();
    await page.keyboard.press('a');
    await drag(page, at({ x: 60, y: 60 }), at({ x: 100, y: 60 }));
    expect(await page.locator('.measurements polyline').count()).toBe(1);
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('.measurements polyline').count()).toBe(0);
    expect(await page.locator('.window-text').innerText()).toBe('C -600 W 1500');
  });

  it('enlarges what is under the mouse while the lens is held, and only there', async () => {
    const { page } = reading;
    await reading.open(uidFrom(thorax.name));
    const before = await paneSum(page);
    await page.keyboard.press('m');
    const box = (await page.locator('canvas.picture').first().boundingBox())!;
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const column = (dx: number) =>
      page.evaluate((offset) => {
        const canvas = document.querySelector<HTMLCanvasElement>('canvas.picture')!;
        const { data } = canvas.getContext('2d')!.getImageData(canvas.width / 2 + offset, 0, 1, canvas.height);
        return [...data].filter((_, i) => i % 4 === 0);
      }, dx);
    const outside = await column(-260);
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await eventually(() => paneSum(page)).not.toBe(before);
    await page.getByText('Lens 2.5 times').waitFor();
    expect(await column(-260)).toEqual(outside);
    // What was 20 pixels from the middle is now 50 away.
    const [lens, plain] = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.picture')!;
      const { data } = canvas.getContext('2d')!.getImageData(canvas.width / 2 + 50, canvas.height / 2, 1, 1);
      return [data[0]!, canvas.dataset['picture']];
    });
    expect(plain).toContain('#1');
    await page.mouse.up();
    await eventually(() => paneSum(page)).toBe(before);
    const small = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.picture')!;
      return canvas.getContext('2d')!.getImageData(canvas.width / 2 + 20, canvas.height / 2, 1, 1).data[0]!;
    });
    expect(Math.abs(Number(lens) - small)).toBeLessThan(12);
  });

  it('pans with the middle button and with Shift, zooms with Ctrl and drag or wheel', async () => {
    const { page } = reading;
    await reading.open(uidFrom(thorax.name));
    const box = (await page.locator('canvas.picture').first().boundingBox())!;
    const from = { x: box.x + 300, y: box.y + 300 };
    const fit = await zoomText(page);
    const first = await paneSum(page);
    await drag(page, from, { x: from.x + 60, y: from.y + 20 }, 'middle');
    await eventually(() => paneSum(page)).not.toBe(first);
    expect(await zoomText(page)).toBe(fit);
    await page.keyboard.down('Shift');
    await drag(page, { x: from.x + 60, y: from.y + 20 }, from);
    await page.keyboard.up('Shift');
    await eventually(() => paneSum(page)).toBe(first);
    await page.keyboard.down('Control');
    await drag(page, from, { x: from.x, y: from.y - 80 });
    await eventually(() => zoomText(page)).toBeGreaterThan(fit);
    const dragged = await zoomText(page);
    await page.mouse.wheel(0, 200);
    await page.keyboard.up('Control');
    await eventually(() => zoomText(page)).toBeLessThan(dragged);
    await page.keyboard.press('0');
    await eventually(() => paneSum(page)).toBe(first);
    await page.keyboard.press('+');
    await eventually(() => zoomText(page)).toBeGreaterThan(fit);
    await page.keyboard.press('-');
    await eventually(() => paneSum(page)).toBe(first);
  });

  it('plays at the rate that the object tells', async () => {
    const { page } = reading;
    await page.addInitScript(() => {
      const delays: number[] = [];
      const original = window.setInterval;
      Object.assign(window, {
        intervals: delays,
        setInterval: (...given: Parameters<typeof setInterval>) => {
          delays.push(Number(given[1]));
          return original(...given);
        },
      });
    });
    await reading.open(uidFrom(heart.name));
    await page.keyboard.press(' ');
    // Recommended Display Frame Rate (0008,2144) of the phantom.
    await page.locator('.corner-bottom-left').getByText('30 frames/s', { exact: true }).waitFor();
    const delays = await page.evaluate(() => (window as unknown as { intervals: number[] }).intervals);
    expect(delays.map(Math.round)).toContain(33);
    await page.waitForFunction(() => !/^1 \//.test(document.querySelector('.slice')?.textContent ?? ''));
    await page.keyboard.press(' ');
    await reading.open(uidFrom(thorax.name));
    await page.keyboard.press(' ');
    await page.locator('.corner-bottom-left', { hasText: '15 frames/s (assumed' }).waitFor();
    await page.keyboard.press(' ');
  });

  it('shows two studies in four panes, each under its own name and date, and works on the active pane alone', async () => {
    const { page } = reading;
    const [current, prior] = [uidFrom(thorax.name), uidFrom(thoraxPrior.name)];
    await reading.open(current, prior);
    await page.getByLabel('Layout').selectOption('2x2');
    for (const pane of [0, 1, 2]) await shown(page, pane);
    const texts = await page.locator('.corner-top-right').allInnerTexts();
    const pictures = await panePictures(page);
    expect(pictures).toHaveLength(4);
    expect(pictures.filter((id) => id.includes(prior)).length).toBe(1);
    for (const [i, text] of texts.entries())
      expect(text).toContain(pictures[i]!.includes(prior) ? '2024-03-01' : '2026-01-05');
    await page.locator('.pane').nth(3).getByText('Drag a series here').waitFor();
    await page.locator('.study-series').nth(1).locator('.series').first().dragTo(page.locator('.pane').nth(3));
    await shown(page, 3);
    expect((await panePictures(page))[3]).toContain(prior);
    const [first, second] = [await paneSum(page, 0), await paneSum(page, 1)];
    await page.locator('.pane').nth(1).click();
    await page.keyboard.press('3');
    await page.keyboard.press('ArrowDown');
    await page.locator('.pane').nth(1).locator('.slice', { hasText: /^2 \// }).waitFor();
    await eventually(() => paneSum(page, 1)).not.toBe(second);
    expect(await paneSum(page, 0)).toBe(first);
    expect(await page.locator('.pane').nth(0).locator('.slice').innerText()).toMatch(/^1 \//);
    expect(await page.locator('.pane').nth(1).getAttribute('aria-current')).toBe('true');
    expect(await page.locator('.pane').nth(1).getAttribute('aria-label')).toMatch(/^Pane 2 of 4: CT #1/);
  });

  it('lists every key of the toolbar in the help', async () => {
    const { page } = reading;
    await reading.open(uidFrom(thorax.name));
    const hints = await page
      .locator('.tool[title]')
      .evaluateAll((tools) => tools.map((tool) => tool.getAttribute('title')!));
    await page.keyboard.press('?');
    const listed = await page.locator('.help kbd').allInnerTexts();
    for (const hint of hints) {
      const key = /\(([^)]+)\)$/.exec(hint)?.[1];
      expect(listed, hint).toContain(key);
    }
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('.help').count()).toBe(0);
  });

  it('works without errors in the page', () => {
    expect(reading.complaints).toEqual([]);
  });
});
