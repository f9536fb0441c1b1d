/** First image of a 500-slice CT in a started browser with an empty cache: ours, OHIF on Orthanc, and the floor. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Browser, type Cookie, chromium } from 'playwright-core';
import { CHROMIUM_ARGUMENTS, chromiumPath } from '../support/browser.ts';
import { ohifAvailable, serveOhif } from '../support/ohif.ts';
import { ADMIN_PASSWORD, startRouterProcess } from '../support/router.ts';
import { writeCtSeries } from './ct-slices.ts';
import { startOrthancWeb } from './orthanc-web.ts';
import { type BenchRow, median } from './rows.ts';

const SLICES = 500;
const ROUNDS = 5;
const OHIF_ROUNDS = 3;
const STUDY = 815;
const GIVE_UP_MS = 60_000;
const SHADES_OF_A_PICTURE = 12;

/**
 * Watches from inside the page, once a frame: the first canvas of some size with a picture on it (a dozen grey values and
 * more). The time is since navigation began, by the browser's own clock; the same for all three.
 */
export const WATCH = `(() => {
  const copy = document.createElement('canvas');
  copy.width = copy.height = 32;
  const context = copy.getContext('2d', { willReadFrequently: true });
  const look = () => {
    for (const canvas of document.querySelectorAll('canvas')) {
      if (canvas === copy || canvas.width < 200 || canvas.getBoundingClientRect().width < 200) continue;
      context.clearRect(0, 0, 32, 32);
      context.drawImage(canvas, 0, 0, 32, 32);
      const { data } = context.getImageData(0, 0, 32, 32);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) seen.add(data[i]);
      if (seen.size >= ${SHADES_OF_A_PICTURE}) { window.firstImageMs = performance.now(); return; }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()`;

const FLOOR_PAGE = `<!doctype html><title>floor</title><body style="background:#000"><script src="/paint.js"></script>`;
const FLOOR_SCRIPT = `const c = document.createElement('canvas'); c.width = c.height = 512; document.body.append(c);
const x = c.getContext('2d'); const p = x.createImageData(512, 512);
for (let i = 0; i < 512 * 512; i++) { p.data[i * 4] = p.data[i * 4 + 1] = p.data[i * 4 + 2] = (i >> 9) & 255; p.data[i * 4 + 3] = 255; }
x.putImageData(p, 0, 0);`;

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startOrthanc(folder: string, files: readonly string[]) {
  const orthanc = await startOrthancWeb(folder);
  for (const path of files) await fetch(`${orthanc.url}/instances`, { method: 'POST', body: readFileSync(path) });
  return orthanc;
}

async function startOurs(folder: string, files: readonly string[]) {
  mkdirSync(folder, { recursive: true });
  const router = await startRouterProcess({ dataDir: folder, env: { LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD } });
  for (const path of files) {
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/dicom', Accept: 'application/dicom+json', Authorization: router.basic },
      body: readFileSync(path),
    });
    if (!answer.ok) throw new Error(`STOW of ${path}: ${answer.status}`);
  }
  const session = await router.login();
  await wait(2_500);
  const [name = '', value = ''] = session.cookie.split('=');
  return { url: router.url, cookie: { name, value, url: router.url } as unknown as Cookie, stop: () => router.stop() };
}

/** Milliseconds from navigation to the first picture, in a context of its own: nothing cached. */
async function firstImage(browser: Browser, url: string, cookies: Cookie[] = []): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  try {
    await context.addCookies(cookies);
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    await page.goto(url, { waitUntil: 'commit' });
    const deadline = Date.now() + GIVE_UP_MS;
    while (Date.now() < deadline) {
      const ms = await page.evaluate(() => (window as unknown as { firstImageMs?: number }).firstImageMs);
      if (ms !== undefined) return ms;
      await wait(50);
    }
    throw new Error(`no picture within ${GIVE_UP_MS / 1000} s at ${new URL(url).origin}`);
  } finally {
    await context.close();
  }
}

async function studyUid(url: string, authorization?: string): Promise<string> {
  const answer = await fetch(`${url}/dicom-web/studies`, {
    headers: { Accept: 'application/dicom+json', ...(authorization && { Authorization: authorization }) },
  });
  const [study] = (await answer.json()) as Record<string, { Value: string[] }>[];
  return study!['0020000D']!.Value[0]!;
}

export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-bench-'));
  const closers: (() => unknown)[] = [];
  try {
    const files = writeCtSeries(join(folder, 'ct'), SLICES, STUDY);
    const ours = await startOurs(join(folder, 'ours'), files);
    closers.push(ours.stop);
    const orthanc = await startOrthanc(join(folder, 'orthanc'), files);
    closers.push(orthanc.stop);
    const study = await studyUid(orthanc.url);
    const floor = createServer((req, res) => {
      res.setHeader('Content-Type', req.url === '/paint.js' ? 'text/javascript' : 'text/html');
      res.end(req.url === '/paint.js' ? FLOOR_SCRIPT : FLOOR_PAGE);
    });
    closers.push(() => floor.close());
    const floorUrl = await listen(floor);
    const ohif = ohifAvailable() ? serveOhif(orthanc.url) : null;
    if (ohif) closers.push(() => ohif.close());
    const ohifUrl = ohif ? await listen(ohif) : '';
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...CHROMIUM_ARGUMENTS] });
    closers.push(() => browser.close());

    const times = { ours: [] as number[], floor: [] as number[], ohif: [] as number[] };
    await firstImage(browser, floorUrl);
    for (let i = 0; i < ROUNDS; i++) {
      times.floor.push(await firstImage(browser, floorUrl));
      times.ours.push(await firstImage(browser, `${ours.url}/viewer?StudyInstanceUIDs=${study}`, [ours.cookie]));
      if (ohif && i < OHIF_ROUNDS)
        times.ohif.push(await firstImage(browser, `${ohifUrl}/viewer?StudyInstanceUIDs=${study}`));
    }
    const rows: BenchRow[] = [];
    const spread = (values: number[]) => `median of ${values.length}, ${values.map((v) => v.toFixed(0)).join(', ')} ms`;
    rows.push({
      name: 'first image, floor (a page that only paints a ready canvas)',
      value: median(times.floor),
      unit: 'ms',
      target: '',
      ok: null,
      note: spread(times.floor),
    });
    const mine = median(times.ours);
    if (times.ohif.length > 0) {
      const theirs = median(times.ohif);
      rows.push({
        name: 'first image of 500 CT slices, OHIF on Orthanc',
        value: theirs,
        unit: 'ms',
        target: '',
        ok: null,
        note: spread(times.ohif),
      });
      rows.push({
        name: 'first image of 500 CT slices, Lifeboat to OHIF + Orthanc',
        value: theirs / mine,
        unit: 'times faster',
        target: '>= 10',
        ok: theirs / mine >= 10,
      });
    }
    rows.push({
      name: 'first image of 500 CT slices, Lifeboat',
      value: mine,
      unit: 'ms',
      target: '',
      ok: null,
      note: spread(times.ours),
    });
    return rows;
  } finally {
    for (const close of closers.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  }
}
