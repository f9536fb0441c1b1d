import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { ApiError } from '../../contract/api.ts';
import { asLifeboatError, type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import type { AuditDigest } from '../access/audit-digest.ts';
import type { Control } from '../access/control.ts';
import { addressOf, principalOf } from './principal.ts';

/** Refusals that IT must be able to see; a plain 401 without credentials is none. */
const NOTEWORTHY = new Set<ErrorCode>([
  'FORBIDDEN',
  'PASSWORD_CHANGE_REQUIRED',
  'CSRF',
  'SIGNATURE_INVALID',
  'LOCKED_OUT',
  'BAD_CREDENTIALS',
]);
/** Those which the sign-in has audited itself. */
const AUDITED = new Set<ErrorCode>(['LOCKED_OUT', 'BAD_CREDENTIALS']);

/** Express' and body parsers' own errors carry a status; they become the nearest code of ours. */
function translate(error: unknown): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown };
  if (status === 413) return new LifeboatError('PAYLOAD_TOO_LARGE', undefined, { cause: error });
  if (status === 415) return new LifeboatError('UNSUPPORTED_MEDIA_TYPE', undefined, { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const detail = type === 'entity.parse.failed' ? 'The request body is not valid JSON.' : undefined;
    return new LifeboatError('BAD_REQUEST', detail, { cause: error });
  }
  if (error instanceof URIError)
    return new LifeboatError('BAD_REQUEST', 'The address cannot be decoded.', { cause: error });
  return asLifeboatError(error);
}

/** A browser's own script handles a 401 itself; the browser's password dialog is for people who open the address. */
function wantsChallenge(req: Request): boolean {
  return req.headers['sec-fetch-site'] === undefined || req.headers['sec-fetch-mode'] === 'navigate';
}

/** Answers every error as `ApiError` JSON; logs what is our fault, shows IT what was refused. */
export function errorHandler(control: Control, digest: AuditDigest, log: Logger): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    const error = translate(thrown);
    if (req.destroyed && !res.headersSent && error.http >= 500) {
      log.debug({ err: thrown, url: pathOf(req) }, 'client went away');
      res.destroy();
      return;
    }
    // BUSY is what strangers can bring about as often as they like; the sign-in counts it in the audit trail.
    if (error.http >= 500 && error.code !== 'BUSY')
      log.error({ err: thrown, method: req.method, path: pathOf(req) }, error.message);
    if (NOTEWORTHY.has(error.code)) {
      const address = addressOf(req);
      const principal = principalOf(req);
      const user = principal?.name ?? 'nobody';
      const event = {
        user,
        address,
        action: 'refusal',
        object: pathOf(req).slice(0, 200),
        detail: error.code,
        outcome: 'refused' as const,
      };
      const row = { channel: 'HTTP', peer: `${user}@${address}`, code: error.code, message: error.message };
      const first = AUDITED.has(error.code)
        ? !digest.isCountingStranger(address)
        : principal
          ? digest.note(event)
          : digest.noteStranger(event);
      if (first) control.refused(row);
      else control.onRefused?.(row);
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (
      error.http === 401 &&
      /^\/(dicom-web|metrics)(\/|$)/.test(req.originalUrl.split('?')[0]!) &&
      wantsChallenge(req)
    )
      res.setHeader('WWW-Authenticate', 'Basic realm="Lifeboat", charset="UTF-8", Bearer realm="Lifeboat"');
    sendError(res, error);
  };
}

export function sendError(res: Response, error: LifeboatError): void {
  const body: ApiError = { code: error.code, message: error.message };
  res.removeHeader('Content-Encoding');
  res.status(error.http).set('Cache-Control', 'no-store').json(body);
}

/** Path without the query (which may carry patient names and signatures). */
export function pathOf(req: Request): string {
  return req.originalUrl.split('?')[0]!;
}
