import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ball, ballSeries, ballStudy, brokenBallStudy } from '../support/ball-series.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { eventually, type ReadingPage, startReadingPage } from '../support/reading-page.ts';

const views = ['axial', 'coronal', 'sagittal'] as const;

describe.skipIf(!chromiumAvailable())('three planes', () => {
  let reading: ReadingPage;
  const mpr = () => reading.page.locator('.mpr');

  /** Share of a view that is bright, and the middle of it, in parts of the view. */
  const brightIn = async (view: string) =>
    await reading.page.evaluate((name) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`.mpr-pane[data-view=${name}] canvas`)!;
      const { data, width, height } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let [count, x, y] = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4)
        if (data[i]! > 127) {
          count += 1;
          x += (i / 4) % width;
          y += Math.floor(i / 4 / width);
        }
      const shorter = Math.min(width, height);
      return {
        diameter: (2 * Math.sqrt(count / Math.PI)) / shorter,
        x: x / count - width / 2,
        y: y / count - height / 2,
        shorter,
      };
    }, view);

  /** mm across the shorter side of every view. */
  const extent = Math.max(ball.size, ball.slices * ball.sliceStep);

  /** Clicks so many mm right of and below the middle of a view. */
  const clickAt = async (view: string, right: number, below: number) => {
    // No sooner than a hand could: when the view is painted at the size it has now.
    await reading.page.waitForFunction((name) => {
      const pane = document.querySelector<HTMLElement>(`.mpr-pane[data-view=${name}]`)!;
      const { width, height } = pane.querySelector('canvas')!;
      const painted = [width, height].map((pixels) => Math.round(pixels / devicePixelRatio));
      return painted[0] === pane.clientWidth && painted[1] === pane.clientHeight;
    }, view);
    const box = (await reading.page.locator(`.mpr-pane[data-view=${view}]`).boundingBox())!;
    const perMm = Math.min(box.width, box.height) / extent;
    await reading.page.mouse.click(box.x + box.width / 2 + right * perMm, box.y + box.height / 2 + below * perMm);
  };

  beforeAll(async () => {
    reading = await startReadingPage();
    await keepFiles(reading.router.router.context.archive, [...ballSeries(), ...ballSeries(brokenBallStudy, [11])]);
    await reading.open(ballStudy);
    await reading.page.getByRole('button', { name: 'MPR' }).click();
  });
  afterAll(async () => {
    await reading.close();
  });

  it('a ball is a circle of its own size in each of them once the cross is in its middle', async () => {
    await eventually(async () => await mpr().getAttribute('data-slices')).toBe(String(ball.slices));
    const centre = [(ball.size - 1) / 2, (ball.size - 1) / 2, ((ball.slices - 1) * ball.sliceStep) / 2];
    await clickAt('axial', ball.centre[0] - centre[0]!, ball.centre[1] - centre[1]!);
    await clickAt('coronal', ball.centre[0] - centre[0]!, -(ball.centre[2] - centre[2]!));
    for (const view of views)
      await eventually(async () => {
        const { diameter } = await brightIn(view);
        return Math.abs(diameter * extent - 2 * ball.radius) < 1;
      }).toBe(true);
    const axial = await brightIn('axial');
    expect(axial.x / (axial.shorter / extent)).toBeCloseTo(ball.centre[0] - centre[0]!, 0);
    const sagittal = await brightIn('sagittal');
    // Seen from the left: the back at the right, the head above.
    expect(sagittal.x / (sagittal.shorter / extent)).toBeCloseTo(ball.centre[1] - centre[1]!, 0);
    expect(sagittal.y / (sagittal.shorter / extent)).toBeCloseTo(-(ball.centre[2] - centre[2]!), 0);
  });

  /** The plane as pixels: left and right end of what is bright in the row through the middle of it; CSS pixels on the page. */
  const widestIn = async (view: string) => {
    const bright = await brightIn(view);
    const box = (await reading.page.locator(`.mpr-pane[data-view=${view}]`).boundingBox())!;
    return await reading.page.evaluate(
      ({ name, y, left, top }) => {
        const canvas = document.querySelector<HTMLCanvasElement>(`.mpr-pane[data-view=${name}] canvas`)!;
        const row = Math.round(canvas.height / 2 + y);
        const { data } = canvas.getContext('2d')!.getImageData(0, row, canvas.width, 1);
        const lit = [...Array(canvas.width).keys()].filter((x) => data[x * 4]! > 127);
        return { from: left + lit[0]!, to: left + lit.at(-1)! + 1, y: top + row };
      },
      { name: view, y: bright.y, left: box.x, top: box.y },
    );
  };
  const lengthAcross = async (view: string) => {
    const { from, to, y } = await widestIn(view);
    await reading.page.mouse.move(from, y);
    await reading.page.mouse.down();
    await reading.page.mouse.move(to, y, { steps: 4 });
    await reading.page.mouse.up();
    const text = await reading.page.locator(`.mpr-pane[data-view=${view}] .mpr-measurements text`).last().textContent();
    expect(text).toMatch(/^\d+\.\d mm$/);
    return Number.parseFloat(text!);
  };
  const choose = async (tool: string) =>
    await reading.page.locator('.plane-tools').getByRole('button', { name: tool }).click();

  it('the diameter of the ball is measured in millimetres in each plane', async () => {
    await choose('Length');
    expect(await mpr().textContent()).toMatch(/Measurements here are not kept/);
    for (const view of views) expect(Math.abs((await lengthAcross(view)) - 2 * ball.radius), view).toBeLessThan(1);
    expect(await reading.page.locator('.plane-measurement').count()).toBe(3);
    await reading.page.getByRole('button', { name: 'Erase all' }).click();
  });

  it('a value is that of the place and a right angle has 90 degrees', async () => {
    const { from, to, y } = await widestIn('coronal');
    await choose('Value');
    await reading.page.mouse.click((from + to) / 2, y);
    await eventually(async () => await reading.page.locator('.plane-measurement').last().textContent()).toMatch(
      /Coronal 1000 stored value/,
    );
    await choose('Angle');
    await reading.page.mouse.move(from, y);
    await reading.page.mouse.down();
    await reading.page.mouse.move(to, y, { steps: 3 });
    await reading.page.mouse.up();
    await reading.page.mouse.click(to, y + 50);
    await eventually(async () => await reading.page.locator('.plane-measurement').last().textContent()).toMatch(
      /Coronal 90\.0°/,
    );
    await reading.page.getByRole('button', { name: 'Erase all' }).click();
  });

  it('and in a turned plane too; it is drawn in its own plane only, and the list goes back there', async () => {
    const handle = reading.page.locator('.mpr-pane[data-view=axial] .mpr-handle').first();
    const box = (await handle.boundingBox())!;
    await reading.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await reading.page.mouse.down();
    await reading.page.mouse.move(box.x + 40, box.y - 120, { steps: 4 });
    await reading.page.mouse.up();
    const pane = reading.page.locator('.mpr-pane[data-view=coronal]');
    await eventually(async () => await pane.textContent()).toMatch(/oblique/);
    await choose('Length');
    // Until the turned plane is painted.
    await eventually(async () => Math.abs((await brightIn('coronal')).diameter * extent - 2 * ball.radius) < 1).toBe(
      true,
    );
    expect(Math.abs((await lengthAcross('coronal')) - 2 * ball.radius)).toBeLessThan(1);
    const marks = pane.locator('.mpr-measurements text');
    await reading.page.getByRole('button', { name: 'Straight' }).click();
    await eventually(async () => await marks.count()).toBe(0);
    await reading.page.locator('.plane-measurement button').first().click();
    await eventually(async () => await marks.count()).toBe(1);
    expect(await pane.textContent()).toMatch(/oblique/);
    await choose('Cross');
    await reading.page.getByRole('button', { name: 'Straight' }).click();
    const centre = [(ball.size - 1) / 2, (ball.size - 1) / 2, ((ball.slices - 1) * ball.sliceStep) / 2];
    await reading.page.getByRole('button', { name: 'Erase all' }).click();
    await clickAt('axial', ball.centre[0] - centre[0]!, ball.centre[1] - centre[1]!);
    await clickAt('coronal', ball.centre[0] - centre[0]!, -(ball.centre[2] - centre[2]!));
  });

  it('a maximum slab shows the ball also from a plane beside it', async () => {
    const pane = reading.page.locator('.mpr-pane[data-view=axial]');
    await pane.focus();
    for (let i = 0; i < 13; i += 1) await reading.page.keyboard.press('ArrowDown');
    await eventually(async () => (await brightIn('axial')).diameter > 0).toBe(false);
    await reading.page.getByLabel('Slab').selectOption('maximum');
    await reading.page.getByLabel('Thickness').selectOption('20');
    await eventually(async () => (await brightIn('axial')).diameter > 0.1).toBe(true);
    expect(await pane.textContent()).toMatch(/20 mm maximum/);
  });

  it('the page comes back with its images', async () => {
    await reading.page.getByText('Back to the images').click();
    await eventually(async () => await mpr().count()).toBe(0);
    expect(reading.complaints).toEqual([]);
  });

  it('are not made where a slice is missing, and why is said', async () => {
    await reading.open(brokenBallStudy);
    await reading.page.getByRole('button', { name: 'MPR' }).click();
    await eventually(async () => await reading.page.locator('.mpr-none').textContent()).toMatch(
      /varies from 2.0 to 4.0 mm/,
    );
  });
});
