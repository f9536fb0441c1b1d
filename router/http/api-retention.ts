import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { uid } from './api-studies.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const holdChange = z.object({ state: z.enum(['placed', 'released']), reason: z.string().trim().min(1).max(500) });
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

  router.get('/plan', (_req, res) => {
    res.json(retention.plan.answer());
  });

  router.post('/plan', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    control.audit({
      user,
      address,
      action: 'retention',
      object: 'archive',
      detail: 'dry run asked for',
      outcome: 'ok',
    });
    res.status(202).json(retention.plan.make());
  });

  router.get('/holds', async (req, res) => {
    await sendJson(req, res, await retention.holds.all());
  });

  router.get('/holds/:uid', async (req, res) => {
    res.json(await retention.holds.of(checked(uid, req.params.uid)));
  });

  router.post('/holds/:uid', async (req, res) => {
    const { name: by, address } = demand(req, 'admin');
    const object = checked(uid, req.params.uid);
    const { state, reason } = checked(holdChange, req.body);
    const answer = await retention.holds.change(object, { state, by, reason });
    control.audit({ user: by, address, action: 'legal-hold', object, detail: `${state}: ${reason}`, outcome: 'ok' });
    res.json(answer);
  });

  return router;
}
