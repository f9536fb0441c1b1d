import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WorklistAnswer } from '../../contract/api.ts';
import { type DataSet, writePart10 } from '../../phantoms/part10-writer.ts';
import { chromiumAvailable, useCookie as signInAs, startBrowser, type TestBrowser } from '../support/browser.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const pictures = process.env['LIFEBOAT_TEST_PICTURES'];
const image = (n: number, patientName: string, patientID: string, size = 4) =>
  smallImage({
    study: `2.25.99.${n}`,
    series: `2.25.99.${n}.1`,
    sop: `2.25.99.${n}.1.1`,
    patientName,
    patientID,
    rows: size,
    columns: size,
  });

describe.skipIf(!chromiumAvailable())('the upload page, in a browser', () => {
  let router: TestRouter;
  let person: Browser;
  let browser: TestBrowser;
  let page: Page;
  let disc: string;

  const body = () => page.innerText('body');
  const shows = (wanted: string | RegExp) => page.getByText(wanted).first().waitFor({ timeout: 30_000 });
  const row = (name: string) => page.locator('.upload-rows tr', { hasText: name });
  const kept = async () =>
    (await person.json<WorklistAnswer>('/api/worklist?sort=patientName')).rows.map((study) => study.patientName);
  const picture = async (name: string) => {
    for (const [width, height] of [
      [2560, 1440],
      [1366, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      if (pictures) await page.screenshot({ path: join(pictures, `upload-${name}-${width}.png`) });
    }
  };
  const choose = async (files: Record<string, Uint8Array | string>) => {
    await rm(disc, { recursive: true, force: true });
    for (const [name, content] of Object.entries(files)) {
      const path = join(disc, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, content);
    }
    await page.goto(`${router.url}/upload`);
    await page.locator('input[type=file]').first().setInputFiles(disc);
  };

  beforeAll(async () => {
    disc = join(await mkdtemp(join(tmpdir(), 'lifeboat-disc-')), 'DISC');
    router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'] });
    person = await router.login();
    browser = await startBrowser();
    await signInAs(browser.context, router.url, person.cookie);
    page = await browser.page();
  });
  afterAll(async () => {
    await browser?.close();
    await router?.close();
    await rm(join(disc, '..'), { recursive: true, force: true });
  });
  beforeEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));

  it('sends a disc of one patient at once, says whose it is, and leaves out what is no image', async () => {
    await choose({
      'IMG/0001': image(1, 'Disc^Dora', 'D-1'),
      'IMG/0002': image(2, 'disc^dora', 'D-1'),
      'AUTORUN.INF': '[autorun]\r\nopen=viewer.exe',
      'VIEWER/viewer.exe': 'MZ…',
    });
    await shows('All 2 images are kept. The disc may be handed back.');
    expect(await page.locator('.upload-patients').innerText()).toContain('Disc, Dora');
    expect(await row('AUTORUN.INF').innerText()).toContain('not a DICOM file');
    await picture('one');
  });

  it('sends nothing of a disc with two patients before somebody has said whose images are meant', async () => {
    await choose({
      'IMG/0001': image(11, 'Wanted^Wanda', 'W-1'),
      'IMG/0002': image(12, 'Stranger^Stan', 'S-9'),
    });
    await shows('Images of 2 patients are on this disc');
    const asked = await page.locator('.upload-ask').innerText();
    for (const words of ['Wanted, Wanda', 'W-1', 'Stranger, Stan', 'S-9']) expect(asked).toContain(words);
    for (const name of ['Wanted^Wanda', 'Stranger^Stan']) expect(await kept()).not.toContain(name);
    await picture('two');
    await page.getByLabel('Send: Stranger, Stan').uncheck();
    await page.getByRole('button', { name: 'Send 1 file' }).click();
    await shows('The one image of the chosen patients is kept.');
    expect(await row('0002').innerText()).toContain('of a patient who was not chosen');
    await expect.poll(kept, { timeout: 15_000 }).toContain('Wanted^Wanda');
    expect(await kept()).not.toContain('Stranger^Stan');
  });

  it('names what a DICOMDIR promises and the disc does not have', async () => {
    const referenced = (path: string): DataSet => ({ '00041430': ['CS', 'IMAGE'], '00041500': ['CS', path] });
    const dicomdir = writePart10({
      '00080016': ['UI', '1.2.840.10008.1.3.10'],
      '00080018': ['UI', '2.25.99.500'],
      '00041220': ['SQ', referenced('IMG\\0001'), referenced('IMG\\0002')],
    });
    await choose({ DICOMDIR: dicomdir, 'IMG/0001': image(21, 'Partial^Paul', 'P-1') });
    await shows('1 kept, 0 refused, 1 left out, 1 missing on the disc');
    await shows('images may be missing. Ask for another disc.');
    expect(await row('IMG/0002').innerText()).toContain('named in the DICOMDIR but not on the disc');
    expect(await body()).not.toContain('handed back');
    await picture('missing');
  });

  it('says that a disc fails, goes on with the rest, and tries only the failed files again', async () => {
    await choose({
      'IMG/0001': image(31, 'Scratch^Sue', 'X-1'),
      'IMG/0002': image(32, 'Scratch^Sue', 'X-1', 64),
      'IMG/0003': image(33, 'Other^Ole', 'X-2'),
    });
    await shows('Images of 2 patients are on this disc');
    await rename(join(disc, 'IMG/0002'), join(disc, 'away'));
    await page.getByRole('button', { name: 'Send 3 files' }).click();
    await shows('2 kept, 0 refused, 0 left out, 1 not readable');
    await shows('A file could not be read from the disc.');
    expect(await row('0002').innerText()).toContain('the disc does not give this file');
    await picture('failed');
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/dicom-web/studies')) sent.push(request.url());
    });
    await rename(join(disc, 'away'), join(disc, 'IMG/0002'));
    await page.getByRole('button', { name: 'Try the failed file again' }).click();
    await shows('All 3 images are kept.');
    expect(sent).toHaveLength(1);
  });

  it('does not come to a stand before a file that cannot be looked into', async () => {
    await page.addInitScript(() => {
      const slice = File.prototype.slice;
      File.prototype.slice = function (...range) {
        if (!this.name.startsWith('BAD')) return slice.apply(this, range);
        return { arrayBuffer: () => Promise.reject(new DOMException('cut', 'NotReadableError')) } as unknown as Blob;
      };
    });
    await choose({ 'IMG/0001': image(41, 'Half^Hanna', 'H-1'), 'IMG/BAD1': image(42, 'Half^Hanna', 'H-1') });
    await shows('1 kept, 0 refused, 0 left out, 1 not readable');
  });

  it('asks before it is left while images are being sent', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/dicom-web/studies', async (route) => {
      await held;
      await route.continue();
    });
    await choose({ 'IMG/0001': image(51, 'Leaving^Lea', 'L-1') });
    await page.locator('.upload-progress').waitFor();
    await picture('sending');
    const asked: string[] = [];
    const stay = (dialog: import('playwright-core').Dialog) => {
      asked.push(`${dialog.type()} ${dialog.message()}`);
      void dialog.dismiss();
    };
    page.on('dialog', stay);
    await page.getByRole('link', { name: 'Patients' }).click();
    await expect.poll(() => asked.length).toBe(1);
    expect(asked[0]).toContain('Images are still being sent.');
    expect(page.url()).toMatch(/\/upload$/);
    await page.mouse.click(300, 300);
    await page.evaluate(() => location.reload());
    await expect.poll(() => asked.length).toBe(2);
    expect(asked[1]).toMatch(/^beforeunload/);
    page.off('dialog', stay);
    release();
    await shows('The one image is kept.');
    await page.getByRole('link', { name: 'Patients' }).click();
    await page.getByRole('searchbox').waitFor();
    expect(asked).toHaveLength(2);
  });
});
