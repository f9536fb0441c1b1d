import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ctSeries, TEST_STUDY } from '../../phantoms/ct.ts';
import type { StudyDescription } from '../../phantoms/patient.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import {
  eventually,
  goInPage,
  holdObjects,
  isLit,
  panePictures,
  type ReadingPage,
  shown,
  startReadingPage,
} from '../support/reading-page.ts';

const matrix = { rows: 64, columns: 64 };
const ada: StudyDescription = { ...TEST_STUDY, name: 'safety ada', patientName: 'SAMPLE^Ada', patientID: 'ADA-1' };
const adaPrior: StudyDescription = { ...ada, name: 'safety ada prior', date: '20250105', accessionNumber: 'ADA0' };
const bert: StudyDescription = { ...TEST_STUDY, name: 'safety bert', patientName: 'SAMPLE^Bert', patientID: 'BERT-2' };
const ADA = uidFrom(ada.name);
const PRIOR = uidFrom(adaPrior.name);
const BERT = uidFrom(bert.name);
const ABSENT = '1.2.3.4.5';

describe.skipIf(!chromiumAvailable())('never another patient, never other words than the pixels’', () => {
  let reading: ReadingPage;

  beforeAll(async () => {
    reading = await startReadingPage();
    const { archive } = reading.router.router.context;
    for (const study of [ada, adaPrior, bert]) await keepFiles(archive, ctSeries(8, { ...matrix, study }));
    await keepFiles(archive, ctSeries(6, { ...matrix, study: bert, seriesNumber: 2, seed: 2 }));
  });
  beforeEach(async () => {
    await reading.page.unrouteAll({ behavior: 'ignoreErrors' });
  });
  afterAll(async () => {
    await reading?.close();
  });

  it('closes every pane whose study has left the address', async () => {
    const { page } = reading;
    await reading.open(ADA, PRIOR);
    await page.getByLabel('Layout').selectOption('2x2');
    await shown(page, 1);
    expect((await panePictures(page)).some((id) => id.includes(PRIOR))).toBe(true);
    await goInPage(page, [BERT]);
    await page.waitForFunction((bert) => {
      const first = document.querySelector<HTMLElement>('canvas.picture');
      return first?.dataset['picture']?.includes(bert);
    }, BERT);
    const pictures = await panePictures(page);
    expect(pictures.filter((id) => id && !id.includes(BERT))).toEqual([]);
    expect(await page.locator('.panes').innerText()).not.toContain('Ada');
    await page.getByLabel('Layout').selectOption('2x2');
    await shown(page, 1);
    expect((await panePictures(page)).filter((id) => id && !id.includes(BERT))).toEqual([]);
  });

  it('keeps what stays in the address and closes what the browser’s Back has taken away', async () => {
    const { page } = reading;
    await reading.open(ADA);
    await page.locator('.prior').first().click();
    await shown(page, 1);
    expect(await panePictures(page)).toEqual([expect.stringContaining(ADA), expect.stringContaining(PRIOR)]);
    await page.goBack();
    await eventually(() => panePictures(page)).toEqual([expect.stringContaining(ADA), '']);
    await eventually(() => isLit(page, 1)).toBe(false);
  });

  it('clears the pane and says so when the next study cannot be opened', async () => {
    const { page } = reading;
    await reading.open(ADA);
    await goInPage(page, [ABSENT]);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('This study is not on board');
    expect(await alert.innerText()).toContain(ABSENT);
    expect(await panePictures(page)).toEqual(['']);
    await eventually(() => isLit(page)).toBe(false);
    expect(await page.locator('.reading').innerText()).not.toContain('Ada');
  });

  it('clears the pane at once while the list of the next study is still on its way', async () => {
    const { page } = reading;
    await reading.open(ADA);
    await page.route(`**/api/studies/${BERT}/manifest`, () => undefined);
    await goInPage(page, [BERT]);
    await eventually(() => panePictures(page)).toEqual(['']);
    await eventually(() => isLit(page)).toBe(false);
    expect(await page.locator('.reading').innerText()).not.toContain('Ada');
    await page.getByText(/Opening the study… \d+ s so far/).waitFor();
  });

  it('shows nothing of the former patient while the first image of the next one is fetched', async () => {
    const { page } = reading;
    await reading.open(ADA);
    const hold = await holdObjects(page, BERT);
    await goInPage(page, [ADA, BERT]);
    await page.locator('.study-series').nth(1).waitFor();
    await page.locator('.pane').first().click();
    await page.locator('.study-series').nth(1).locator('.series').first().click();
    await page.locator('.pane').first().getByText('Fetching image 1 of 8').waitFor();
    await eventually(() => isLit(page)).toBe(false);
    expect(await page.locator('.pane').first().innerText()).not.toMatch(/Ada|Bert/);
    await hold.release();
    await page.locator('.pane').first().getByText('SAMPLE, Bert').waitFor();
    expect((await panePictures(page))[0]).toContain(BERT);
  });

  it('names the slice, place and letters of the pixels on the screen, not of the image asked for', async () => {
    const { page } = reading;
    const hold = await holdObjects(page, BERT);
    await page.goto(`${reading.router.url}/viewer?StudyInstanceUIDs=${BERT}`);
    await page.getByText('Fetching image 1 of 8').waitFor();
    expect(await page.locator('.corner').count()).toBe(0);
    await hold.release();
    await shown(page);
    const corner = page.locator('.corner-bottom-left');
    const first = await corner.innerText();
    expect(first).toMatch(/^1 \/ 8/);
    // Everything is in the cache now but for the second series; its second image is held back.
    const second = uidFrom(`${bert.name} series 2 instance 2`);
    const holdSecond = await holdObjects(page, second);
    await page.locator('.series').nth(1).click();
    await page.locator('.slice', { hasText: '1 / 6' }).waitFor();
    const before = await corner.innerText();
    await page.keyboard.press('ArrowDown');
    await page.getByText('Fetching image 2 of 6').waitFor();
    expect(await corner.innerText()).toBe(before);
    expect((await panePictures(page))[0]).toContain(uidFrom(`${bert.name} series 2 instance 1`));
    await holdSecond.release();
    await page.locator('.slice', { hasText: '2 / 6' }).waitFor();
    expect(await corner.innerText()).not.toBe(before);
    expect((await panePictures(page))[0]).toContain(second);
  });

  it('warns when studies of two patients lie side by side, and not for two of one', async () => {
    const { page } = reading;
    await reading.open(ADA, BERT);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/Different patients.*Ada \(ADA-1\).*Bert \(BERT-2\)/);
    await reading.open(ADA, PRIOR);
    await shown(page, 1);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('does not list the former patient’s other studies under the next patient', async () => {
    const { page } = reading;
    await reading.open(ADA);
    await page.locator('.prior').waitFor();
    await page.route('**/api/worklist**', () => undefined);
    await goInPage(page, [BERT]);
    await page.getByText('SAMPLE, Bert').first().waitFor();
    expect(await page.locator('.prior').count()).toBe(0);
  });

  it('says in words that the store hangs, and shows the image when asked again', async () => {
    const { page } = reading;
    await page.route('**/objects/**', () => undefined);
    await page.goto(`${reading.router.url}/viewer?StudyInstanceUIDs=${PRIOR}`);
    await page.getByText('Fetching image 1 of 8').waitFor();
    expect(await page.locator('.rail-patient').innerText()).toBe('SAMPLE, Ada (ADA-1)');
    const alert = page.getByRole('alert').first();
    await alert.waitFor({ timeout: 40_000 });
    expect(await alert.innerText()).toMatch(/image 1 of 8.*the store has sent nothing for 8 s/i);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await shown(page);
    expect(await isLit(page)).toBe(true);
  });

  it('does not call a study complete while its list is not there', async () => {
    const { page, router } = reading;
    const study = { ...TEST_STUDY, name: 'safety large', patientID: 'LARGE' };
    await keepFiles(router.router.context.archive, ctSeries(64, { rows: 32, columns: 32, study }));
    const uid = uidFrom(study.name);
    await page.route(`**/api/studies/${uid}/manifest`, (route) =>
      route.fulfill({ status: 503, json: { code: 'STORE_AWAY', message: 'The store is away.' } }),
    );
    await reading.open(uid);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/images may be missing here.*The store is away/);
    expect(await page.locator('.study-series').innerText()).not.toMatch(/All \d+/);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.locator('.slice', { hasText: '/ 64' }).waitFor({ timeout: 20_000 });
    await eventually(() => page.getByRole('alert').count()).toBe(0);
    expect(await page.locator('.study-series').innerText()).toMatch(/64/);
  });

  it('paints the first image exactly where its pane will be, also beneath a banner of two lines and beside a second study', async () => {
    const { page } = reading;
    const pacs = { name: 'PACS', address: 'PACS@pacs:104', state: 'down', since: new Date().toISOString() };
    await page.route('**/viewer?**', async (route) => {
      const answer = await route.fetch();
      const body = (await answer.text()).replace('"pacs":null', `"pacs":${JSON.stringify(pacs)}`);
      await route.fulfill({ response: answer, body });
    });
    await page.route('**/api/events', (route) => route.abort());
    await page.route('**/api/status', () => undefined);
    await page.addInitScript(() => {
      new MutationObserver(() => {
        const box = document.getElementById('first-image')?.getBoundingClientRect();
        if (box) Object.assign(window, { firstImage: [box.x, box.y, box.width, box.height].map(Math.round) });
      }).observe(document, { childList: true, subtree: true });
    });
    for (const studies of [[ADA], [ADA, PRIOR]]) {
      await reading.open(...studies);
      expect(await page.locator('.banner-bad').boundingBox()).toMatchObject({ height: expect.closeTo(53.6, 0) });
      const pane = (await page.locator('canvas.picture').first().boundingBox())!;
      const first = await page.evaluate(() => (window as unknown as { firstImage: number[] }).firstImage);
      expect(first).toEqual([pane.x, pane.y, pane.width, pane.height].map(Math.round));
    }
  });

  it('works under the Content-Security-Policy without errors in the page', () => {
    expect(reading.complaints).toEqual([]);
  });
});
