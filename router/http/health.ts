import { Router } from 'express';
import type { HttpParts } from './parts.ts';

/**
 * /healthz: the process lives. /readyz: may modalities send? 503 with reasons when the spool has no room. A store or a
 * catalogue that is away, or a spool file that cannot be read, makes it `degraded`, not unready: receiving goes on.
 */
export function healthRoutes({ context, status }: HttpParts): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ status: 'ok' });
  });
  router.get('/readyz', async (_req, res) => {
    const { store, spool } = await status.get();
    const full = spool.freeBytes < context.config.spoolMinFreeBytes;
    const { unread } = spool;
    const checks = {
      ...(unread && {
        recovery: `incomplete: ${unread.files} spool file(s) could not be read (${unread.reason}), tried again at ${unread.nextTryAt}`,
      }),
      spool: full ? 'no room left: nothing is accepted' : 'ok',
      catalogue: status.catalogueError ?? 'ok',
      store: store.available ? 'ok' : `away since ${store.since}: received images wait in the spool`,
    };
    const away = unread !== undefined || !store.available || status.catalogueError !== undefined;
    const word = full ? 'unready' : away ? 'degraded' : 'ready';
    res
      .status(full ? 503 : 200)
      .set('Cache-Control', 'no-store')
      .json({ status: word, checks });
  });
  return router;
}
