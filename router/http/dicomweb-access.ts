import type { Request, RequestHandler } from 'express';
import type { HttpParts } from './parts.ts';
import { demand, recogniseMachine } from './principal.ts';

const STUDY = /^\/studies\/([0-9.]{1,64})(\/|$)/;

/** What a DICOMweb request does to a patient's data, for the audit trail. */
function kindOf(req: Request): { action: string; object: string } {
  const study = STUDY.exec(req.path)?.[1];
  if (req.method === 'POST') return { action: 'upload', object: study ?? 'dicom-web' };
  const query = /\/(studies|series|instances)\/?$/.exec(req.path);
  if (!study || query) {
    const wanted = req.query['StudyInstanceUID'] ?? req.query['0020000D'];
    if (query)
      return { action: 'query', object: study ?? (typeof wanted === 'string' ? wanted.slice(0, 64) : query[1]!) };
    return { action: 'view', object: req.path.slice(0, 200) };
  }
  return { action: /\/metadata\/?$/.test(req.path) ? 'view' : 'export', object: study };
}

/** Method and path without UIDs, frame numbers and byte ranges: the same for all requests of a kind. */
function shape(req: Request): string {
  const words = req.path.split('/').filter((part) => !/^[0-9.,-]+$/.test(part));
  return `${req.method} ${words.join('/')}`.slice(0, 200);
}

/** What was searched for; which page of the results, and what to return of them, is no other search. */
function matchingKeys(req: Request): string {
  const at = req.originalUrl.indexOf('?');
  const keys = [...new URLSearchParams(at < 0 ? '' : req.originalUrl.slice(at + 1))].filter(
    ([name]) => !/^(limit|offset|includefield|accept|charset|_)$/i.test(name),
  );
  return keys.length === 0 ? '' : `?${keys.map(([name, value]) => `${name}=${value}`).join('&')}`.slice(0, 500);
}

/**
 * Authentication, scopes and audit in front of /dicom-web. A handler that wrote a more telling row into the audit trail itself
 * says so with `res.locals.audited`.
 */
export function dicomwebAccess({ control, digest }: HttpParts): RequestHandler[] {
  const guard: RequestHandler = (req, res, next) => {
    const reading = ['GET', 'HEAD', 'OPTIONS'].includes(req.method);
    // Whether what one sent is safe concerns who sends.
    const sends = !reading || req.path.startsWith('/commitment-requests/');
    const { name: user, address } = demand(req, sends ? 'dicomweb:write' : 'dicomweb:read');
    if (req.method === 'OPTIONS') return next();
    const { action, object } = kindOf(req);
    const detail = action === 'query' ? `${shape(req)}${matchingKeys(req)}` : shape(req);
    const { socket } = req;
    const before = socket.bytesWritten;
    res.on('close', () => {
      if (res.statusCode === 401 || res.statusCode === 403 || res.locals['audited'] === true) return;
      const whole = res.writableFinished;
      digest.note({
        user,
        address,
        action,
        object,
        detail: whole ? detail : `${detail}, broken off`,
        ...((action === 'view' || action === 'export') && { sentBytes: socket.bytesWritten - before }),
        outcome: whole && res.statusCode < 400 ? 'ok' : 'error',
      });
    });
    next();
  };
  return [recogniseMachine(control), guard];
}
