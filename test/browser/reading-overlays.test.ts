import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { overlayFiles, overlayStudy } from '../support/overlay-study.ts';
import { eventually, panePictures, type ReadingPage, startReadingPage } from '../support/reading-page.ts';

describe.skipIf(!chromiumAvailable())('overlays on the pictures', () => {
  let reading: ReadingPage;
  const toggle = async (kind: string) =>
    await reading.page.locator('.overlay-list button', { hasText: kind }).first().click();
  const goTo = async (n: number) => {
    await reading.page.keyboard.press('Home');
    for (let i = 0; i < n; i += 1) await reading.page.keyboard.press('ArrowDown');
    await eventually(async () => (await panePictures(reading.page))[0]).toContain(`2.25.201${n}.`);
  };

  /** Centre and size of what is coloured, in image pixels. */
  const coloured = async () =>
    await reading.page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.overlay-masks');
      if (!canvas) return null;
      const { data, width, height } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const scale = Math.min(width, height) / 64;
      let [left, right, top, bottom] = [width, 0, height, 0];
      for (let i = 3; i < data.length; i += 4) {
        if (data[i] === 0) continue;
        const [x, y] = [((i - 3) / 4) % width, Math.floor((i - 3) / 4 / width)];
        [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      }
      const edge = (value: number, whole: number) => Math.round((value - (whole - 64 * scale) / 2) / scale);
      return [edge(left, width), edge(right + 1, width), edge(top, height), edge(bottom + 1, height)];
    });

  beforeAll(async () => {
    reading = await startReadingPage();
    await keepFiles(reading.router.router.context.archive, overlayFiles());
    await reading.open(overlayStudy);
  });
  afterAll(async () => {
    await reading.close();
  });

  it('count as shown', async () => {
    await eventually(async () => await reading.page.locator('.all-shown').textContent()).toMatch(/All 6 objects/);
  });

  it('a segment lies on its slice, at its place, and on no other', async () => {
    await toggle('Segmentation');
    await goTo(1);
    await eventually(coloured).toEqual([16, 32, 8, 16]);
    await goTo(0);
    await eventually(coloured).toBeNull();
    await goTo(1);
    await eventually(coloured).not.toBeNull();
    await reading.page.getByLabel('Lesion').click();
    await eventually(coloured).toBeNull();
    await toggle('Segmentation');
  });

  it('structures are drawn as lines on their slice', async () => {
    await toggle('Structures');
    await goTo(0);
    const shapes = reading.page.locator('.overlay-shapes path');
    await eventually(async () => await shapes.count()).toBe(1);
    expect(await shapes.first().getAttribute('stroke')).toBe('rgb(0 255 0)');
    await goTo(1);
    await eventually(async () => await shapes.count()).toBe(0);
    await toggle('Structures');
  });

  it('a presentation state leads to its picture and gives it its window, mirror and words', async () => {
    await toggle('Presentation state');
    await reading.page.getByText('Go to its image').click();
    await eventually(async () => (await panePictures(reading.page))[0]).toContain('2.25.2012.');
    await eventually(async () => await reading.page.locator('.overlay-shapes').textContent()).toContain('Look here');
    await eventually(async () => await reading.page.locator('.window-text').textContent()).toMatch(/C 1000 W 500/);
    // Values grow to the right; mirrored and inverse they are dark at the right where they are small.
    const light = await reading.page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.picture')!;
      const context = canvas.getContext('2d')!;
      const scale = Math.min(canvas.width, canvas.height) / 64;
      const left = (canvas.width - 64 * scale) / 2;
      const at = (column: number) =>
        context.getImageData(left + (column + 0.5) * scale, canvas.height / 2, 1, 1).data[0]!;
      return [at(2), at(61)];
    });
    expect(light).toEqual([0, 255]);
    await toggle('Presentation state');
    await eventually(async () => await reading.page.locator('.window-text').textContent()).not.toMatch(/C 1000/);
  });

  it('the page breaks no rule of its own', () => {
    expect(reading.complaints).toEqual([]);
  });
});
