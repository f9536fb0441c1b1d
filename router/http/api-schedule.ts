import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { ScheduleAnswer, ScheduleFields } from '../../contract/ris.ts';
import type { Ris } from '../worklist/ris.ts';
import { dayOf } from '../worklist/worklist-store.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const day = z.string().regex(/^\d{8}$/, 'is no date YYYYMMDD');
const span = z.object({ from: day.optional(), to: day.optional() });
/** Text of a value: no backslash, which separates values, no control character (PS3.5 6.1.3, 6.2). */
const text = (most: number) =>
  z
    .string()
    .trim()
    .max(most, `is longer than ${most} characters`)
    .regex(/^[^\\\p{Cc}]*$/u, 'has a backslash or a control character');
const empty = z.literal('');
const fields = z.strictObject({
  patientName: text(64),
  patientID: text(64),
  issuerOfPatientID: text(64),
  patientBirthDate: day.or(empty),
  patientSex: z.enum(['', 'M', 'F', 'O']),
  accessionNumber: text(16),
  requestedProcedureID: text(16),
  requestedProcedure: text(64),
  modality: z
    .string()
    .trim()
    .regex(/^[A-Z0-9]{0,16}$/, 'is no modality like CT'),
  stationAETitle: z
    .string()
    .trim()
    .max(16, 'is longer than 16 characters')
    .regex(/^[\x20-\x5b\x5d-\x7e]*$/, 'is no AE title'),
  startDate: day,
  startTime: z.string().regex(/^([01]\d|2[0-3])[0-5]\d([0-5]\d)?$/, 'is no time HHMM'),
  description: text(64),
});
const partial = fields.partial();
const creation = z.strictObject({ unscheduled: z.boolean(), fields: partial, note: text(500).default('') });
const byId = z.object({ id: z.coerce.number().int() });

/** /api/schedule: what scanners are told, changes by hand, patients without an order. */
export function scheduleApi({ context, control, digest }: HttpParts): Router {
  const router = Router();
  const known = (): Ris => {
    if (!context.ris) throw new LifeboatError('NOT_FOUND', 'The worklist is not kept here.');
    return context.ris;
  };

  async function answer(query: unknown): Promise<ScheduleAnswer> {
    const ris = known();
    const asked = checked(span, query);
    const from = asked.from ?? dayOf(new Date());
    const entries = ris.unscheduled.list();
    return {
      ris: ris.worklist.risState(ris.address),
      rows: ris.worklist.schedule(from, asked.to ?? from),
      unscheduled: await Promise.all(
        entries.map(async (entry) => ({ ...entry, images: await imagesOf(entry.studyInstanceUID) })),
      ),
      steps: ris.steps.owed(),
    };
  }

  /** Images of a study that are here; 0 while the catalogue is away. */
  async function imagesOf(studyInstanceUID: string): Promise<number> {
    try {
      const { rows } = await context.archive.catalogue.query({
        level: 'study',
        keys: [{ tag: '0020000D', value: studyInstanceUID }],
        limit: 1,
        offset: 0,
      });
      return Number(rows[0]?.['00201208']?.Value?.[0] ?? 0);
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'CATALOGUE_UNAVAILABLE') return 0;
      throw error;
    }
  }

  router.get('/', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    digest.note({ user, address, action: 'query', object: 'schedule', detail: '', outcome: 'ok' });
    await sendJson(req, res, await answer(req.query));
  });
  router.post('/', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const given = checked(creation, req.body);
    const wanted = given.fields as Partial<ScheduleFields>;
    const ris = known();
    if (!given.unscheduled && !(wanted.patientName && wanted.patientID))
      throw new LifeboatError(
        'BAD_REQUEST',
        'An entry needs a name and a patient ID; otherwise make it an unscheduled patient.',
      );
    const id = given.unscheduled
      ? ris.unscheduled.add(wanted, given.note, user)
      : ris.worklist.add('hand', wanted, user);
    const detail = given.unscheduled ? 'unscheduled patient' : 'entry by hand';
    control.audit({ user, address, action: 'schedule-change', object: String(id), detail, outcome: 'ok' });
    await sendJson(req, res, await answer(req.query));
  });
  router.patch('/:id', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const { id } = checked(byId, req.params);
    const changes = checked(z.strictObject({ fields: partial }), req.body).fields as Partial<ScheduleFields>;
    known().worklist.edit(id, changes, user);
    const detail = `changed ${Object.keys(changes).join(', ')}`;
    control.audit({ user, address, action: 'schedule-change', object: String(id), detail, outcome: 'ok' });
    await sendJson(req, res, await answer(req.query));
  });
  router.delete('/:id', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const { id } = checked(byId, req.params);
    known().worklist.undo(id);
    control.audit({
      user,
      address,
      action: 'schedule-change',
      object: String(id),
      detail: 'taken back',
      outcome: 'ok',
    });
    await sendJson(req, res, await answer(req.query));
  });
  router.post('/steps', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const { destination, action } = checked(
      z.strictObject({ destination: text(200), action: z.enum(['retry', 'skip']) }),
      req.body,
    );
    const ris = known();
    ris.steps.byHand(destination, action);
    ris.wakePassOn(true);
    control.audit({ user, address, action: 'procedure-step', object: destination, detail: action, outcome: 'ok' });
    await sendJson(req, res, await answer(req.query));
  });
  router.post('/unscheduled/:id', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const { id } = checked(byId, req.params);
    const { to } = checked(z.strictObject({ to: text(200).min(1, 'is empty') }), req.body);
    known().unscheduled.resolve(id, to, user);
    control.audit({ user, address, action: 'schedule-change', object: String(id), detail: 'matched', outcome: 'ok' });
    await sendJson(req, res, await answer(req.query));
  });
  return router;
}
