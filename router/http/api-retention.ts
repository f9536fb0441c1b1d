import { Router } from 'express';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

/** /api/retention, for administrators. */
export function retentionApi({ control, retention }: HttpParts): Router {
  const router = Router();

  router.get('/', (_req, res) => {
    res.json(retention.answer());
  });

  router.post('/canary', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const verdicts = await retention.locks.tryNow();
    const detail = verdicts.map(({ role, state }) => `${role}: ${state}`).join(', ');
    control.audit({ user, address, action: 'verify', object: 'object lock', detail, outcome: 'ok' });
    res.json(verdicts);
  });

  return router;
}
