import { Router } from 'express';
import { z } from 'zod';
import type { OutageAnswer } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { writeCsv } from '../reports/csv.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const MOST_AUDIT = 10_000;
const planned = z
  .strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), note: z.string().trim().min(1).max(200) })
  .refine(({ from, to }) => from < to, { message: 'ends before it begins' });

/** /api/outages, for administrators: the ledger of outages of the main PACS, and planned downtimes. */
export function outagesApi({ context, control }: HttpParts): Router {
  const router = Router();

  const answer = (): OutageAnswer => {
    const { outages, forwarding } = context;
    return {
      outages: (outages?.entries() ?? []).map((entry) => {
        const looks = new Map<string, number>();
        const until = entry.to ?? new Date().toISOString();
        for (const action of ['view', 'export'])
          for (const { user } of control.auditRows({
            from: entry.from,
            to: until,
            action,
            limit: MOST_AUDIT,
            offset: 0,
          }).rows)
            looks.set(user, (looks.get(user) ?? 0) + 1);
        const owed =
          entry.to === null
            ? (forwarding?.counts() ?? []).map(({ name, waiting }) => ({ destination: name, instances: waiting }))
            : entry.owed;
        return { ...entry, owed, looks: [...looks].map(([user, count]) => ({ user, count })) };
      }),
      planned: outages?.planned() ?? [],
      commitments: (forwarding?.destinations ?? []).flatMap(({ name }) => {
        const commitment = forwarding?.commitmentOf?.(name);
        return commitment ? [{ destination: name, ...commitment }] : [];
      }),
    };
  };

  router.get('/', (req, res) => {
    demand(req, 'admin');
    res.json(answer());
  });
  router.get('/csv', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    control.audit({ user, address, action: 'export', object: 'outages', detail: 'CSV', outcome: 'ok' });
    res.type('text/csv').attachment('lifeboat-outages.csv').send(csvOf(answer()));
  });
  router.post('/planned', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    if (!context.outages) throw new LifeboatError('NOT_FOUND', 'No main PACS is configured (LIFEBOAT_PACS).');
    const { from, to, note } = checked(planned, req.body);
    const utc = (time: string) => new Date(time).toISOString();
    context.outages.plan({ from: utc(from), to: utc(to), note, by: user });
    control.audit({ user, address, action: 'planned-downtime', object: `${from}/${to}`, detail: note, outcome: 'ok' });
    res.json(answer());
  });
  router.delete('/planned/:id', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { id } = checked(z.object({ id: z.coerce.number().int() }), req.params);
    if (!context.outages?.unplan(id)) throw new LifeboatError('NOT_FOUND', 'There is no such planned downtime.');
    control.audit({ user, address, action: 'planned-downtime', object: String(id), detail: 'removed', outcome: 'ok' });
    res.json(answer());
  });
  return router;
}

function csvOf({ outages }: OutageAnswer): string {
  const heads = [
    'pacs',
    'from',
    'to',
    'planned',
    'instances received',
    'bytes received',
    'received by source',
    'owed',
    'looked at',
    'evidence',
  ];
  const rows = outages.map(({ pacs, from, to, planned, received, owed, looks, evidence }) => [
    pacs,
    from,
    to ?? '',
    planned ?? '',
    received.reduce((sum, { instances }) => sum + instances, 0),
    received.reduce((sum, { bytes }) => sum + bytes, 0),
    received.map(({ source, instances }) => `${source}: ${instances}`).join('; '),
    owed.map(({ destination, instances }) => `${destination}: ${instances}`).join('; '),
    looks.map(({ user, count }) => `${user}: ${count}`).join('; '),
    evidence.map(({ at, state, words }) => `${at} ${state}: ${words}`).join('; '),
  ]);
  return writeCsv(heads, rows);
}
