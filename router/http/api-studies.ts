import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { WorklistAnswer } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { isAcceptableUid } from '../../storage/format/uid.ts';
import { correctedWorklist } from '../corrections/corrected-views.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

/** A UID as an address may carry it; other characters cannot be in any key. */
export const uid = z.string().max(64).refine(isAcceptableUid, 'is not a UID');

const day = z.string().regex(/^\d{8}$/, 'must be a date YYYYMMDD');
const worklistQuery = z.object({
  search: z.string().max(200).optional(),
  from: day.optional(),
  to: day.optional(),
  modality: z.string().max(200).optional(),
  ae: z.string().max(16).optional(),
  conflicts: z.union([z.boolean(), z.enum(['0', '1']).transform((flag) => flag === '1')]).optional(),
  sort: z
    .string()
    .regex(/^-?[A-Za-z]{1,40}$/, 'must be a column, with - in front for descending')
    .optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  offset: z.coerce.number().int().min(0).default(0),
});

/** What was searched for, for the audit trail; sorting and paging are no other search. */
function searched({ limit: _, offset: __, sort: ___, ...keys }: z.output<typeof worklistQuery>): string {
  return Object.entries(keys)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** /api/worklist and /api/studies/UID/manifest, for people who read. */
export function studiesApi({ context, digest, manifests }: HttpParts): Router {
  const router = Router();

  const answerWorklist = async (req: Request, res: Response, question: unknown) => {
    const { name: user, address } = demand(req, 'api');
    const asked = checked(worklistQuery, question);
    const answer: WorklistAnswer = await correctedWorklist(context, {
      search: asked.search,
      dateFrom: asked.from,
      dateTo: asked.to,
      modalities: asked.modality?.split(',').filter(Boolean),
      callingAE: asked.ae,
      conflicts: asked.conflicts || undefined,
      sort: asked.sort,
      limit: asked.limit,
      offset: asked.offset,
    });
    digest.note({ user, address, action: 'query', object: 'worklist', detail: searched(asked), outcome: 'ok' });
    await sendJson(req, res, answer);
  };
  router.get('/worklist', (req, res) => answerWorklist(req, res, req.query));
  router.post('/worklist', (req, res) => answerWorklist(req, res, req.body));

  router.get('/studies/:uid/manifest', async (req, res) => {
    const { name: user, address } = demand(req, 'api');
    const object = checked(uid, req.params.uid);
    const manifest = await manifests.get(object);
    if (!manifest) throw new LifeboatError('NOT_FOUND', 'This study is not in the archive.');
    digest.note({ user, address, action: 'view', object, detail: 'viewer', outcome: 'ok' });
    await sendJson(req, res, manifest);
  });

  return router;
}
