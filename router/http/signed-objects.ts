import { createHmac, timingSafeEqual } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { ByteRange, ObjectStore } from '../../storage/object-store.ts';

/** Addresses stay the same for this long, so that a browser's cache works, and live for one to two of it, ms. */
const PERIOD_MS = 15 * 60_000;
/** Up to this many bytes are read in one go instead of streamed. */
const ONE_READ = 1024 * 1024;

/** End of life of addresses signed now, UTC ms. */
export function expiryFor(nowMs: number): number {
  return (Math.floor(nowMs / PERIOD_MS) + 2) * PERIOD_MS;
}

/** Makes and checks the embedded store's signed addresses: HMAC-SHA256 over object key and expiry, base64url. */
export class ObjectSigner {
  readonly #secret: Buffer;
  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** Path and query of an object. */
  url(key: string, expiresAtMs: number): string {
    const expires = Math.floor(expiresAtMs / 1000);
    return `/objects/${key}?e=${expires}&s=${this.#signature(key, expires).toString('base64url')}`;
  }

  /** @throws SIGNATURE_INVALID, SIGNATURE_EXPIRED */
  check(key: string, e: unknown, s: unknown, nowMs: number): void {
    if (typeof e !== 'string' || typeof s !== 'string' || !/^\d{1,12}$/.test(e))
      throw new LifeboatError('SIGNATURE_INVALID');
    const expected = this.#signature(key, Number(e));
    const given = Buffer.from(s, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected) || given.toString('base64url') !== s)
      throw new LifeboatError('SIGNATURE_INVALID');
    if (Number(e) * 1000 <= nowMs) throw new LifeboatError('SIGNATURE_EXPIRED');
  }

  #signature(key: string, expires: number): Buffer {
    return createHmac('sha256', this.#secret).update(`${key}\n${expires}`).digest();
  }
}

/**
 * A single byte range of RFC 9110 14.1.2; undefined for none, or for several (which a server may answer with the whole).
 * @throws RANGE_NOT_SATISFIABLE
 */
export function parseRange(header: string | undefined, size: number): Required<ByteRange> | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || end <= start) throw new LifeboatError('RANGE_NOT_SATISFIABLE');
  return { start, end };
}

/** GET and HEAD /objects/KEY?e=…&s=…: no session needed, the signature is the permission for this one object. */
export function signedObjects(store: ObjectStore, signer: ObjectSigner, now: () => number = Date.now): Router {
  const router = Router();
  router.get('/*key', async (req, res) => {
    const key = decodeURIComponent(req.path.slice(1));
    signer.check(key, req.query['e'], req.query['s'], now());
    const secondsLeft = Math.ceil(Number(req.query['e']) - now() / 1000);
    await sendObject(req, res, store, key, secondsLeft);
  });
  return router;
}

/** @param secondsLeft life of the address: a browser keeps its copy no longer */
async function sendObject(
  req: Request,
  res: Response,
  store: ObjectStore,
  key: string,
  secondsLeft: number,
): Promise<void> {
  const info = await store.head(key);
  if (!info) throw new LifeboatError('OBJECT_NOT_FOUND');
  const etag = `"${key.slice(key.lastIndexOf('/') + 1)}"`;
  res.set({
    'Accept-Ranges': 'bytes',
    'Cache-Control': `private, max-age=${secondsLeft}, immutable`,
    'Content-Type': 'application/dicom',
    ETag: etag,
  });
  if (req.headers['if-none-match'] === etag) {
    res.status(304).end();
    return;
  }
  const conditional = req.headers['if-range'];
  let range: Required<ByteRange> | undefined;
  try {
    range = conditional && conditional !== etag ? undefined : parseRange(req.headers.range, info.size);
  } catch (error) {
    res.set({ 'Content-Range': `bytes */${info.size}`, 'Cache-Control': 'no-store' });
    throw error;
  }
  const { start, end } = range ?? { start: 0, end: info.size };
  res.status(range ? 206 : 200).set('Content-Length', String(end - start));
  if (range) res.set('Content-Range', `bytes ${start}-${end - 1}/${info.size}`);
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  if (end - start <= ONE_READ) {
    const bytes = await store.get(key, { start, end });
    if (bytes.length !== end - start) throw new LifeboatError('OBJECT_DAMAGED');
    res.end(bytes);
    return;
  }
  const { body } = await store.stream(key, { start, end });
  try {
    await pipeline(body, res);
  } catch (error) {
    if (!clientLeft(error)) throw error;
  }
}

/** Scrolling past an image cancels its request: that is no error. */
const clientLeft = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
