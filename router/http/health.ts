import { Router } from 'express';
import type { Status } from '../../contract/api.ts';
import type { HttpParts } from './parts.ts';

/**
 * /healthz: the process lives. /readyz: may modalities send? 503 with reasons when the spool has no room. A store or a
 * catalogue that is away, lacks something or is being filled, or a spool file that cannot be read, makes it `degraded`, not
 * unready: receiving goes on.
 */
export function healthRoutes({ context, status }: HttpParts): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ status: 'ok' });
  });
  router.get('/readyz', async (_req, res) => {
    const { store, spool, catalogue } = await status.get();
    const filling = catalogue?.filling;
    const full = spool.freeBytes < context.config.spoolMinFreeBytes;
    const { unread } = spool;
    const checks = {
      ...(unread && {
        recovery: `incomplete: ${unread.files} spool file(s) could not be read (${unread.reason}), tried again at ${unread.nextTryAt}`,
      }),
      spool: full ? 'no room left: nothing is accepted' : 'ok',
      catalogue:
        status.catalogueError ??
        (filling ? `being filled from the store: ${Math.floor(filling.share * 100)} %, since ${filling.since}` : 'ok'),
      store: storeCheck(store),
    };
    const away = Object.entries(checks).some(([name, word]) => name !== 'spool' && word !== 'ok');
    const word = full ? 'unready' : away ? 'degraded' : 'ready';
    res
      .status(full ? 503 : 200)
      .set('Cache-Control', 'no-store')
      .json({ status: word, checks });
  });
  return router;
}

function storeCheck({ available, since, message, lost }: Status['store']): string {
  if (!available) return `away since ${since}: received images wait in the spool. ${message ?? ''}`.trim();
  if (lost) return `answers, but ${lost.segments} manifest segments of ${lost.studies} studies that it had are gone`;
  return 'ok';
}
