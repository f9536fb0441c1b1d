import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSlice, TEST_STUDY } from '../../phantoms/ct.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { writeMultiFrame } from '../bench/ct-slices.ts';
import { chromiumAvailable, startBrowser, type TestBrowser, useCookie } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

/** 1 GiB in frames of 512 KiB. */
const FRAMES = 2048;
const OBJECT_BYTES = FRAMES * 512 * 1024;

async function keepLarge(archive: Archive, path: string): Promise<string> {
  const reception = archive.beginFile({ via: 'import', user: 'test' });
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) await reception.write(chunk);
  const { studyInstanceUID } = await reception.finish();
  await archive.flush();
  return studyInstanceUID;
}

/** Bytes of objects that came over the line to this page. */
function objectBytes(page: Page): () => number {
  let sum = 0;
  page.on('response', (answer) => {
    if (new URL(answer.url()).pathname.startsWith('/objects/')) sum += Number(answer.headers()['content-length'] ?? 0);
  });
  return () => sum;
}

describe.skipIf(!chromiumAvailable())('reading while the main PACS is down', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-outage-'));
    router = await startRouter({
      env: { LIFEBOAT_PACS: 'PACS@127.0.0.1:1' },
      viewerDir: process.env['LIFEBOAT_TEST_VIEWER'],
    });
    const person = await router.login();
    browser = await startBrowser();
    await useCookie(browser.context, router.url, person.cookie);
  });
  afterAll(async () => {
    await browser?.close();
    await router?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('says so on every page, with since when and what it means, and promises nothing that is not done', async () => {
    const page = await browser.page();
    for (const path of ['', 'upload', 'arrivals', 'it']) {
      await page.goto(`${router.url}/${path}`);
      await page.locator('.banner-bad').waitFor({ timeout: 30_000 });
      const text = await page.locator('.banner-bad').innerText();
      expect(text).toMatch(/main PACS \(PACS\) has not answered since \d{4}-\d{2}-\d{2} \d{2}:\d{2}/);
      expect(text).not.toMatch(/sent to it/);
    }
    await page.close();
  });

  it('marks an image that was received in two versions', async () => {
    const study = { ...TEST_STUDY, name: 'conflict' };
    const slice = { rows: 64, columns: 64, study };
    await keepFiles(router.router.context.archive, [ctSlice({ ...slice, seed: 1 }), ctSlice({ ...slice, seed: 2 })]);
    const page = await browser.page();
    await page.goto(`${router.url}/viewer?StudyInstanceUIDs=${uidFrom(study.name)}`);
    await page.getByText('2 versions of this image were received').first().waitFor({ timeout: 30_000 });
    await page.goto(`${router.url}/?conflicts=1`);
    await page.getByText('1 image has two versions').waitFor({ timeout: 30_000 });
    await page.close();
  });

  it('shows frame 1 of a 1 GiB object without fetching the object', async () => {
    const path = join(folder, 'large.dcm');
    await writeMultiFrame(path, FRAMES, 77);
    const study = await keepLarge(router.router.context.archive, path);
    const page = await browser.page();
    const fetched = objectBytes(page);
    await page.goto(`${router.url}/viewer?StudyInstanceUIDs=${study}`);
    await page.getByText(`1 / ${FRAMES}`).first().waitFor({ timeout: 60_000 });
    await page.waitForFunction(() =>
      document.querySelector<HTMLElement>('canvas.picture')?.dataset['picture']?.includes('#'),
    );
    expect(fetched()).toBeGreaterThan(0);
    expect(fetched()).toBeLessThan(OBJECT_BYTES / 4);
    await page.close();
  }, 180_000);
});
