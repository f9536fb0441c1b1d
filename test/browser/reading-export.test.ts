import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSeries, TEST_STUDY } from '../../phantoms/ct.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { eventually, panePictures, type ReadingPage, shown, startReadingPage } from '../support/reading-page.ts';

const size = { rows: 64, columns: 64 };
const study = { ...TEST_STUDY, name: 'export pane', patientID: 'TAKE-1', patientName: 'SAMPLE^Takeaway' };
const other = { ...TEST_STUDY, name: 'export other', patientID: 'TAKE-2', patientName: 'SAMPLE^Other' };

async function openDialog(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^More/ }).click();
  await page.getByText('Export and print…').click();
  await page.getByText('Image as PNG').waitFor();
}

const first = Buffer.from([...ctSeries(6, { ...size, study })][0]!);
/** Where its pixels begin: they are the last element. */
const pixels = first.length - 2 * 64 * 64;

describe.skipIf(!chromiumAvailable())('taking away and the second window', () => {
  let reading: ReadingPage;

  beforeAll(async () => {
    reading = await startReadingPage();
    const { archive } = reading.router.router.context;
    await keepFiles(archive, ctSeries(6, { ...size, study }));
    await keepFiles(archive, ctSeries(6, { ...size, study, seriesNumber: 2, seed: 2, seriesDescription: 'Second' }));
    await keepFiles(archive, ctSeries(2, { ...size, study: other }));
    await reading.open(uidFrom(study.name));
  });
  afterAll(async () => {
    await reading?.close();
  });

  it('saves the image as PNG, pixel for pixel as it is windowed, without the patient in its name', async () => {
    const { page } = reading;
    await openDialog(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Image as PNG').click()]);
    expect(download.suggestedFilename()).toBe('lifeboat-CT-1-1.png');
    const bytes = await readFile(await download.path());
    // On a page without the viewer's policy, which forbids data addresses.
    const blank = await reading.browser.page();
    const saved = await blank.evaluate(async (base64) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
      const canvas = new OffscreenCanvas(image.width, image.height);
      canvas.getContext('2d')!.drawImage(image, 0, 0);
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, image.width, image.height);
      return { width: image.width, height: image.height, grey: [...data.filter((_, i) => i % 4 === 0)] };
    }, bytes.toString('base64'));
    await blank.close();
    expect([saved.width, saved.height]).toEqual([64, 64]);
    // Window C 40 W 400 (LINEAR) of the stored HU.
    const expected = Array.from({ length: 64 * 64 }, (_, i) => {
      const hu = first.readInt16LE(pixels + 2 * i) - 1024;
      return Math.round(255 * Math.min(1, Math.max(0, (hu - 39.5) / 399 + 0.5)));
    });
    expect(saved.grey).toEqual(expected);
  });

  it('prints the panes with the patient, the place in the series and the note that it is not for diagnosis', async () => {
    const { page } = reading;
    await page.evaluate(() => {
      window.print = () => undefined;
    });
    await page.getByRole('button', { name: 'Print sheet of all panes' }).click();
    await page.emulateMedia({ media: 'print' });
    const sheet = page.locator('.print-sheet');
    expect(await sheet.isVisible()).toBe(true);
    expect(await page.locator('.reading').isVisible()).toBe(false);
    expect(await sheet.innerText()).toMatch(/not for diagnosis[\s\S]*SAMPLE, Takeaway \(TAKE-1\)[\s\S]*1 \/ 6/);
    await page.emulateMedia({ media: null });
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    expect(await sheet.count()).toBe(0);
  });

  it('gives the series as ZIP, and a teaching copy only to who has looked for burned-in names', async () => {
    const { page } = reading;
    const [zip] = await Promise.all([page.waitForEvent('download'), page.getByText('This series as ZIP').click()]);
    expect((await readFile(await zip.path())).includes('DICOMDIR')).toBe(true);
    const teaching = page.getByText('Teaching copy of this series');
    expect(await teaching.getAttribute('href')).toBeNull();
    await page.getByLabel(/I have looked at every image/).check();
    const [copy] = await Promise.all([page.waitForEvent('download'), teaching.click()]);
    const bytes = await readFile(await copy.path());
    expect(bytes.includes('READ ME FIRST')).toBe(true);
    expect(bytes.includes('Takeaway')).toBe(false);
    await page.getByRole('button', { name: 'Close' }).click();
  });

  it('a second window takes series, follows the first where it is linked, changes the patient with it, closes with it', async () => {
    const { page, browser } = reading;
    await page.getByRole('button', { name: /^More/ }).click();
    const [second] = await Promise.all([browser.context.waitForEvent('page'), page.getByText('Second window').click()]);
    await shown(second);
    await page.locator('.series').nth(1).click();
    await shown(page);
    await page.getByRole('button', { name: /^More/ }).click();
    await page.getByText('Show this series in the second window').click();
    await second.locator('.corner-top-right', { hasText: 'Second' }).waitFor();
    await page.locator('.series').nth(0).click();
    await page.keyboard.press('ArrowDown');
    expect(await second.locator('.slice').innerText()).toBe('1 / 6');
    await page.keyboard.press('k');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('3');
    await second.locator('.slice', { hasText: '3 / 6' }).waitFor();
    await second.locator('.window-text', { hasText: 'W 1500' }).waitFor();
    await page.evaluate((uid) => {
      history.pushState(null, '', `./viewer?StudyInstanceUIDs=${uid}`);
      dispatchEvent(new PopStateEvent('popstate'));
    }, uidFrom(other.name));
    await shown(page);
    await second.locator('.corner-top-left', { hasText: 'Other' }).waitFor();
    expect((await panePictures(second)).every((id) => id === '' || id.includes(uidFrom(other.name)))).toBe(true);
    await page.goto('about:blank');
    await eventually(() => second.isClosed()).toBe(true);
    expect(reading.complaints).toEqual([]);
  });
});
