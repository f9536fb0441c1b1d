import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const action = z.strictObject({
  destination: z.string(),
  action: z.enum(['pause', 'resume', 'retry', 'skip']),
  /** One instance; without it all that were tried in vain. */
  id: z.int().optional(),
});

/** /api/forwarding, for administrators: what is owed to whom, and the hand on it. */
export function forwardingApi({ context, control }: HttpParts): Router {
  const router = Router();
  router.get('/', (_req, res) => {
    res.json(context.forwarding?.status() ?? { destinations: [] });
  });
  router.post('/', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { destination, action: what, id } = checked(action, req.body);
    if (!context.forwarding) throw new LifeboatError('NOT_FOUND', 'There is no such destination.');
    const count = context.forwarding.act(destination, what, id);
    const detail = `${what}${id === undefined ? '' : ` ${id}`}, ${count} instances`;
    control.audit({ user, address, action: 'forwarding', object: destination, detail, outcome: 'ok' });
    res.json(context.forwarding.status());
  });
  return router;
}
