import { Router } from 'express';
import { z } from 'zod';
import type { ForwardingRules } from '../../contract/api.ts';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { PRIORITIES } from '../forward/forward-types.ts';
import { readRoutesFile } from '../forward/routes.ts';
import { tryRules } from '../forward/try-rules.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const MOST_TEXT = 60_000;

const action = z.strictObject({
  destination: z.string(),
  action: z.enum(['pause', 'resume', 'retry', 'skip', 'prioritise']),
  /** One instance. */
  id: z.int().optional(),
  /** Those of one study. */
  studyInstanceUID: z.string().max(64).optional(),
  priority: z.enum(PRIORITIES).optional(),
});
const rules = z.strictObject({ text: z.string().max(MOST_TEXT) });
const trial = z.strictObject({
  studyInstanceUID: z.string().min(1).max(64),
  text: z.string().max(MOST_TEXT).optional(),
});

/** What is wrong with a forwarding file is what was asked for, not a fault of the server. */
async function asBadRequest<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = asLifeboatError(error);
    if (known.code !== 'CONFIG_INVALID') throw error;
    throw new LifeboatError('BAD_REQUEST', known.message, { cause: error });
  }
}

/** /api/forwarding, for administrators: what is owed to whom, by which rules, and the hand on it. */
export function forwardingApi({ context, control }: HttpParts): Router {
  const router = Router();
  const { forwarding, archive } = context;
  router.get('/', (_req, res) => {
    res.json(forwarding?.status() ?? { destinations: [] });
  });
  router.post('/', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const asked = checked(action, req.body);
    if (!forwarding) throw new LifeboatError('NOT_FOUND', 'There is no such destination.');
    const count = forwarding.act(asked);
    const { destination, action: what, id, studyInstanceUID, priority } = asked;
    const detail = `${[what, id, studyInstanceUID, priority].filter((word) => word !== undefined).join(' ')}, ${count} instances`;
    control.audit({ user, address, action: 'forwarding', object: destination, detail, outcome: 'ok' });
    res.json(forwarding.status());
  });

  const inForce = (): ForwardingRules => ({
    file: forwarding!.routesFile,
    text: readRoutesFile(forwarding!.routesFile),
    destinations: forwarding!.destinations.map(({ name }) => name),
    rules: forwarding!.routes.rules.map(({ name }) => name),
  });
  router.get('/rules', (req, res) => {
    demand(req, 'admin');
    res.json(inForce());
  });
  router.put('/rules', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { text } = checked(rules, req.body);
    await asBadRequest(() => forwarding!.setRoutes(text));
    const detail = `${forwarding!.destinations.length} destinations, ${forwarding!.routes.rules.length} rules`;
    control.audit({ user, address, action: 'forwarding-rules', object: forwarding!.routesFile, detail, outcome: 'ok' });
    res.json(inForce());
  });
  router.post('/try', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { studyInstanceUID, text } = checked(trial, req.body);
    const entries = await archive.entries(studyInstanceUID);
    if (entries.length === 0) throw new LifeboatError('NOT_FOUND', 'There is no such study here.');
    const answer = await asBadRequest(() => tryRules(forwarding!, archive.store, entries, text));
    const detail = 'trial of forwarding rules';
    control.audit({ user, address, action: 'view', object: studyInstanceUID, detail, outcome: 'ok' });
    res.json(answer);
  });
  return router;
}
