import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Software WebGL, no calls home; as root without a sandbox. */
export const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
] as const;

/** The program, or undefined where there is none. */
export function chromiumPath(): string | undefined {
  const named = process.env['LIFEBOAT_CHROMIUM'];
  return (named ? [named] : candidates).find((path) => existsSync(path));
}

/** Whether this machine has a Chromium to test with. */
export function chromiumAvailable(): boolean {
  return chromiumPath() !== undefined;
}

export interface TestBrowser {
  context: BrowserContext;
  /** A new tab of 1366 by 768 (a ward PC) unless told otherwise. */
  page(size?: { width: number; height: number }): Promise<Page>;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

/** Starts headless Chromium with a fresh profile: nothing cached, nobody signed in. */
export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error('no Chromium on this machine');
  const profile = await mkdtemp(join(tmpdir(), 'lifeboat-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1366, height: 768 },
    args: [...CHROMIUM_ARGUMENTS],
  });
  return {
    context,
    page: async (size) => {
      const page = await context.newPage();
      if (size) await page.setViewportSize(size);
      return page;
    },
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Lets the browser's tabs be the person that `cookie` (`name=value`) belongs to. */
export async function useCookie(context: BrowserContext, url: string, cookie: string): Promise<void> {
  const [name, ...value] = cookie.split('=');
  await context.addCookies([{ name: name!, value: value.join('='), url }]);
}
