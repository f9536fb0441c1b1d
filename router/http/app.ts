import express, { type Express, type RequestHandler } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import { type HttpMetrics, registerHttpMetrics } from '../metrics.ts';
import { createApi } from './api.ts';
import { csrfGuard } from './csrf.ts';
import { dicomwebAccess } from './dicomweb-access.ts';
import { errorHandler, pathOf } from './errors.ts';
import { healthRoutes } from './health.ts';
import type { HttpParts } from './parts.ts';
import { addressOf, demand, principalOf, recogniseMachine, recogniseSession } from './principal.ts';
import { securityHeaders } from './security-headers.ts';
import { signedObjects } from './signed-objects.ts';
import { viewerPages } from './viewer-static.ts';

export interface HttpApp {
  app: Express;
  /** Ends the event streams, so that the server can close. */
  endStreams(): void;
}

/** Everything behind the HTTP port, in the order a request meets it. */
export function createApp(parts: HttpParts, dicomweb: RequestHandler, viewerDir: string): HttpApp {
  const { context, control } = parts;
  const app = express();
  const api = createApi(parts);
  app.disable('x-powered-by').disable('etag');
  // One proxy: the address it adds at the end of X-Forwarded-For counts; what stands before it is the client's own writing.
  app.set('trust proxy', context.config.trustProxy ? 1 : false);
  app.set('query parser', 'simple');
  app.use(observed(parts, registerHttpMetrics(context.metrics)));
  app.use(securityHeaders(context.config));
  app.use(healthRoutes(parts));
  app.use('/objects', signedObjects(context.archive.reading, parts.signer));
  app.use(recogniseSession(control));
  app.use(csrfGuard);
  app.get('/metrics', recogniseMachine(control), metricsPage(parts));
  app.use('/dicom-web', dicomwebAccess(parts), dicomweb);
  app.use(['/dicom-web', '/objects', '/metrics'], () => {
    throw new LifeboatError('NOT_FOUND', 'There is nothing at this address.');
  });
  app.use('/api', api);
  app.use(viewerPages(parts, viewerDir));
  app.use(() => {
    throw new LifeboatError('NOT_FOUND', 'There is nothing at this address.');
  });
  app.use(errorHandler(control, parts.digest, parts.log));
  return { app, endStreams: () => api.closeAll() };
}

/** /metrics: a token with the scope metrics, an administrator, or a scraper on this very machine. */
function metricsPage({ context }: HttpParts): RequestHandler {
  return async (req, res) => {
    const direct = req.headers['x-forwarded-for'] === undefined && req.headers['forwarded'] === undefined;
    const local = direct && /^(127\.|::1$)/.test((req.socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
    if (!local || req.headers.authorization !== undefined) demand(req, 'metrics');
    res.set({ 'Content-Type': context.metrics.contentType, 'Cache-Control': 'no-store' });
    res.end(await context.metrics.metrics());
  };
}

const ROUTES =
  /^\/(api\/(?:session|status|events|arrivals|users|tokens|aes|audit|refusals|integrity|schedule|backfill|readiness|worklist|studies)|dicom-web|objects|assets|healthz|readyz|metrics)(?=\/|$)/;

/** Counts and logs each request; routes are named by their first parts, so that UIDs do not become labels. */
function observed({ log }: HttpParts, metrics: HttpMetrics): RequestHandler {
  return (req, res, next) => {
    const begun = performance.now();
    const path = pathOf(req);
    res.on('close', () => {
      const seconds = (performance.now() - begun) / 1000;
      const route = ROUTES.exec(path)?.[1] ?? 'page';
      metrics.observe(req.method, route, res.statusCode, seconds);
      if (log.isLevelEnabled('debug'))
        log.debug(
          {
            method: req.method,
            path,
            status: res.statusCode,
            ms: Math.round(seconds * 1000),
            user: principalOf(req)?.name,
            address: addressOf(req),
          },
          'http',
        );
    });
    next();
  };
}
