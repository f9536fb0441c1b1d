import { Router } from 'express';
import { z } from 'zod';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const time = z
  .string()
  .regex(/^\d{4}(-\d\d(-\d\d(T[\d:.]*Z?)?)?)?$/, 'must be a date or UTC time like 2026-01-31 or 2026-01-31T12:00:00Z');
const limit = (standard: number) => z.coerce.number().int().min(1).max(1000).default(standard);
const auditQuery = z.object({
  from: time.optional(),
  to: time.optional(),
  user: z.string().max(200).optional(),
  action: z.string().max(50).optional(),
  limit: limit(100),
  offset: z.coerce.number().int().min(0).default(0),
});
const refusalQuery = z.object({ limit: limit(100) });

/** /api/audit and /api/refusals, for administrators. */
export function auditApi({ control, digest }: HttpParts): Router {
  const router = Router();
  router.get('/audit', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const filter = checked(auditQuery, req.query);
    const { limit: _, offset: __, ...keys } = filter;
    const detail = Object.entries(keys)
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
    res.json(control.auditRows(filter));
    digest.note({ user, address, action: 'query', object: 'audit', detail, outcome: 'ok' });
  });
  router.get('/refusals', (req, res) => {
    res.json(control.refusals(checked(refusalQuery, req.query).limit));
  });
  return router;
}
