import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { Corrections } from '../corrections/corrections.ts';
import { uid } from './api-studies.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

/** Text of a value: no backslash, which separates values, no control character (PS3.5 6.2). */
const text = (most: number) =>
  z
    .string()
    .trim()
    .max(most, `is longer than ${most} characters`)
    .regex(/^[^\\\p{Cc}]*$/u, 'has a backslash or a control character');
const why = z.string().trim().min(1, 'say why: it stands beside the correction').max(500);
const creation = z
  .strictObject({
    studyInstanceUID: uid.optional(),
    mergeFromPatientID: text(64).min(1).optional(),
    patientName: text(64).min(1, 'is empty'),
    patientID: text(64).min(1, 'is empty'),
    accessionNumber: text(16).optional(),
    why,
  })
  .refine((asked) => (asked.studyInstanceUID === undefined) !== (asked.mergeFromPatientID === undefined), {
    message: 'name either a study or the patient ID to merge from',
  });
const param = z.object({ study: uid });

/** /api/corrections, for administrators: contract/corrections.ts. */
export function correctionsApi({ context, control }: HttpParts): Router {
  const router = Router();
  const parts = (): Corrections => {
    if (!context.corrections) throw new LifeboatError('NOT_FOUND', 'Corrections are not kept here.');
    return context.corrections;
  };
  router.get('/', (req, res) => {
    demand(req, 'admin');
    res.json(parts().answer());
  });
  router.post('/', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const asked = checked(creation, req.body);
    for (const study of await parts().correct(asked, user)) {
      const { original } = parts().of(study)!;
      const detail = `${original.patientName} ${original.patientID} is ${asked.patientName} ${asked.patientID}, because: ${asked.why}`;
      control.audit({ user, address, action: 'correction', object: study, detail, outcome: 'ok' });
    }
    res.json(parts().answer());
  });
  router.delete('/:study', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { study } = checked(param, req.params);
    const { why: reason } = checked(z.strictObject({ why }), req.body);
    parts().withdraw(study);
    control.audit({
      user,
      address,
      action: 'correction',
      object: study,
      detail: `taken back, because: ${reason}`,
      outcome: 'ok',
    });
    res.json(parts().answer());
  });
  return router;
}
