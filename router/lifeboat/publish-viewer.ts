import { readdir, readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { asLifeboatError } from '../../contract/errors.ts';
import type { BucketBoot } from '../../contract/lifeboat.ts';
import { checkKey } from '../../storage/keys.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

export const VIEWER = 'viewer/';
/** The build that comes with this program. */
export const VIEWER_DIR = resolve(import.meta.dirname, '../../dist/viewer');
const BOOT_PLACE = '<!--lifeboat-boot-->';
/** Files of earlier versions stay so long: somebody may have the page open. */
const KEEP_OLD_MS = 30 * 86_400_000;

/**
 * The same as the router's own header, as far as a page may say it of itself (`frame-ancestors` it may not; the page looks for
 * that by itself).
 */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; " +
  "img-src 'self' data: blob:; media-src 'self' blob:; frame-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; " +
  "base-uri 'self'; form-action 'none'";

export const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

export interface Published {
  /** What is in the store now: `newer` when a newer version of the program published before. */
  state: 'published' | 'newer' | 'no-build';
  version: string;
  publishedAt: string | null;
  written: number;
}

/** index.html for the store: with its policy, and with what switches lifeboat mode on. */
export function bucketPage(html: string, boot: BucketBoot): string {
  const json = JSON.stringify(boot).replaceAll('<', '\\u003c');
  return html
    .replace('<head>', () => `<head>\n    <meta http-equiv="Content-Security-Policy" content="${POLICY}" />`)
    .replace(BOOT_PLACE, () => `<script type="application/json" id="lifeboat-bucket">${json}</script>`);
}

/** What a published page says of itself; null when it is none. */
export function bootOfPage(html: string): BucketBoot | null {
  const said = /<script type="application\/json" id="lifeboat-bucket">([^<]*)<\/script>/.exec(html)?.[1];
  if (!said) return null;
  try {
    return JSON.parse(said) as BucketBoot;
  } catch {
    return null;
  }
}

/**
 * Puts the built viewer into the store below `viewer/`, index.html last: until then the former one goes on with its own files,
 * which stay. Every file is compared byte for byte with what is there, and only what differs is written; whoever broke off in
 * between begins again. A version newer than ours is left alone.
 * @throws STORE_UNAVAILABLE
 */
export async function publishViewer(
  store: ObjectStore,
  build: string,
  about: Omit<BucketBoot, 'publishedAt'>,
  onWritten: (key: string) => void = () => undefined,
): Promise<Published> {
  const names = await filesOf(build);
  if (!names) return { state: 'no-build', version: '', publishedAt: null, written: 0 };
  const known = await textOf(store, `${VIEWER}index.html`);
  const before = known === null ? null : bootOfPage(known);
  if (before && compareVersions(before.version, about.version) > 0)
    return { state: 'newer', version: before.version, publishedAt: before.publishedAt, written: 0 };
  let written = 0;
  const put = async (name: string, body: Buffer) => {
    const key = VIEWER + name;
    checkKey(key);
    const there = await bytesOf(store, key);
    if (there?.equals(body)) return;
    await store.put(key, body, {
      contentType: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
      cacheControl: name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
    written++;
    onWritten(key);
  };
  for (const name of names) if (name !== 'index.html') await put(name, await readFile(join(build, name)));
  const html = await readFile(join(build, 'index.html'), 'utf8');
  const same = before && written === 0 && known === bucketPage(html, { ...about, publishedAt: before.publishedAt });
  const publishedAt = same ? before.publishedAt : new Date().toISOString();
  await put('index.html', Buffer.from(bucketPage(html, { ...about, publishedAt })));
  await removeOld(store, names);
  return { state: 'published', version: about.version, publishedAt, written };
}

/** Names below the build's folder; packed copies are the router's own. null: there is no build. */
async function filesOf(build: string): Promise<string[] | null> {
  const entries = await readdir(build, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.br'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(build.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
  return names.includes('index.html') ? names : null;
}

async function bytesOf(store: ObjectStore, key: string): Promise<Buffer | null> {
  try {
    return await store.get(key);
  } catch (error) {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return null;
    throw error;
  }
}

const textOf = async (store: ObjectStore, key: string) => (await bytesOf(store, key))?.toString('utf8') ?? null;

/** Whoever may not delete keeps them for ever, which does no harm. */
async function removeOld(store: ObjectStore, names: string[]): Promise<void> {
  const current = new Set(names.map((name) => VIEWER + name));
  for await (const { key, modifiedMs = Date.now() } of store.list(`${VIEWER}assets/`))
    if (!current.has(key) && Date.now() - modifiedMs > KEEP_OLD_MS) await store.delete(key).catch(() => undefined);
}

/** By their numbers; what follows a hyphen does not count. */
function compareVersions(a: string, b: string): number {
  const numbers = (text: string) => text.split('-')[0]!.split('.').map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) - (right[i] ?? 0);
  return 0;
}
