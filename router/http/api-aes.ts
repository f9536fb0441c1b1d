import { Router } from 'express';
import { z } from 'zod';
import type { AeRow } from '../../contract/api.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const aeAllow = z.strictObject({
  title: z.string(),
  note: z.string().max(200).optional(),
  host: z.string().max(253).optional(),
  port: z.number().int().min(1).max(65535).optional(),
});

/** /api/aes, for administrators: which senders may associate, and who knocked in vain. */
export function aesApi({ control, context }: HttpParts): Router {
  const router = Router();
  const rows = (): AeRow[] => {
    const undelivered = context.commitments?.queue.undelivered();
    return control.aes().map((row) => {
      const reports = undelivered?.get(row.title);
      return reports ? { ...row, reports } : row;
    });
  };

  router.get('/', (_req, res) => {
    res.json(rows());
  });

  router.post('/', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { title, note, host, port } = checked(aeAllow, req.body);
    control.allowAe(title, note);
    if (port !== undefined) {
      control.setAeAddress(title, port, host);
      context.commitments?.addressKnown(title.trim());
    }
    control.audit({ user, address, action: 'ae-change', object: title.trim(), detail: 'allowed', outcome: 'ok' });
    res.status(201).json(rows());
  });

  router.delete('/:title', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    control.removeAe(req.params.title);
    control.audit({ user, address, action: 'ae-change', object: req.params.title, detail: 'removed', outcome: 'ok' });
    res.json(rows());
  });

  return router;
}
