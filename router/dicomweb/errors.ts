import type { ErrorRequestHandler, Response } from 'express';
import { asLifeboatError, type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import type { RouterContext } from '../context.ts';
import { callerOf } from './request.ts';

/** Errors of the connection, not of the request: the client went away. */
function clientGone(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR';
}

/** Malformed percent-encoding in an address and the like, thrown by the HTTP library with its own status. */
function fromLibrary(error: unknown): LifeboatError | null {
  const status = (error as { status?: unknown } | null)?.status;
  if (typeof status !== 'number' || status < 400 || status >= 500 || error instanceof LifeboatError) return null;
  return new LifeboatError(status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST');
}

/** What any client meets in daily work: no refusal anybody has to look at. */
const EVERYDAY = new Set<ErrorCode>(['NOT_FOUND', 'NOT_ACCEPTABLE', 'RANGE_NOT_SATISFIABLE', 'CANNOT_RENDER']);

/** Answers with `{code, message}`; writes refusals where people see them, and the cause of the unexpected to the log. */
export function errorHandler(ctx: RouterContext): ErrorRequestHandler {
  return (thrown, req, res, next) => {
    const { user, address } = callerOf(req, ctx.config);
    if (clientGone(thrown) || (res.destroyed && !res.writableEnded)) {
      ctx.log.info({ address, path: req.path }, 'DICOMweb client went away');
      res.destroy();
      return;
    }
    const error = fromLibrary(thrown) ?? asLifeboatError(thrown);
    if (error.code === 'UNAUTHENTICATED' || error.code === 'FORBIDDEN') {
      next(error);
      return;
    }
    if (error.http >= 500) ctx.log.error({ err: thrown, path: req.path }, 'DICOMweb request failed');
    if (!EVERYDAY.has(error.code)) {
      ctx.access.refused({ channel: 'HTTP', peer: address, code: error.code, message: error.message });
      ctx.access.audit({
        user,
        address,
        action: 'refusal',
        object: `${req.method} ${req.baseUrl}${req.path}`.slice(0, 300),
        detail: `${error.code}: ${error.message}`,
        outcome: error.http >= 500 ? 'error' : 'refused',
      });
    }
    sendError(res, error);
  };
}

/** JSON `{code, message}`; cuts the connection when the answer has begun, so that nobody takes a part for the whole. */
export function sendError(res: Response, error: LifeboatError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  for (const name of ['ETag', 'Content-Length', 'Content-Range', 'Content-Encoding', 'Content-Disposition']) {
    res.removeHeader(name);
  }
  const unread =
    !res.req.complete && (res.req.headers['transfer-encoding'] || Number(res.req.headers['content-length']) > 0);
  if (unread) res.setHeader('Connection', 'close');
  if (error.http === 503) res.setHeader('Retry-After', '5');
  res
    .status(error.http)
    .type('application/json')
    .send(JSON.stringify({ code: error.code, message: error.message }));
}
