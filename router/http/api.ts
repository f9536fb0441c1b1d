import express, { Router } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import { aesApi } from './api-aes.ts';
import { arrivalsApi } from './api-arrivals.ts';
import { auditApi } from './api-audit.ts';
import { correctionsApi } from './api-corrections.ts';
import { exportApi } from './api-export.ts';
import { forwardingApi } from './api-forwarding.ts';
import { backfillApi, readinessApi } from './api-history.ts';
import { integrityApi } from './api-integrity.ts';
import { outagesApi } from './api-outages.ts';
import { preferencesApi } from './api-preferences.ts';
import { reconcileApi } from './api-reconcile.ts';
import { retentionApi } from './api-retention.ts';
import { scheduleApi } from './api-schedule.ts';
import { sessionApi } from './api-session.ts';
import { studiesApi } from './api-studies.ts';
import { tokensApi } from './api-tokens.ts';
import { usersApi } from './api-users.ts';
import { eventsApi } from './events.ts';
import type { HttpParts } from './parts.ts';
import { requireRight } from './principal.ts';

/** /api, as contract/api.ts has it. */
export function createApi(parts: HttpParts): Router & { closeAll(): void } {
  const router = Router();
  const events = eventsApi(parts);
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.use(express.json({ limit: '64kb' }));
  router.use('/session', sessionApi(parts));
  router.get('/status', requireRight(), async (_req, res) => {
    res.json(await parts.status.get());
  });
  router.use('/events', requireRight(), events);
  router.use('/arrivals', requireRight('arrivals'), arrivalsApi(parts));
  router.use('/schedule', requireRight('arrivals'), scheduleApi(parts));
  router.use('/users', requireRight('admin'), usersApi(parts));
  router.use('/tokens', requireRight('admin'), tokensApi(parts));
  router.use('/aes', requireRight('admin'), aesApi(parts));
  router.use('/forwarding', requireRight('admin'), forwardingApi(parts));
  router.use('/outages', requireRight('admin'), outagesApi(parts));
  router.use('/corrections', requireRight('admin'), correctionsApi(parts));
  router.use('/reconcile', requireRight('admin'), reconcileApi(parts));
  router.use('/backfill', requireRight('admin'), backfillApi(parts));
  router.use('/readiness', requireRight('api'), readinessApi(parts));
  router.use('/integrity', requireRight('admin'), integrityApi(parts));
  router.use('/retention', requireRight('admin'), retentionApi(parts));
  router.get('/lifeboat', requireRight('admin'), async (_req, res) => {
    res.json(await parts.lifeboat.status());
  });
  router.use(['/audit', '/refusals'], requireRight('admin'));
  router.use(auditApi(parts));
  router.use('/preferences', requireRight('api'), preferencesApi(parts));
  router.use(['/worklist', '/studies'], requireRight('api'));
  router.use(studiesApi(parts));
  router.use(exportApi(parts));
  router.use(requireRight(), () => {
    throw new LifeboatError('NOT_FOUND', 'There is no such address in the API.');
  });
  return Object.assign(router, { closeAll: () => events.closeAll() });
}
