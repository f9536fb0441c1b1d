import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Browser, chromium } from 'playwright-core';
import { EXPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import { extractFrame, frameRange } from '../../storage/format/frames.ts';
import type { StudyManifest } from '../../storage/format/manifest.ts';
import { decompress } from '../../viewer/src/features/reading/decode/compressed.ts';
import { pixelFormatOf } from '../../viewer/src/features/reading/decode/pixel-format.ts';
import { CHROMIUM_ARGUMENTS, chromiumPath } from '../support/browser.ts';
import { realFiles, sharedSet } from '../support/files.ts';
import { nodeCodecs } from '../support/node-codecs.ts';
import { ADMIN_PASSWORD, startRouterProcess } from '../support/router.ts';
import { ShapedLine } from '../support/shaped-line.ts';
import { WATCH } from './first-image.ts';
import { type BenchRow, median } from './rows.ts';

const LINE = { bitsPerSecond: 30e6, delayMs: 10 };
const SLICES = 174;
const ROUNDS = 3;
const SIDE = 512;
const ROOT = '1.2.826.0.1.3680043.10.1451.78';
const GIVE_UP_MS = 120_000;

/** Cells of the slices of a real chest CT, 16 bits signed; the first ones again at the end. */
async function* chestSlices(): AsyncGenerator<Uint8Array> {
  const slices = realFiles().filter(({ name }) => name.startsWith('series/ptct_acrin/ct_'));
  for (let n = 0; n < SLICES; n++) {
    const file = readFileSync(slices[n % slices.length]!.path);
    const meta = readFileMeta(file)!;
    const { attributes, pixelData } = describeObjectSync(inMemory(file), meta);
    const { start, end } = frameRange(pixelData!, 0)!;
    const format = pixelFormatOf(attributes, meta.transferSyntaxUID, pixelData);
    const frame = extractFrame(pixelData!, 0, file.subarray(start, end));
    yield new Uint8Array((await decompress(frame, format, nodeCodecs)).bytes);
  }
}

function sliceFile(cells: Uint8Array, n: number): Buffer {
  const header = writePart10(
    {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2'],
      '00080018': ['UI', `${ROOT}.1.${n}`],
      '00080060': ['CS', 'CT'],
      '00100010': ['PN', 'SLOW^LINE'],
      '00100020': ['LO', 'SLOW1'],
      '0020000D': ['UI', ROOT],
      '0020000E': ['UI', `${ROOT}.1`],
      '00200013': ['IS', String(n)],
      '00200032': ['DS', '0', '0', String(n * 2)],
      '00200037': ['DS', '1', '0', '0', '0', '1', '0'],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', SIDE],
      '00280011': ['US', SIDE],
      '00280030': ['DS', '0.9', '0.9'],
      '00280100': ['US', 16],
      '00280101': ['US', 16],
      '00280102': ['US', 15],
      '00280103': ['US', 1],
      '00280120': ['SS', -2000],
      '00281050': ['DS', '40'],
      '00281051': ['DS', '400'],
      '00281052': ['DS', '0'],
      '00281053': ['DS', '1'],
    },
    EXPLICIT_LE,
  );
  const pixelData = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x57, 0, 0, 0, 0, 0, 0]);
  pixelData.writeUInt32LE(cells.length, 8);
  return Buffer.concat([header, pixelData, cells]);
}

/** CPU time of a process and its threads so far, ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

interface Visit {
  firstImageMs: number;
  seriesMs: number;
  bytes: number;
  fromRenditions: number;
}

/** Opens the study in a browser that has nothing cached; times are since navigation began, by the page's own clock. */
async function visit(browser: Browser, url: string, line: ShapedLine, cookie: string): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  try {
    const [name = '', value = ''] = cookie.split('=');
    await context.addCookies([{ name, value, url }]);
    const page = await context.newPage();
    let fromRenditions = 0;
    page.on('request', (request) => {
      if (request.url().includes('/objects/renditions/')) fromRenditions++;
    });
    await page.addInitScript(WATCH);
    await page.addInitScript(`setInterval(() => {
      const bar = document.querySelector('progress.fetched');
      if (bar && bar.max >= ${SLICES} && bar.value >= ${SLICES}) window.seriesMs ??= performance.now();
    }, 10)`);
    const before = line.bytesDown;
    await page.goto(`${url}/viewer?StudyInstanceUIDs=${ROOT}`, { waitUntil: 'commit' });
    const deadline = Date.now() + GIVE_UP_MS;
    while (Date.now() < deadline) {
      const times = await page.evaluate(() => {
        const { firstImageMs, seriesMs } = window as unknown as { firstImageMs?: number; seriesMs?: number };
        return { firstImageMs, seriesMs };
      });
      if (times.firstImageMs !== undefined && times.seriesMs !== undefined)
        return {
          firstImageMs: times.firstImageMs,
          seriesMs: times.seriesMs,
          bytes: line.bytesDown - before,
          fromRenditions,
        };
      await wait(100);
    }
    throw new Error(`the series was not there within ${GIVE_UP_MS / 1000} s`);
  } finally {
    await context.close();
  }
}

export async function run(): Promise<BenchRow[]> {
  if (!sharedSet())
    return [
      { name: 'slow line', value: null, unit: '', target: '', ok: null, note: 'needs the large set of real files' },
    ];
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-bench-'));
  const closers: (() => unknown)[] = [];
  try {
    mkdirSync(join(folder, 'data'));
    const router = await startRouterProcess({
      dataDir: join(folder, 'data'),
      env: { LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD, LIFEBOAT_RENDITIONS: 'true' },
    });
    closers.push(() => router.stop());
    const session = await router.login();
    const pid = router.process.pid!;
    let n = 0;
    let raw = 0;
    for await (const cells of chestSlices()) {
      raw += cells.length;
      const answer = await fetch(`${router.url}/dicom-web/studies`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/dicom', Accept: 'application/dicom+json', Authorization: router.basic },
        body: Uint8Array.from(sliceFile(cells, ++n)),
      });
      if (!answer.ok) throw new Error(`STOW: ${answer.status}`);
    }
    await wait(2_500);
    const cpuBefore = cpuMs(pid);
    const deadline = Date.now() + GIVE_UP_MS;
    for (;;) {
      const manifest = await session.json<StudyManifest>(`/api/studies/${ROOT}/manifest`);
      const made = manifest.series[0]!.instances.filter(({ rendition }) => rendition).length;
      if (made === SLICES) break;
      if (Date.now() > deadline) throw new Error(`${made} renditions were made`);
      await wait(1_000);
    }
    const cpu = (cpuMs(pid) - cpuBefore) / SLICES;
    const renditions = bytesBelow(join(folder, 'data', 'store', 'renditions'));

    const line = await ShapedLine.start({ host: '127.0.0.1', port: Number(new URL(router.url).port) }, LINE);
    closers.push(() => line.stop());
    const url = `http://127.0.0.1:${line.port}`;
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...CHROMIUM_ARGUMENTS] });
    closers.push(() => browser.close());
    const visits: Record<'auto' | 'never', Visit[]> = { auto: [], never: [] };
    for (let round = 0; round < ROUNDS; round++)
      for (const choice of round === 0 ? (['auto', 'never'] as const) : (['auto'] as const)) {
        await session.send('PUT', '/api/preferences', { renditions: choice });
        visits[choice].push(await visit(browser, url, line, session.cookie));
      }
    const rows = (choice: 'auto' | 'never', name: string, first: number | null, whole: number | null): BenchRow[] => {
      const all = visits[choice];
      const row = (what: string, key: 'firstImageMs' | 'seriesMs', limit: number | null): BenchRow => {
        const value = median(all.map((each) => each[key])) / 1000;
        return {
          name: `slow line (30 Mbit/s, 10 ms each way), ${what}, ${name}`,
          value,
          unit: 's',
          target: limit === null ? '' : `<= ${limit} s`,
          ok: limit === null ? null : value <= limit,
          note: all
            .map(
              (each) =>
                `${(each[key] / 1000).toFixed(2)} s, ${(each.bytes / 1e6).toFixed(1)} MB, ${each.fromRenditions} frames from renditions`,
            )
            .join('; '),
        };
      };
      return [row('first image', 'firstImageMs', first), row(`${SLICES} CT slices`, 'seriesMs', whole)];
    };
    return [
      ...rows('never', 'plain bytes', null, null),
      ...rows('auto', 'lossless renditions', 1, 9),
      {
        name: 'renditions, room in the store beside the originals',
        value: (renditions / raw) * 100,
        unit: '%',
        target: '',
        ok: null,
        note: `${(raw / 1e6).toFixed(1)} MB of pixels, ratio ${(raw / renditions).toFixed(2)}`,
      },
      {
        name: 'renditions, CPU of the router for one CT slice (packing and proving)',
        value: cpu,
        unit: 'ms',
        target: '',
        ok: null,
      },
    ];
  } finally {
    for (const close of closers.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  }
}
