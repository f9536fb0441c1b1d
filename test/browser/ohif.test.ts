import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { realFiles } from '../support/files.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const dist = fileURLToPath(new URL('../peers/node_modules/@ohif/app/dist', import.meta.url));
const series = realFiles().filter((file) => file.name.includes('ct_philips_head_5mm_28'));
const lone = realFiles().filter((file) => /CT_small\.dcm$/.test(file.name));
const files = series.length > 0 ? series : lone.slice(0, 1);

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** OHIF as its makers ship it; `/dicom-web` goes through to the router with a machine client's credentials. */
function serveOhif(router: TestRouter): Server {
  const configuration = `window.config = ${JSON.stringify({
    routerBasename: '/',
    extensions: [],
    modes: [],
    showStudyList: true,
    defaultDataSourceName: 'dicomweb',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'dicomweb',
        configuration: {
          friendlyName: 'router under test',
          name: 'dicomweb',
          qidoRoot: '/dicom-web',
          wadoRoot: '/dicom-web',
          qidoSupportsIncludeField: true,
          imageRendering: 'wadors',
          thumbnailRendering: 'wadors',
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: true,
          supportsWildcard: true,
          bulkDataURI: { enabled: true },
        },
      },
    ],
  })};`;
  return createServer((req, res) => {
    const path = (req.url ?? '/').split('?')[0]!;
    res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    res.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (path === '/app-config.js') {
      res.setHeader('Content-Type', 'text/javascript');
      res.end(configuration);
      return;
    }
    if (path.startsWith('/dicom-web')) {
      const target = new URL(req.url!, router.url);
      const headers = { ...req.headers, authorization: router.basic };
      const forwarded = request(target, { method: req.method, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      forwarded.on('error', () => res.destroy());
      req.pipe(forwarded);
      return;
    }
    const file = join(dist, normalize(path));
    const found = file.startsWith(dist) && extname(file) !== '' && existsSync(file) ? file : join(dist, 'index.html');
    readFile(found).then(
      (bytes) => {
        res.setHeader('Content-Type', TYPES[extname(found)] ?? 'application/octet-stream');
        res.end(bytes);
      },
      () => res.destroy(),
    );
  });
}

describe.skipIf(!existsSync(dist) || !chromiumAvailable() || files.length === 0)('OHIF reads from the router', () => {
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
    server = serveOhif(router);
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
