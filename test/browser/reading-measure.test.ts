import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSliceDataSet, TEST_STUDY } from '../../phantoms/ct.ts';
import { writePart10 } from '../../phantoms/part10-writer.ts';
import { littleEndianBytes } from '../../phantoms/patient.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { eventually, type ReadingPage, startReadingPage } from '../support/reading-page.ts';

const [rows, columns] = [100, 100];
const study = { ...TEST_STUDY, name: 'measure disc', patientID: 'MEASURE-1' };
/** A disc of 60 pixels across in the middle: 200 HU, outside of it 0; pixels of 0.5 mm. */
const radius = 30;

function disc(): Uint8Array {
  const pixels = new Int16Array(rows * columns);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      pixels[y * columns + x] = Math.hypot(x + 0.5 - 50, y + 0.5 - 50) <= radius ? 1224 : 1024;
  return writePart10({
    ...ctSliceDataSet({ rows, columns, study }),
    '00280030': ['DS', 0.5, 0.5],
    '7FE00010': ['OW', littleEndianBytes(pixels)],
  });
}

interface Place {
  x: number;
  y: number;
}

async function onScreen(page: Page): Promise<(x: number, y: number) => Place> {
  const box = (await page.locator('canvas.picture').first().boundingBox())!;
  const scale = Math.min(box.width, box.height) / rows;
  return (x, y) => ({ x: box.x + box.width / 2 + (x - 50) * scale, y: box.y + box.height / 2 + (y - 50) * scale });
}

async function drag(page: Page, ...places: Place[]): Promise<void> {
  await page.mouse.move(places[0]!.x, places[0]!.y);
  await page.mouse.down();
  for (const { x, y } of places.slice(1)) await page.mouse.move(x, y);
  await page.mouse.up();
}

const said = (page: Page) => page.locator('.measurements g').last().locator('tspan').allTextContents();
const numbers = (text: string | undefined) => (text?.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);

describe.skipIf(!chromiumAvailable())('measuring', () => {
  let reading: ReadingPage;

  beforeAll(async () => {
    reading = await startReadingPage();
    await keepFiles(reading.router.router.context.archive, [disc()]);
    await reading.open(uidFrom(study.name));
  });
  afterAll(async () => {
    await reading?.close();
  });

  it('an ellipse on the disc says its area in mm², the mean and the deviation in HU', async () => {
    const { page } = reading;
    const at = await onScreen(page);
    await page.keyboard.press('e');
    await drag(page, at(25, 25), at(40, 60), at(75, 75));
    const lines = await said(page);
    expect(lines[0]).toMatch(/mm²$/);
    expect(Math.abs(numbers(lines[0])[0]! - Math.PI * 12.5 ** 2)).toBeLessThan(8);
    expect(lines[1]).toBe('Mean 200.0 SD 0.0000 HU');
  });

  it('a rectangle from the list of tools, larger than the disc, has the mixture’s mean', async () => {
    const { page } = reading;
    const at = await onScreen(page);
    await page.getByRole('button', { name: /^Ellipse/ }).click();
    await page.locator('.menu-item', { hasText: 'Rectangle' }).click();
    await drag(page, at(20, 20), at(50, 30), at(80, 80));
    const [area, values] = await said(page);
    expect(Math.abs(numbers(area)[0]! - 30 * 30)).toBeLessThan(12);
    expect(Math.abs(numbers(values)[0]! - 200 * (Math.PI / 4))).toBeLessThan(3);
  });

  it('two diameters, a Cobb angle, a line by hand and the value of a pixel', async () => {
    const { page } = reading;
    const at = await onScreen(page);
    await page.keyboard.press('d');
    await drag(page, at(50, 40), at(50, 60));
    await drag(page, at(10, 50), at(70, 50));
    const [two] = await said(page);
    expect(two).toMatch(/mm$/);
    expect(numbers(two)[0]).toBeCloseTo(30, 0);
    expect(numbers(two)[1]).toBeCloseTo(10, 0);
    await page.keyboard.press('c');
    await drag(page, at(20, 10), at(60, 10));
    await drag(page, at(20, 90), at(20 + 40 * Math.cos(Math.PI / 6), 90 - 40 * Math.sin(Math.PI / 6)));
    expect(numbers((await said(page))[0])[0]).toBeCloseTo(30, 0);
    await page.keyboard.press('h');
    await drag(page, at(45, 45), at(55, 45), at(55, 55), at(45, 55));
    const [area, values] = await said(page);
    expect(numbers(area)[0]).toBeCloseTo(25, 0);
    expect(values).toContain('Mean 200.0');
    await page.keyboard.press('x');
    await drag(page, at(5.4, 95.4));
    expect((await said(page))[0]).toBe('0.0000 HU (6, 96)');
  });

  it('an arrow with its words, written at once; keys of the page do not get them', async () => {
    const { page } = reading;
    const at = await onScreen(page);
    await page.keyboard.press('j');
    await drag(page, at(70, 30), at(90, 15));
    await page.getByLabel('Text of the mark').fill('seen first today');
    await page.keyboard.press('Enter');
    expect(await said(page)).toEqual(['seen first today']);
  });

  it('takes back one after another, and does it again', async () => {
    const { page } = reading;
    const count = () => page.locator('.measurements g').count();
    const all = await count();
    await page.keyboard.press('u');
    await eventually(count).toBe(all - 1);
    await page.keyboard.press('u');
    await eventually(count).toBe(all - 2);
    await page.keyboard.press('y');
    await page.keyboard.press('Control+Shift+Z');
    await eventually(count).toBe(all);
    expect(await said(page)).toEqual(['seen first today']);
    await page.keyboard.press('Delete');
    await eventually(count).toBe(0);
    await page.keyboard.press('Control+z');
    await eventually(count).toBe(all);
    expect(reading.complaints).toEqual([]);
  });
});
