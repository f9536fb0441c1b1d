import { Router } from 'express';
import { z } from 'zod';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';

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
export function auditApi({ control }: HttpParts): Router {
  const router = Router();
  router.get('/audit', (req, res) => {
    res.json(control.auditRows(checked(auditQuery, req.query)));
  });
  router.get('/refusals', (req, res) => {
    res.json(control.refusals(checked(refusalQuery, req.query).limit));
  });
  return router;
}
