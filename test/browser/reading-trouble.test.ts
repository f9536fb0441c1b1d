import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ctSeries, ctSlice, ctSliceDataSet, TEST_STUDY } from '../../phantoms/ct.ts';
import { writePart10 } from '../../phantoms/part10-writer.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import {
  eventually,
  isLit,
  panePictures,
  paneSum,
  type ReadingPage,
  startReadingPage,
} from '../support/reading-page.ts';

const matrix = { rows: 64, columns: 64 };
const plain = { ...TEST_STUDY, name: 'trouble plain', patientID: 'TROUBLE-1' };
const partial = { ...TEST_STUDY, name: 'trouble partial', patientID: 'TROUBLE-2' };
const twice = { ...TEST_STUDY, name: 'trouble twice', patientID: 'TROUBLE-3' };
const PLAIN = uidFrom(plain.name);

describe.skipIf(!chromiumAvailable())('what goes wrong between store and screen', () => {
  let reading: ReadingPage;
  let right: number;

  beforeAll(async () => {
    reading = await startReadingPage();
    const { archive } = reading.router.router.context;
    await keepFiles(archive, ctSeries(5, { ...matrix, study: plain }));
    const slices = [0, 1, 2, 5, 6, 7, 8, 9, 10, 11].map((index) =>
      writePart10({
        ...ctSliceDataSet({ ...matrix, study: partial, index, of: 20 }),
        '00201002': ['IS', 20],
        '00282110': ['CS', '01'],
        '00282112': ['DS', 8],
      }),
    );
    await keepFiles(archive, slices);
    const slice = { ...matrix, study: twice, index: 0, of: 2 };
    await keepFiles(archive, [
      ctSlice({ ...slice, seed: 1 }),
      ctSlice({ ...slice, seed: 2 }),
      ctSlice({ ...slice, index: 1 }),
    ]);
    await reading.open(PLAIN);
    right = await paneSum(reading.page);
  });
  beforeEach(async () => {
    await reading.page.unrouteAll({ behavior: 'ignoreErrors' });
  });
  afterAll(async () => {
    await reading?.close();
  });

  it('asks for a fresh address when the signed one has expired', async () => {
    const { page } = reading;
    let refused = 0;
    let refreshed = 0;
    // The page asks by itself once for what came while it was made: not what is counted here.
    await page.route(`**/api/studies/${PLAIN}/manifest`, async (route) => {
      if (refused > 0) refreshed += 1;
      await route.continue();
    });
    await page.route('**/objects/**', async (route) => {
      if (refreshed > 0) return await route.continue();
      refused += 1;
      await route.fulfill({ status: 403, body: 'Request has expired' });
    });
    await reading.open(PLAIN);
    expect(refused).toBeGreaterThan(0);
    expect(refreshed).toBeGreaterThan(0);
    expect(refreshed).toBeLessThanOrEqual(2);
    expect(await paneSum(page)).toBe(right);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('fetches a frame again that came too short, and draws only the whole one', async () => {
    const { page } = reading;
    const asked = new Map<string, number>();
    await page.route('**/objects/**', async (route) => {
      const key = new URL(route.request().url()).pathname;
      asked.set(key, (asked.get(key) ?? 0) + 1);
      if (asked.get(key) !== 1) return await route.continue();
      const answer = await route.fetch();
      const body = await answer.body();
      const headers = { ...answer.headers(), 'content-length': String(body.length - 1000) };
      await route.fulfill({ status: answer.status(), headers, body: body.subarray(0, body.length - 1000) });
    });
    await reading.open(PLAIN);
    expect(await paneSum(page)).toBe(right);
    expect(asked.get([...asked.keys()][0]!)).toBeGreaterThan(1);
  });

  it('never draws a frame that stays short, says which image it is, and lists it as not shown', async () => {
    const { page } = reading;
    const broken = uidFrom(`${plain.name} series 1 instance 1`);
    await page.route('**/objects/**', async (route) => {
      if (!route.request().url().includes(broken)) return await route.continue();
      await route.fulfill({ status: 206, body: Buffer.alloc(500, 200) });
    });
    await page.goto(`${reading.router.url}/viewer?StudyInstanceUIDs=${PLAIN}`);
    const alert = page.getByRole('alert').first();
    await alert.waitFor({ timeout: 30_000 });
    expect(await alert.innerText()).toMatch(
      /Image 1 of 5 could not be shown: the store sent only 500 of the 8192 bytes/,
    );
    expect(await panePictures(page)).toEqual(['']);
    await eventually(() => isLit(page)).toBe(false);
    await page.getByText('4 of 5 objects in the store can be shown.').click();
    const row = page.locator('dialog tbody tr');
    expect(await row.count()).toBe(1);
    expect(await row.innerText()).toMatch(/Image that could not be shown.*Image 1 of CT #1: the store sent only/s);
    expect(await row.getByRole('link').getAttribute('href')).toContain(broken);
    await page.keyboard.press('Escape');
    // The other images of the series are as good as ever.
    await page.keyboard.press('ArrowDown');
    await page.locator('.slice', { hasText: '2 / 5' }).waitFor();
    expect(await isLit(page)).toBe(true);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.keyboard.press('ArrowUp');
    await page.locator('.slice', { hasText: '1 / 5' }).waitFor();
    expect(await paneSum(page)).toBe(right);
    await page.getByText('All 5 objects in the store can be shown').waitFor();
  });

  it('says on the image that more is to come, then that not all came, which are missing, and that it is lossy', async () => {
    const { page } = reading;
    await reading.open(uidFrom(partial.name));
    const flags = page.locator('.flags');
    await flags.getByText('Still arriving: 10 of 20 so far').waitFor();
    await flags.getByText('Lossy compressed 8:1').waitFor();
    // An hour later: the clock of the page is put on, for the manifest's times are the router's.
    await page.clock.setFixedTime(Date.now() + 3_600_000);
    await reading.open(uidFrom(partial.name));
    await flags.getByText('Only 10 of 20 images that the scanner announced are here').waitFor();
    await flags.getByText('Image numbers missing in this series: 4–5').waitFor();
    expect(await flags.innerText()).not.toContain('Still arriving');
    await reading.open(PLAIN);
    await flags.getByText('SAMPLE').waitFor();
    expect(await flags.innerText()).toBe('SAMPLE');
  });

  it('marks an image of which two contents came, and lists the earlier one', async () => {
    const { page } = reading;
    await reading.open(uidFrom(twice.name));
    await page.locator('.flag-bad', { hasText: '2 versions of this image were received' }).waitFor();
    await page.getByText('2 of 3 objects in the store can be shown.').click();
    const row = page.locator('dialog tbody tr');
    expect(await row.innerText()).toMatch(/Earlier version of an image.*a newer one is shown/s);
    expect(await row.getByRole('link').getAttribute('href')).toMatch(/objects\/.*\.dcm/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowDown');
    await page.locator('.slice', { hasText: '2 / 2' }).waitFor();
    expect(await page.locator('.flags').innerText()).not.toContain('versions');
  });

  it('works without errors in the page', () => {
    expect(reading.complaints).toEqual([]);
  });
});
