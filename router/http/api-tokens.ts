import { Router } from 'express';
import { z } from 'zod';
import { SCOPES } from '../access/tokens.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const tokenCreate = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scopes: z.array(z.enum(SCOPES as ['dicomweb:read', 'dicomweb:write', 'metrics'])).min(1),
  expiresAt: z.iso.datetime({ offset: true }).nullish(),
});

/** /api/tokens, for administrators. */
export function tokensApi({ control }: HttpParts): Router {
  const router = Router();

  router.get('/', (_req, res) => {
    res.json(control.tokens.rows());
  });

  router.post('/', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const created = control.tokens.create(checked(tokenCreate, req.body));
    const detail = `created ${created.id}: ${created.scopes.join(' ')}, expires ${created.expiresAt ?? 'never'}`;
    control.audit({ user, address, action: 'token-change', object: created.name, detail, outcome: 'ok' });
    res.status(201).json(created);
  });

  router.delete('/:id', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    control.tokens.remove(req.params.id);
    control.audit({ user, address, action: 'token-change', object: req.params.id, detail: 'removed', outcome: 'ok' });
    res.status(204).end();
  });

  return router;
}
