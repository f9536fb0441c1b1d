import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSeries, ctSliceDataSet, TEST_STUDY } from '../../phantoms/ct.ts';
import { type DataSet, writePart10 } from '../../phantoms/part10-writer.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { eventually, panePictures, type ReadingPage, shown, startReadingPage } from '../support/reading-page.ts';

const small = { rows: 64, columns: 64 };
const now = { ...TEST_STUDY, name: 'layout now', patientID: 'COMPARE-1' };
const prior = { ...now, name: 'layout prior', date: '20240301', accessionNumber: 'L0' };
const breasts = { ...TEST_STUDY, name: 'layout breasts', patientID: 'COMPARE-2', description: 'Mammography' };

/** A coronal plane through the thorax series' frame of reference. */
function coronal(): Uint8Array {
  const made = ctSliceDataSet({ ...small, study: now, seriesNumber: 3, seriesDescription: 'Coronal' });
  return writePart10({
    ...made,
    '00200032': ['DS', -252, 0, 120],
    '00200037': ['DS', 1, 0, 0, 0, 0, -1],
  });
}

function mammogram(n: number, laterality: string, view: string): Uint8Array {
  const made: DataSet = ctSliceDataSet({
    ...small,
    study: breasts,
    seriesNumber: n,
    seriesDescription: `${laterality} ${view}`,
  });
  const { '00200032': _position, '00200037': _orientation, ...flat } = made;
  return writePart10({
    ...flat,
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.1.2'],
    '00080060': ['CS', 'MG'],
    '00200062': ['CS', laterality],
    '00185101': ['CS', view],
  });
}

const sliceOf = (page: Page, pane: number) => page.locator('.pane').nth(pane).locator('.slice').innerText();
const corner = (page: Page, pane: number, place: string) =>
  page.locator('.pane').nth(pane).locator(`.corner-${place}`).innerText();

describe.skipIf(!chromiumAvailable())('layouts and comparing', () => {
  let reading: ReadingPage;
  const [current, before, mammography] = [uidFrom(now.name), uidFrom(prior.name), uidFrom(breasts.name)];

  beforeAll(async () => {
    reading = await startReadingPage();
    const { archive } = reading.router.router.context;
    // 12 slices 20 mm apart; another series of the same study 10 mm apart; the prior is 30 mm apart.
    await keepFiles(archive, ctSeries(12, { ...small, study: now, seriesDescription: 'Thorax soft' }));
    await keepFiles(
      archive,
      ctSeries(24, { ...small, study: now, seriesNumber: 2, seriesDescription: 'Thorax lung', seed: 3 }),
    );
    await keepFiles(archive, [coronal()]);
    await keepFiles(
      archive,
      ctSeries(6, { ...small, study: prior, seriesNumber: 1, seriesDescription: 'Lung thorax', seed: 4 }),
    );
    await keepFiles(
      archive,
      ctSeries(8, { ...small, study: prior, seriesNumber: 2, seriesDescription: 'Thorax soft', seed: 5 }),
    );
    await keepFiles(archive, [
      mammogram(1, 'L', 'MLO'),
      mammogram(2, 'R', 'MLO'),
      mammogram(3, 'R', 'CC'),
      mammogram(4, 'L', 'CC'),
    ]);
  });
  afterAll(async () => {
    await reading?.close();
  });

  it('shows sixteen panes, takes a series dropped into any of them, and one pane alone after a double click', async () => {
    const { page } = reading;
    await reading.open(current);
    await page.getByLabel('Layout', { exact: true }).selectOption('4x4');
    expect(await page.locator('.pane').count()).toBe(16);
    await page.locator('.series').nth(1).dragTo(page.locator('.pane').nth(15));
    await shown(page, 15);
    expect(await corner(page, 15, 'top-right')).toContain('Thorax lung');
    await page.locator('.pane').nth(15).dblclick();
    await eventually(() => page.locator('.pane').count()).toBe(1);
    expect(await corner(page, 0, 'top-right')).toContain('Thorax lung');
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('.pane').count()).toBe(16);
  });

  it('puts the series of the prior beside the current one that compares with it, and lists the prior in the viewer', async () => {
    const { page } = reading;
    await reading.open(current);
    await page.locator('.priors .prior', { hasText: '2024-03-01' }).click();
    await shown(page, 1);
    expect(await page.locator('.pane').count()).toBe(2);
    expect(await corner(page, 0, 'top-right')).toContain('Thorax soft');
    expect(await corner(page, 1, 'top-right')).toContain('Thorax soft');
    expect(await corner(page, 1, 'top-right')).toContain('2024-03-01');
  });

  it('scrolls linked panes of one frame of reference to the same place in the patient', async () => {
    const { page } = reading;
    await reading.open(current);
    await page.getByLabel('Layout', { exact: true }).selectOption('1x2');
    await shown(page, 1);
    await page.keyboard.press('k');
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown');
    await eventually(() => sliceOf(page, 0)).toBe('6 / 12');
    const place = Number.parseFloat(/(-?[\d.]+) mm\n/.exec(await corner(page, 0, 'bottom-left'))![1]!);
    await eventually(async () => {
      const there = Number.parseFloat(/(-?[\d.]+) mm\n/.exec(await corner(page, 1, 'bottom-left'))![1]!);
      return Math.abs(there - place);
    }).toBeLessThanOrEqual(5);
    // Zoom and window follow too; unlinked nothing does.
    await page.keyboard.press('+');
    await page.keyboard.press('3');
    await eventually(() => corner(page, 1, 'bottom-right')).toBe(await corner(page, 0, 'bottom-right'));
    await page.keyboard.press('k');
    const still = await sliceOf(page, 1);
    await page.keyboard.press('Home');
    await eventually(() => sliceOf(page, 0)).toBe('1 / 12');
    expect(await sliceOf(page, 1)).toBe(still);
  });

  it('keeps the distance between current and prior that the reader chose before linking', async () => {
    const { page } = reading;
    await reading.open(current, before);
    await shown(page, 1);
    await page.locator('.pane').nth(1).click();
    await page.keyboard.press('ArrowDown');
    await eventually(() => sliceOf(page, 1)).toBe('2 / 8');
    await page.locator('.pane').nth(0).click();
    await page.keyboard.press('k');
    // Six slices of 20 mm are four of 30 mm.
    for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowDown');
    await eventually(() => sliceOf(page, 1)).toBe('6 / 8');
    for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowUp');
    await eventually(() => sliceOf(page, 1)).toBe('2 / 8');
  });

  it('draws where the active picture cuts the others', async () => {
    const { page } = reading;
    await reading.open(current);
    await page.getByLabel('Layout', { exact: true }).selectOption('1x2');
    await shown(page, 1);
    expect(await page.locator('.reference-lines').count()).toBe(0);
    await page.locator('.series', { hasText: 'Coronal' }).dragTo(page.locator('.pane').nth(1));
    await shown(page, 1);
    await page.locator('.pane').nth(0).click();
    await page.keyboard.press('End');
    await eventually(() => sliceOf(page, 0)).toBe('12 / 12');
    // The lowest slice lies at -110 mm: 230 mm below the coronal picture's top of 8 mm pixels.
    const line = page.locator('.pane').nth(1).locator('.reference-lines line');
    const box = (await page.locator('.pane').nth(1).locator('canvas.picture').boundingBox())!;
    const scale = Math.min(box.width, box.height) / 64;
    await eventually(async () => {
      const y = Number(await line.getAttribute('y1'));
      return Math.abs((y - box.height / 2) / scale + 32 - (230 / 8 + 0.5));
    }).toBeLessThan(0.5);
    await page.keyboard.press('g');
    await eventually(() => line.count()).toBe(0);
    await page.keyboard.press('g');
  });

  it('hangs a mammography in its four views, and as the reader’s own table says', async () => {
    const { page } = reading;
    await reading.open(mammography);
    for (const pane of [0, 1, 2, 3]) await shown(page, pane);
    const views = () =>
      Promise.all([0, 1, 2, 3].map(async (pane) => (await corner(page, pane, 'top-right')).split('\n').pop()));
    await eventually(views).toEqual(['R CC', 'L CC', 'R MLO', 'L MLO']);

    await page.getByRole('button', { name: /^Compare/ }).click();
    await page.getByRole('button', { name: 'Change these layouts…' }).click();
    const table = page.locator('textarea.protocols');
    await table.fill('[{"name":"One","layout":"9x9"}]');
    await page.getByRole('button', { name: 'Use these', exact: true }).click();
    expect(await page.locator('dialog [role=alert]').innerText()).toContain('layout');
    await table.fill(
      '[{"name":"Mine","modality":["MG"],"layout":"2x1","panes":[{"study":"current","series":[{"laterality":"L","view":"MLO"}]},{"study":"current","series":[{"laterality":"R","view":"CC"}]}]}]',
    );
    await page.getByRole('button', { name: 'Use these', exact: true }).click();
    await page.getByText('In use from the next study on').waitFor();
    await reading.open(mammography);
    await shown(page, 1);
    await eventually(async () => (await panePictures(page)).length).toBe(2);
    await eventually(async () => [
      (await corner(page, 0, 'top-right')).split('\n').pop(),
      (await corner(page, 1, 'top-right')).split('\n').pop(),
    ]).toEqual(['L MLO', 'R CC']);
    await page.getByRole('button', { name: /^Compare/ }).click();
    await page.getByRole('button', { name: 'Change these layouts…' }).click();
    await page.getByRole('button', { name: 'Without a table of my own' }).click();
    await page.getByText('In use from the next study on').waitFor();
    expect(await table.inputValue()).toContain('Mammography, four views');
  });

  it('works without errors in the page', () => {
    expect(reading.complaints).toEqual([]);
  });
});
