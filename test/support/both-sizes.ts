import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Folder into which pictures of the pages are put, where somebody wants to look at them. */
export const pictures = process.env['LIFEBOAT_TEST_PICTURES'];

/** On a large screen and on a ward's PC the page does not scroll sideways. Ends at the smaller size. */
export async function fitsBothSizes(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
  for (const [width, height] of [
    [2560, 1440],
    [1366, 768],
  ] as const) {
    await page.setViewportSize({ width, height });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${name} at ${width} scrolls sideways`).toBeLessThanOrEqual(0);
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-${width}.png`), ...options });
  }
}
