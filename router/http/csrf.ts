import { timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import { sessionOf } from './principal.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The Origin of a browser's request, where there is one, must be the address it was sent to. */
function sameOrigin(req: Request): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') return false;
  const origin = req.headers.origin;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === req.host;
}

/**
 * Requests that change something: a foreign Origin is refused whoever asks, and with a session cookie the header X-Lifeboat-CSRF
 * must carry the session's token.
 */
export const csrfGuard: RequestHandler = (req, _res, next) => {
  if (SAFE.has(req.method)) return next();
  if (!sameOrigin(req)) throw new LifeboatError('CSRF');
  const session = sessionOf(req);
  if (session && !isSigningIn(req) && !equal(req.get('x-lifeboat-csrf') ?? '', session.csrf))
    throw new LifeboatError('CSRF');
  next();
};

/** Signing in again in a browser that still holds a session: the password is the proof. */
const isSigningIn = (req: Request) => req.method === 'POST' && req.path === '/api/session';

function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
