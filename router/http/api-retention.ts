import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const rowId = z.coerce.number().int().positive();

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

  router.post('/alerts/:id/seen', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const id = checked(rowId, req.params.id);
    if (!retention.seen(id, user)) throw new LifeboatError('NOT_FOUND', 'There is no such open alert.');
    control.audit({ user, address, action: 'mass-change', object: String(id), detail: 'looked into', outcome: 'ok' });
    res.json(retention.answer());
  });

  return router;
}
