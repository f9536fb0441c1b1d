import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { realFiles } from '../support/files.ts';
import { keepFiles } from '../support/keep-files.ts';
import { ohifAvailable, serveOhif } from '../support/ohif.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const series = realFiles().filter((file) => file.name.includes('ct_philips_head_5mm_28'));
const lone = realFiles().filter((file) => /CT_small\.dcm$/.test(file.name));
const files = series.length > 0 ? series : lone.slice(0, 1);

describe.skipIf(!ohifAvailable() || !chromiumAvailable() || files.length === 0)('OHIF reads from the router', () => {
  let router: TestRouter;
  let server: Server;
  let browser: TestBrowser;

  beforeAll(async () => {
    router = await startRouter();
    await keepFiles(
      router.router.context.archive,
      files.map((file) => file.path),
    );
    await router.router.context.archive.flush();
    server = serveOhif(router.url, router.basic);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await router?.close();
  });

  it('opens a study and shows a picture that is not blank', async () => {
    const { rows } = await router.router.context.archive.catalogue.query({
      level: 'study',
      keys: [],
      limit: 1,
      offset: 0,
    });
    const study = String(rows[0]!['0020000D']!.Value![0]);
    const page = await browser.page();
    const failed: string[] = [];
    page.on('response', (answer) => {
      if (answer.url().includes('/dicom-web') && answer.status() >= 400)
        failed.push(`${answer.status()} ${answer.url()}`);
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await page.goto(`${origin}/viewer?StudyInstanceUIDs=${study}`);
    const shades = () =>
      page.evaluate<number>(`(() => {
        const canvas = [...document.querySelectorAll('canvas')].sort(
          (a, b) => b.width * b.height - a.width * a.height,
        )[0];
        if (!canvas || canvas.width < 200) return 0;
        const copy = document.createElement('canvas');
        copy.width = 128;
        copy.height = 128;
        const context = copy.getContext('2d');
        if (!context) return 0;
        context.drawImage(canvas, 0, 0, 128, 128);
        const { data } = context.getImageData(0, 0, 128, 128);
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4) seen.add(data[i]);
        return seen.size;
      })()`);
    await expect.poll(shades, { timeout: 90_000, interval: 1_000 }).toBeGreaterThan(20);
    const screenshot = process.env['LIFEBOAT_TEST_SCREENSHOT'];
    if (screenshot) await page.screenshot({ path: screenshot });
    expect(failed).toEqual([]);
  }, 150_000);
});
