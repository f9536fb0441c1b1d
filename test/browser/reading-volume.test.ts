import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ball, ballSeries, ballStudy } from '../support/ball-series.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import {
  addressOf,
  eventually,
  holdObjects,
  type ReadingPage,
  shown,
  startReadingPage,
} from '../support/reading-page.ts';

/** A ball of 100 HU: below what the bone preset shows. */
const softStudy = '2.25.3950';
const softValue = 100;
/** mm across the shorter side of the pane. */
const extent = Math.max(ball.size, ball.slices * ball.sliceStep);
/** Middle of the ball, from the middle of the volume; mm. */
const offset = [0, 1, 2].map((n) => ball.centre[n]! - ((n < 2 ? ball.size : ball.slices) - 1) * (n < 2 ? 0.5 : 1));

describe.skipIf(!chromiumAvailable())('the volume view', () => {
  let reading: ReadingPage;

  /** What the pane shows once nothing changes: mm across what is lit, where its middle is, and its brightest grey. */
  const seen = async (page: Page, least: number) => {
    await page.waitForFunction(
      () => document.querySelector<HTMLElement>('.volume-pane canvas')?.dataset['quality'] === 'fine',
      undefined,
      { timeout: 15_000 },
    );
    return await page.evaluate(
      ({ least, extent }) => {
        const canvas = document.querySelector<HTMLCanvasElement>('.volume-pane canvas')!;
        const { data, width, height } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        let [count, x, y, most] = [0, 0, 0, 0];
        for (let i = 0; i < data.length; i += 4) {
          const light = Math.max(data[i]!, data[i + 1]!, data[i + 2]!);
          most = Math.max(most, light);
          if (light < least) continue;
          count += 1;
          x += (i / 4) % width;
          y += Math.floor(i / 4 / width);
        }
        const mm = extent / Math.min(width, height);
        return {
          diameter: 2 * Math.sqrt(count / Math.PI) * mm,
          x: (x / count - width / 2) * mm,
          y: (y / count - height / 2) * mm,
          most,
        };
      },
      { least, extent },
    );
  };
  /** Does something that is drawn anew, and waits until that has begun. */
  const anew = async (page: Page, act: () => Promise<unknown>) => {
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('.volume-pane canvas')!.dataset['quality'] = 'old';
    });
    await act();
  };
  const pane = (page = reading.page) => page.locator('.volume-pane');
  const choose = async (page: Page, preset: string) =>
    await anew(page, () => pane(page).getByLabel('Shown').selectOption(preset));
  const openVolume = async (page: Page) => {
    await page.getByRole('button', { name: 'MPR' }).click();
    await page.getByRole('button', { name: '3D', exact: true }).click();
  };

  beforeAll(async () => {
    reading = await startReadingPage();
    // Small, because the pixels are drawn by the processor here.
    await reading.page.setViewportSize({ width: 1000, height: 640 });
    const { archive } = reading.router.router.context;
    await keepFiles(archive, [...ballSeries(), ...ballSeries(softStudy, [], softValue)]);
  });
  afterAll(async () => {
    await reading.close();
  });

  it('shows nothing before the last slice has come, and says what it waits for', async () => {
    const held = await holdObjects(reading.page, `${ballStudy}.1.23.`);
    await reading.open(ballStudy);
    await openVolume(reading.page);
    await eventually(async () => await pane().textContent()).toMatch(/when all its slices have come: 23 of 24/);
    expect(await pane().getAttribute('data-state')).toBe('waiting');
    expect(await pane().locator('canvas').isVisible()).toBe(false);
    await held.release();
    await eventually(async () => await pane().getAttribute('data-state')).toBe('ready');
    expect(await pane().textContent()).toMatch(/do not measure or decide on it alone/);
  });

  it('a ball is a disc of its own size in its own place from every side', async () => {
    await choose(reading.page, 'mip');
    const [x, y, z] = offset as [number, number, number];
    for (const [name, across, below] of [
      ['From the front', x, -z],
      ['From the left side', y, -z],
      ['From above', x, -y],
    ] as const) {
      const before = pane().getByRole('button', { name });
      await anew(reading.page, () => before.click());
      const disc = await seen(reading.page, 128);
      expect(Math.abs(disc.diameter - 2 * ball.radius), `${name}: ${disc.diameter} mm`).toBeLessThan(1.5);
      expect(Math.abs(disc.x - across), `${name}: x ${disc.x}`).toBeLessThan(0.8);
      expect(Math.abs(disc.y - below), `${name}: y ${disc.y}`).toBeLessThan(0.8);
      expect(disc.most).toBe(255);
    }
  });

  it('turns and enlarges by keys and by the mouse: still a disc, and twice as wide', async () => {
    await anew(reading.page, () => pane().getByRole('button', { name: 'From the front' }).click());
    await seen(reading.page, 128);
    await pane().focus();
    await anew(reading.page, () => reading.page.keyboard.press('ArrowRight'));
    const [x, y] = offset as [number, number];
    const angle = Math.PI / 18;
    const turned = await seen(reading.page, 128);
    expect(Math.abs(turned.x - (x * Math.cos(angle) - y * Math.sin(angle)))).toBeLessThan(0.8);
    expect(Math.abs(turned.diameter - 2 * ball.radius)).toBeLessThan(1.5);
    const box = (await pane().boundingBox())!;
    await reading.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await anew(reading.page, async () => {
      await reading.page.mouse.down();
      await reading.page.mouse.move(box.x + box.width / 2 + 60, box.y + box.height / 2 + 40, { steps: 3 });
      await reading.page.mouse.up();
    });
    expect(Math.abs((await seen(reading.page, 128)).diameter - 2 * ball.radius)).toBeLessThan(1.5);
    await anew(reading.page, async () => {
      for (let n = 0; n < 3; n += 1) await reading.page.mouse.wheel(0, -100);
    });
    const larger = await seen(reading.page, 128);
    expect(Math.abs(larger.diameter / 1.1 ** 3 - 2 * ball.radius)).toBeLessThan(1.5);
  });

  it('the bone preset shows bone and hides what is softer; the greatest value keeps its grey', async () => {
    await choose(reading.page, 'bone');
    expect((await seen(reading.page, 20)).diameter).toBeGreaterThan(15);
    await reading.open(softStudy);
    await openVolume(reading.page);
    await eventually(async () => await pane().getAttribute('data-state')).toBe('ready');
    expect((await seen(reading.page, 1)).most).toBe(0);
    expect(await pane().textContent()).toMatch(/nothing below 150 HU/);
    await choose(reading.page, 'softTissue');
    expect((await seen(reading.page, 20)).most).toBeGreaterThan(40);
    await choose(reading.page, 'mip');
    // Centre 500, width 1000, PS3.3 C.11.2.1.2.1.
    const grey = 255 * ((softValue - 499.5) / 999 + 0.5);
    expect(Math.abs((await seen(reading.page, 12)).most - grey)).toBeLessThanOrEqual(1.5);
    expect(reading.complaints).toEqual([]);
  });

  it('a volume larger than the card takes is made coarser, and that is said', async () => {
    const page = await reading.browser.page({ width: 1000, height: 640 });
    await page.addInitScript(() => {
      const { getParameter } = WebGL2RenderingContext.prototype;
      WebGL2RenderingContext.prototype.getParameter = function (name: number) {
        return name === this.MAX_3D_TEXTURE_SIZE ? 32 : (getParameter.call(this, name) as unknown);
      };
    });
    await page.goto(`${reading.router.url}${addressOf([ballStudy])}`);
    await shown(page);
    await openVolume(page);
    await eventually(async () => await pane(page).textContent()).toMatch(/Coarser than the images.*2 × 2 × 1/);
    await choose(page, 'mip');
    expect(Math.abs((await seen(page, 128)).diameter - 2 * ball.radius)).toBeLessThan(2);
    await page.close();
  });

  it('without WebGL2 it says so, and the planes are there all the same', async () => {
    const page = await reading.browser.page({ width: 1000, height: 640 });
    await page.addInitScript(() => {
      const { getContext } = HTMLCanvasElement.prototype;
      HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, options?: unknown) {
        return kind === 'webgl2' ? null : (getContext as (...all: unknown[]) => unknown).call(this, kind, options);
      } as typeof getContext;
    });
    await page.goto(`${reading.router.url}${addressOf([ballStudy])}`);
    await shown(page);
    await openVolume(page);
    await eventually(async () => await pane(page).textContent()).toMatch(/no 3D graphics \(WebGL2\).*read on them/);
    await eventually(async () => await page.locator('.mpr').getAttribute('data-slices')).toBe(String(ball.slices));
    expect(await page.locator('.mpr-pane[data-view] canvas').count()).toBe(3);
    await page.close();
  });
});
