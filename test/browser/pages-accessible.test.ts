import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleStudies } from '../../phantoms/sample-studies.ts';
import { accessibilityFindings } from '../support/accessibility.ts';
import { chromiumAvailable, useCookie as signInAs, startBrowser, type TestBrowser } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

describe.skipIf(!chromiumAvailable())(
  'every page for people with little sight, without a mouse or without calm eyes',
  () => {
    let router: TestRouter;
    let browser: TestBrowser;
    let page: Page;
    let study = '';

    const open = async (path: string, ready: string) => {
      await page.goto(`${router.url}/${path}`);
      await page.locator(ready).first().waitFor({ timeout: 30_000 });
    };

    beforeAll(async () => {
      router = await startRouter({ viewerDir: process.env['LIFEBOAT_TEST_VIEWER'] });
      const { archive, access } = router.router.context;
      for (const sample of sampleStudies({ scale: 0.05 })) {
        study = sample.study.studyInstanceUID;
        await keepFiles(archive, sample.instances());
      }
      access.refused({ channel: 'DIMSE', peer: 'CT1@10.0.0.1', code: 'SPOOL_FULL', message: 'The disk is full.' });
      browser = await startBrowser();
      page = await browser.page();
    });
    afterAll(async () => {
      await browser?.close();
      await router?.close();
    });

    it('sign-in', async () => {
      await open('', 'input[name=user]');
      expect(await accessibilityFindings(page, { tabs: 6 })).toEqual([]);
    });

    it.each([
      ['', '.worklist-open'],
      ['upload', '.upload-drop'],
      ['arrivals', '.arrivals-study'],
      ['integrity', 'h1'],
      ['ris', 'h1'],
      ['readiness', 'h1'],
      ['account', 'h1'],
      ['it?tab=system', 'h2'],
      ['it?tab=senders', 'form'],
      ['it?tab=users', 'table'],
      ['it?tab=tokens', 'form'],
      ['it?tab=refusals', 'table'],
      ['it?tab=audit', 'table'],
    ])('%s', async (path, ready) => {
      await signInAs(browser.context, router.url, (await router.login()).cookie);
      await open(path, ready);
      expect(await accessibilityFindings(page)).toEqual([]);
    });

    it('nothing found', async () => {
      await open('', '.worklist-open');
      await page.getByRole('searchbox').fill('nobody of that name');
      await page.locator('.worklist-none').waitFor();
      expect(await accessibilityFindings(page)).toEqual([]);
    });

    it('reading', async () => {
      await open(`viewer?StudyInstanceUIDs=${study}`, 'canvas.picture');
      expect(await accessibilityFindings(page)).toEqual([]);
    });
  },
);
