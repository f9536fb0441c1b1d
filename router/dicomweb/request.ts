import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Scope } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { isAcceptableUid } from '../../storage/format/uid.ts';
import type { Principal } from '../access/access-types.ts';
import type { Config } from '../config.ts';

/** Where we are and who asks, worked out once a request. */
export interface Caller {
  /** Absolute address of the DICOMweb root, no slash at the end, as the client sees it. */
  root: string;
  user: string;
  address: string;
}

const hostPattern = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;

/** A UID out of an address or query (PS3.5 9.1, leading zeros in components tolerated); BAD_REQUEST otherwise. */
export function checkedUid(value: unknown, name: string): string {
  if (typeof value === 'string' && isAcceptableUid(value)) return value;
  throw new LifeboatError('BAD_REQUEST', `${name} is not a UID: digits and dots, at most 64 characters.`);
}

/**
 * Address of the DICOMweb root for RetrieveURL and BulkDataURI: `Host` as sent, or `X-Forwarded-Proto`/`-Host` when a
 * trusted proxy stands in front.
 */
export function rootOf(req: Request, config: Pick<Config, 'trustProxy' | 'tls'>): string {
  const first = (name: string) => req.headers[name]?.toString().split(',')[0]?.trim();
  const forwarded = config.trustProxy ? first('x-forwarded-host') : undefined;
  const host = forwarded ?? req.headers.host ?? '';
  const proto = config.trustProxy ? first('x-forwarded-proto') : undefined;
  const scheme = proto === 'https' || proto === 'http' ? proto : config.tls ? 'https' : 'http';
  const prefix = config.trustProxy ? (first('x-forwarded-prefix') ?? '').replace(/\/+$/, '') : '';
  const path = /^(\/[\w.~-]+)*$/.test(prefix) ? `${prefix}${req.baseUrl}` : req.baseUrl;
  return hostPattern.test(host) ? `${scheme}://${host}${path}` : path;
}

/** The signed-in person or token as put there by the access middleware. */
export function principalOf(req: Request): Principal | undefined {
  return (req as Request & { principal?: Principal }).principal;
}

/** Errors: UNAUTHENTICATED for nobody, FORBIDDEN for one whose role or token does not hold `scope`. */
export function requireScope(req: Request, scope: Scope): void {
  const principal = principalOf(req);
  if (!principal) throw new LifeboatError('UNAUTHENTICATED');
  if (!principal.scopes.has(scope)) throw new LifeboatError('FORBIDDEN');
}

/** @see Caller */
export function callerOf(req: Request, config: Config): Caller {
  const principal = principalOf(req);
  return {
    root: rootOf(req, config),
    user: principal?.name ?? 'anonymous',
    address: principal?.address ?? req.socket.remoteAddress ?? '',
  };
}

/** One value of a query parameter that may be given once; undefined when absent, BAD_REQUEST when repeated. */
export function single(req: Request, name: string): string | undefined {
  const values = queryOf(req).getAll(name);
  if (values.length > 1) throw new LifeboatError('BAD_REQUEST', `The parameter ${name} is given more than once.`);
  return values[0];
}

/** The query string, decoded by the URL standard (no nesting, no arrays by bracket). */
export function queryOf(req: Request): URLSearchParams {
  const at = req.originalUrl.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : req.originalUrl.slice(at + 1));
}

/** A route parameter. */
export function param(req: Request, name: string): string | undefined {
  const value = (req.params as Record<string, string | string[] | undefined>)[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Hands a rejected handler to the error handler. */
export function handle(work: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return (req: Request, res: Response, next: NextFunction) => {
    work(req, res).catch(next);
  };
}
