import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNative } from '../../viewer/src/features/reading/decode/decode.ts';
import type { DecodedFrame } from '../../viewer/src/features/reading/decode/decode-types.ts';
import { isVideo } from '../../viewer/src/features/reading/study/kinds.ts';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { type OpenedFile, openFile } from '../support/viewer-pixels.ts';

const assets = fileURLToPath(new URL('../../dist/viewer/assets/', import.meta.url));

/** Compressed real files; of a long series, whose slices are alike, one. */
const files = realFiles().filter(
  ({ name, transferSyntax }) =>
    !/^dicomdir\//.test(name) && (!/^series\//.test(name) || /(001|5001025)\.dcm$/.test(name)) && transferSyntax !== '',
);

function digest(frame: DecodedFrame): string {
  const data = frame.kind === 'gray' ? frame.pixels : frame.rgba;
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

/** Sends a frame through the decoding worker of the build, as the page does. @returns SHA-256 of its pixels */
async function decodedIn(page: Page, worker: string, file: OpenedFile, index: number): Promise<string> {
  const { palette, ...format } = file.format;
  return await page.evaluate(
    async ({ url, base64, shape, colours }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const of = (values: number[]) => Uint8Array.from(values);
      const whole = colours && {
        firstMapped: colours.firstMapped,
        red: of(colours.red),
        green: of(colours.green),
        blue: of(colours.blue),
      };
      // One worker for all: its decoders are loaded once.
      const kept = globalThis as { testWorker?: Worker };
      kept.testWorker ??= new Worker(url, { type: 'module' });
      const started = kept.testWorker;
      const answer = await new Promise<{ frame?: { pixels?: Uint8Array; rgba?: Uint8Array }; error?: string }>(
        (resolve, reject) => {
          started.onmessage = (event) => resolve(event.data);
          started.onerror = (event) => reject(new Error(event.message));
          started.postMessage({ id: 1, bytes, format: { ...shape, palette: whole } });
        },
      );
      const pixels = answer.frame?.pixels ?? answer.frame?.rgba;
      if (!pixels) return answer.error ?? 'no answer';
      const own = pixels.buffer.slice(pixels.byteOffset, pixels.byteOffset + pixels.byteLength);
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', own as ArrayBuffer));
      return [...hash].map((value) => value.toString(16).padStart(2, '0')).join('');
    },
    {
      url: worker,
      base64: Buffer.from(await file.encoded(index)).toString('base64'),
      shape: format,
      colours: palette && {
        firstMapped: palette.firstMapped,
        red: [...palette.red],
        green: [...palette.green],
        blue: [...palette.blue],
      },
    },
  );
}

describe.skipIf(!chromiumAvailable() || files.length === 0)('the decoders inside Chromium', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;
  let worker: string;

  beforeAll(async () => {
    router = await startRouter();
    browser = await startBrowser();
    page = await browser.page();
    await page.goto(router.url);
    const name = readdirSync(assets).find((file) => /^decode-worker-.*\.js$/.test(file));
    expect(name, 'the build has its worker').toBeDefined();
    worker = `${router.url}/assets/${name}`;
  });

  afterAll(async () => {
    await browser?.close();
    await router?.close();
  });

  it('give every compressed real file the pixels that are compared with DCMTK and GDCM', async () => {
    const compared = new Map<string, number>();
    const wrong: string[] = [];
    for (const { path, name } of files) {
      const file = await openFile(path);
      if (!file || isNative(file.transferSyntaxUID) || isVideo(file.transferSyntaxUID)) continue;
      for (const index of new Set([0, file.frames - 1])) {
        const expected = digest(await file.decode(index));
        const seen = await decodedIn(page, worker, file, index);
        if (seen !== expected) wrong.push(`${name} frame ${index + 1}: ${seen}`);
      }
      compared.set(file.transferSyntaxUID, (compared.get(file.transferSyntaxUID) ?? 0) + 1);
    }
    expect(wrong).toEqual([]);
    expect(compared.size, 'kinds of compression').toBeGreaterThanOrEqual(3);
  }, 300_000);
});
