import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { Config } from '../config.ts';

/**
 * Strict Content-Security-Policy: scripts from here only (WebAssembly codecs may compile), pixels from here and from the S3
 * endpoint that the presigned addresses name.
 */
export function securityHeaders(config: Pick<Config, 'store'>): RequestHandler {
  const store =
    config.store.kind === 's3' ? [new URL(config.store.publicEndpoint ?? config.store.endpoint).origin] : [];
  const headers = (secure: boolean) =>
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
          workerSrc: ["'self'", 'blob:'],
          connectSrc: ["'self'", ...store],
          imgSrc: ["'self'", 'data:', 'blob:'],
          mediaSrc: ["'self'", 'blob:'],
          objectSrc: ["'none'"],
          frameSrc: ["'self'", 'blob:'],
          styleSrc: ["'self'", "'unsafe-inline'"],
          fontSrc: ["'self'", 'data:'],
          manifestSrc: ["'self'"],
          baseUri: ["'self'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      referrerPolicy: { policy: 'no-referrer' },
      strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
      crossOriginOpenerPolicy: secure ? { policy: 'same-origin' } : false,
      originAgentCluster: false,
      xFrameOptions: { action: 'deny' },
    });
  const [overTls, plain] = [headers(true), headers(false)];
  // Behind a TLS proxy too (LIFEBOAT_TRUST_PROXY).
  return (req, res, next) => (req.secure ? overTls : plain)(req, res, next);
}
