import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { type Request, type Response, Router } from 'express';
import type { ViewerBoot } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { uid } from './api-studies.ts';
import type { HttpParts } from './parts.ts';
import { addressOf, principalOf, sessionOf } from './principal.ts';
import { clearSessionCookie, sessionIdOf } from './session-cookie.ts';

const pack = promisify(gzip);
const packBrotli = promisify(brotliCompress);

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = new Set(['.html', '.js', '.mjs', '.css', '.json', '.svg', '.wasm', '.txt']);
/** Where index.html takes what a signed-in page needs. */
const BOOT_PLACE = '<!--lifeboat-boot-->';

interface Asset {
  type: string;
  etag: string;
  immutable: boolean;
  plain: Buffer;
  compressible: boolean;
  encoded: Map<'br' | 'gzip', Promise<Buffer>>;
}

/** The built viewer: assets from memory, compressed when first asked for; every other page is index.html. */
export class ViewerFiles {
  readonly #dir: string;
  readonly #assets = new Map<string, Promise<Asset>>();
  #names: Promise<Set<string>> | undefined;
  #builtAt = 0;
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The file of that path below the build's folder; undefined when it is none of the build's. */
  async asset(path: string): Promise<Asset | undefined> {
    await this.#refresh();
    this.#names ??= listFiles(this.#dir);
    if (!(await this.#names).has(path)) return undefined;
    let asset = this.#assets.get(path);
    if (!asset) {
      asset = load(this.#dir, path, (await this.#names).has(`${path}.br`));
      asset.catch(() => this.#assets.delete(path));
      this.#assets.set(path, asset);
    }
    return asset;
  }

  /** Forget everything when the viewer was built anew. */
  async #refresh(): Promise<void> {
    const found = await stat(join(this.#dir, 'index.html')).catch(() => undefined);
    if (!found)
      throw new LifeboatError('NOT_FOUND', 'The viewer is not built yet; run `npm start`, or `npm run build` once.');
    if (found.mtimeMs === this.#builtAt) return;
    this.#builtAt = found.mtimeMs;
    this.#names = undefined;
    this.#assets.clear();
  }
}

async function listFiles(dir: string): Promise<Set<string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return new Set(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(dir.length + 1)
          .replaceAll('\\', '/'),
      ),
  );
}

async function load(dir: string, path: string, packed: boolean): Promise<Asset> {
  const plain = await readFile(join(dir, path));
  return {
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    immutable: path.startsWith('assets/'),
    plain,
    compressible: COMPRESSIBLE.has(extname(path)) && plain.length > 1024,
    encoded: new Map(packed ? [['br', readFile(join(dir, `${path}.br`))]] : []),
  };
}

async function sendAsset(req: Request, res: Response, asset: Asset): Promise<void> {
  res.set({
    'Content-Type': asset.type,
    'Cache-Control': asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: asset.etag,
    Vary: 'Accept-Encoding',
  });
  if (req.headers['if-none-match'] === asset.etag) {
    res.status(304).end();
    return;
  }
  const encoding = asset.compressible && (req.acceptsEncodings('br') || req.acceptsEncodings('gzip'));
  let body = asset.plain;
  if (encoding === 'br' || encoding === 'gzip') {
    let packed = asset.encoded.get(encoding);
    if (!packed) {
      packed =
        encoding === 'br'
          ? packBrotli(asset.plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
          : pack(asset.plain, { level: 6 });
      asset.encoded.set(encoding, packed);
    }
    body = await packed;
    res.set('Content-Encoding', encoding);
  }
  res.set('Content-Length', String(body.length)).end(body);
}

/** JSON that stays JSON inside <script>: no `<`, and no line separators that older parsers trip over. */
export function scriptSafeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Serves the build below `dir`; pages of signed-in people carry a ViewerBoot. */
export function viewerPages(parts: HttpParts, dir: string): Router {
  const router = Router();
  const files = new ViewerFiles(dir);

  router.get('/*path', async (req, res, next) => {
    const path = decodeURIComponent(req.path.slice(1));
    const asset = path && path !== 'index.html' ? await files.asset(path) : undefined;
    if (asset) return sendAsset(req, res, asset);
    if (extname(path) && path !== 'index.html') return next();
    await sendPage(req, res);
  });
  router.get('/', (req, res) => sendPage(req, res));

  async function sendPage(req: Request, res: Response): Promise<void> {
    const index = await files.asset('index.html');
    if (!index) throw new LifeboatError('NOT_FOUND');
    let html = index.plain.toString('utf8');
    if (req.path.slice(1).includes('/')) html = html.replace('<head>', '<head><base href="/">');
    if (sessionIdOf(req) && !sessionOf(req)) {
      // A session that ended by itself: what this browser still holds of patients goes, as after signing out.
      clearSessionCookie(req, res);
      res.set('Clear-Site-Data', '"cache", "storage"');
    }
    const boot = await bootOf(req);
    if (boot) {
      const script = `<script type="application/json" id="lifeboat-boot">${scriptSafeJson(boot)}</script>`;
      html = html.replace(BOOT_PLACE, () => script);
    }
    const plain = Buffer.from(html, 'utf8');
    res.set({ 'Content-Type': TYPES['.html'], 'Cache-Control': 'no-store', Vary: 'Accept-Encoding, Cookie' });
    if (plain.length > 4096 && req.acceptsEncodings('gzip') === 'gzip') {
      const packed = await pack(plain, { level: constants.Z_BEST_SPEED });
      res.set({ 'Content-Encoding': 'gzip', 'Content-Length': String(packed.length) }).end(packed);
    } else res.set('Content-Length', String(plain.length)).end(plain);
  }

  async function bootOf(req: Request): Promise<ViewerBoot | undefined> {
    const session = sessionOf(req);
    if (!session || session.mustChangePassword) return undefined;
    const asked = req.path === '/viewer' ? uid.safeParse(firstUid(req.query['StudyInstanceUIDs'])) : undefined;
    const mayRead = principalOf(req)?.scopes.has('api');
    const [status, study] = await Promise.all([
      parts.status.get(),
      asked?.success && mayRead ? bootStudy(req, session.user, asked.data) : undefined,
    ]);
    const preferences = mayRead ? parts.control.preferences.of(session.user) : undefined;
    return { session, status, ...(study && { study }), ...(preferences && { preferences }) };
  }

  /** A store that is away must not keep the page from opening: it says so itself. */
  async function bootStudy(req: Request, user: string, object: string): Promise<ViewerBoot['study']> {
    try {
      const study = await parts.manifests.boot(object);
      if (study)
        parts.digest.note({ user, address: addressOf(req), action: 'view', object, detail: 'viewer', outcome: 'ok' });
      return study;
    } catch (error) {
      parts.log.warn({ err: error, study: object }, 'the page opens without its study');
      return undefined;
    }
  }
  return router;
}

function firstUid(value: unknown): string | undefined {
  const one = Array.isArray(value) ? value[0] : value;
  return typeof one === 'string' ? one.split(/[,\\]/)[0] : undefined;
}
