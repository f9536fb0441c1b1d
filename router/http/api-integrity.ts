import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { RepairRow } from '../../contract/integrity.ts';
import { makePdf } from '../reports/make-pdf.ts';
import { uid } from './api-studies.ts';
import { checked } from './input.ts';
import { integrityReport } from './integrity-report.ts';
import { integrityPdf } from './integrity-report-pdf.ts';
import { studyHashes, verifiedHashes } from './integrity-study.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const rowId = z.coerce.number().int().positive();
const findingsQuery = z.object({ state: z.enum(['open', 'repaired', 'gone', 'all']).default('open') });

/** /api/integrity, for administrators. */
export function integrityApi({ context, control, integrity }: HttpParts): Router {
  const router = Router();

  router.get('/', async (_req, res) => {
    res.json(await integrity.answer());
  });

  router.get('/findings', async (req, res) => {
    await sendJson(req, res, integrity.state.findings(checked(findingsQuery, req.query).state));
  });

  router.get('/repairs', async (req, res) => {
    const rows: RepairRow[] = integrity.state.repairs();
    await sendJson(req, res, rows);
  });

  router.post('/pass', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    control.audit({ user, address, action: 'verify', object: 'archive', detail: 'pass asked for', outcome: 'ok' });
    integrity.passNow();
    res.status(202).json(integrity.scrub.status());
  });

  router.post('/findings/:id/repair', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const finding = integrity.state.finding(checked(rowId, req.params.id));
    if (finding?.state !== 'open') throw new LifeboatError('NOT_FOUND', 'There is no such open finding.');
    const row = await integrity.repair(finding, user);
    const detail = `${row.kind} ${row.key} from ${row.source || 'nowhere'}: ${row.detail}`.slice(0, 500);
    const outcome = row.outcome === 'repaired' ? 'ok' : 'error';
    control.audit({ user, address, action: 'repair', object: row.studyInstanceUID, detail, outcome });
    res.json(row);
  });

  router.post('/seal', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const state = await integrity.seal.sealNow();
    const detail = `seal ${state.newest?.sequence}:${state.newest?.sha256}`;
    control.audit({ user, address, action: 'seal', object: 'archive', detail, outcome: 'ok' });
    res.json(state);
  });

  router.get('/studies/:uid', async (req, res) => {
    await sendJson(req, res, found(await studyHashes(context, integrity, checked(uid, req.params.uid))));
  });

  router.post('/studies/:uid/verify', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const object = checked(uid, req.params.uid);
    const answer = found(await verifiedHashes(context, integrity, object));
    const wrong = answer.instances.filter(({ check }) => check !== 'sound').length;
    const detail = `${answer.instances.length} objects read, ${wrong} not sound`;
    control.audit({ user, address, action: 'verify', object, detail, outcome: wrong > 0 ? 'error' : 'ok' });
    await sendJson(req, res, answer);
  });

  router.get('/report.csv', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const text = integrityReport(await integrity.answer(), integrity.state, context.archive.store.description);
    control.audit({ user, address, action: 'export', object: 'integrity report', detail: 'CSV', outcome: 'ok' });
    res.attachment(`lifeboat-integrity-${new Date().toISOString().slice(0, 10)}.csv`);
    res.type('text/csv; charset=utf-8').send(text);
  });

  router.get('/report.pdf', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const report = integrityPdf(await integrity.answer(), integrity.state, context.archive.store.description);
    const pdf = await makePdf(report);
    control.audit({ user, address, action: 'export', object: 'integrity report', detail: 'PDF', outcome: 'ok' });
    res.attachment(`lifeboat-integrity-${new Date().toISOString().slice(0, 10)}.pdf`);
    res.type('application/pdf').send(pdf);
  });

  return router;
}

function found<T>(answer: T | null): T {
  if (answer === null) throw new LifeboatError('NOT_FOUND', 'This study is not in the archive.');
  return answer;
}
