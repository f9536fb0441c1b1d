import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { Reconciliation } from '../reconcile/reconciliation.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const start = z
  .strictObject({ peer: z.string().min(1).max(200), from: z.iso.datetime(), to: z.iso.datetime() })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { message: 'ends before it begins' });
const decide = z.strictObject({
  decision: z.enum(['resend', 'fetch', 'accept']),
  why: z.string().trim().min(1, 'say why: it stands in the report').max(500),
});
const sign = z.strictObject({ note: z.string().trim().max(500).default('') });
const runParam = z.object({ id: z.coerce.number().int() });
const findingParam = z.object({ id: z.coerce.number().int(), finding: z.coerce.number().int() });

/** /api/reconcile, for administrators: contract/reconcile.ts. */
export function reconcileApi({ context, control }: HttpParts): Router {
  const router = Router();
  const parts = (): Reconciliation => {
    if (!context.reconciliation) throw new LifeboatError('NOT_FOUND', 'Reconciliation is not running.');
    return context.reconciliation;
  };
  router.get('/', (req, res) => {
    demand(req, 'admin');
    res.json(parts().answer());
  });
  router.post('/', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const asked = checked(start, req.body);
    parts().begin(asked, user);
    control.audit({
      user,
      address,
      action: 'reconcile',
      object: asked.peer,
      detail: `${asked.from} to ${asked.to}`,
      outcome: 'ok',
    });
    res.json(parts().answer());
  });
  router.get('/:id', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { id } = checked(runParam, req.params);
    const detail = parts().detail(id);
    control.audit({
      user,
      address,
      action: 'view',
      object: `reconciliation ${id}`,
      detail: 'findings by patient',
      outcome: 'ok',
    });
    res.json(detail);
  });
  router.post('/:id/again', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { id } = checked(runParam, req.params);
    parts().again(id);
    control.audit({ user, address, action: 'reconcile', object: String(id), detail: 'once more', outcome: 'ok' });
    res.json(parts().detail(id));
  });
  router.post('/:id/findings/:finding', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { id, finding } = checked(findingParam, req.params);
    const asked = checked(decide, req.body);
    await parts().decide(id, finding, asked, user);
    const study = parts().state.finding(id, finding)?.studyInstanceUID ?? '';
    const detail = `run ${id}, finding ${finding}: ${asked.decision}, because: ${asked.why}`;
    control.audit({ user, address, action: 'reconcile-decision', object: study, detail, outcome: 'ok' });
    res.json(parts().detail(id));
  });
  router.post('/:id/sign', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { id } = checked(runParam, req.params);
    const { note } = checked(sign, req.body ?? {});
    parts().sign(id, user, note);
    const { run } = parts().detail(id);
    const detail = `received ${run.received}, delivered ${run.delivered}, committed ${run.committed ?? 'not asked for'}, open 0${note && `; ${note}`}`;
    control.audit({
      user,
      address,
      action: 'reconcile-sign-off',
      object: `${run.peer} ${run.from}/${run.to}`,
      detail,
      outcome: 'ok',
    });
    res.json(parts().detail(id));
  });
  for (const kind of ['pdf', 'csv'] as const)
    router.get(`/:id/${kind}`, async (req, res) => {
      const { name: user, address } = demand(req, 'admin');
      const { id } = checked(runParam, req.params);
      const body = kind === 'pdf' ? await parts().pdf(id) : parts().csv(id);
      control.audit({
        user,
        address,
        action: 'export',
        object: `reconciliation ${id}`,
        detail: kind.toUpperCase(),
        outcome: 'ok',
      });
      res
        .type(kind === 'pdf' ? 'application/pdf' : 'text/csv')
        .attachment(`lifeboat-reconciliation-${id}.${kind}`)
        .send(body);
    });
  return router;
}
