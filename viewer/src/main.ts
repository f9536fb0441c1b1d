import type { BucketBoot } from '../../contract/lifeboat.ts';
import { noticesOf } from './app/notices.ts';
import { paintFirstImage } from './features/reading/first-image.ts';
import { readBoot } from './shared/api/client.ts';

/** React waits for the first image this long at most. */
const headStartMs = 1500;

async function firstImage(): Promise<void> {
  const boot = readBoot();
  if (!boot || !location.pathname.endsWith('/viewer')) return;
  try {
    await paintFirstImage(noticesOf(boot.status, true).map(({ text }) => text));
  } catch (error) {
    // The reading page asks for the same image again and says why it cannot be shown.
    console.warn('first image', error);
  }
}

async function start(): Promise<void> {
  const bucket = document.getElementById('lifeboat-bucket')?.textContent;
  if (bucket) {
    const { startLifeboatApp } = await import('./app/lifeboat-app.tsx');
    startLifeboatApp(JSON.parse(bucket) as BucketBoot);
    return;
  }
  await Promise.race([firstImage(), new Promise((resolve) => setTimeout(resolve, headStartMs))]);
  const { startApp } = await import('./app/app.tsx');
  await startApp();
}

void start();
