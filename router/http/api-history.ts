import { Router } from 'express';
import { z } from 'zod';
import type { BackfillPlan } from '../../contract/backfill.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { History } from '../backfill/history.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const DAYS_MAX = 60;
const action = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('start'), plan: z.record(z.string(), z.unknown()) }),
  z.strictObject({ action: z.enum(['pause', 'resume', 'retry']) }),
]);
const readinessQuery = z.object({ days: z.coerce.number().int().min(1).max(DAYS_MAX).default(7) });

const historyOf = ({ context }: HttpParts): History => {
  if (!context.history) throw new LifeboatError('NOT_FOUND', 'The history is not fetched here.');
  return context.history;
};

/** /api/backfill, for administrators: the plan, how far it is, pause and resume. */
export function backfillApi(parts: HttpParts): Router {
  const router = Router();
  router.get('/', async (req, res) => {
    demand(req, 'admin');
    await sendJson(req, res, historyOf(parts).backfill.status());
  });
  router.post('/', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const wanted = checked(action, req.body);
    // Whoever may read any folder of this machine has its command line.
    if (wanted.action === 'start' && (wanted.plan['folder'] !== undefined || wanted.plan['via'] === 'folder'))
      throw new LifeboatError(
        'BAD_REQUEST',
        'A folder is taken in from the command line: lifeboat backfill start --folder.',
      );
    const { backfill } = historyOf(parts);
    backfill.act(wanted.action === 'start' ? { action: 'start', plan: wanted.plan as Partial<BackfillPlan> } : wanted);
    const detail = wanted.action === 'start' ? JSON.stringify(wanted.plan).slice(0, 500) : '';
    parts.control.audit({ user, address, action: 'backfill', object: wanted.action, detail, outcome: 'ok' });
    await sendJson(req, res, backfill.status());
  });
  return router;
}

/** /api/readiness: how much of what the PACS has is here. */
export function readinessApi(parts: HttpParts): Router {
  const router = Router();
  router.get('/', async (req, res) => {
    const { name: user, address } = demand(req, 'api');
    const { days } = checked(readinessQuery, req.query);
    parts.digest.note({ user, address, action: 'query', object: 'readiness', detail: `days=${days}`, outcome: 'ok' });
    await sendJson(req, res, await historyOf(parts).readiness(days));
  });
  return router;
}
