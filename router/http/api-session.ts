import { type Request, Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { addressOf, demand, demandAnybody, sessionOf } from './principal.ts';
import { clearSessionCookie, sessionIdOf, setSessionCookie } from './session-cookie.ts';

const loginRequest = z.strictObject({ user: z.string().min(1).max(200), password: z.string().min(1).max(1024) });
const passwordChange = z.strictObject({ current: z.string().max(1024), next: z.string().max(1024) });

/** /api/session: who am I, sign in, sign out, change my password. */
export function sessionApi({ control }: HttpParts): Router {
  const router = Router();

  router.get('/', (req, res) => {
    const session = sessionOf(req);
    if (!session) throw new LifeboatError('UNAUTHENTICATED');
    res.set('Cache-Control', 'no-store').json(session);
  });

  router.post('/', async (req, res) => {
    const { user, password } = checked(loginRequest, req.body);
    const address = addressOf(req);
    const account = await control.signIn.verify(user, password, address);
    const before = sessionIdOf(req);
    if (before) control.sessions.end(before);
    const id = control.sessions.begin(account.name, whereFrom(req));
    control.users.loggedIn(account.name);
    control.audit({ user: account.name, address, action: 'login', object: account.name, outcome: 'ok' });
    setSessionCookie(req, res, id);
    res.set('Cache-Control', 'no-store').json(control.sessions.use(id));
  });

  router.delete('/', (req, res) => {
    const id = sessionIdOf(req);
    const session = sessionOf(req);
    if (id && session) {
      control.sessions.end(id);
      const { user } = session;
      control.audit({ user, address: addressOf(req), action: 'logout', object: user, outcome: 'ok' });
    }
    clearSessionCookie(req, res);
    // What this browser still holds of patients; browsers heed it over HTTPS and on localhost.
    res.set('Clear-Site-Data', '"cache", "storage"').status(204).end();
  });

  router.post('/password', async (req, res) => {
    const { name, address } = demandAnybody(req);
    const { current, next } = checked(passwordChange, req.body);
    const account = await control.signIn.verify(name, current, address);
    if (next === current) throw new LifeboatError('WEAK_PASSWORD', 'The new password is the old one.');
    await control.users.setPassword(account.name, next, { mustChange: false });
    const detail = 'changed own password';
    control.audit({ user: name, address, action: 'user-change', object: name, detail, outcome: 'ok' });
    setSessionCookie(req, res, control.sessions.begin(account.name, whereFrom(req)));
    res.status(204).end();
  });

  router.get('/all', (req, res) => {
    const { name } = demand(req);
    res.json(control.sessions.of(name, sessionIdOf(req)!));
  });

  router.delete('/others', (req, res) => {
    const { name, address } = demand(req);
    const ended = control.sessions.endOthers(name, sessionIdOf(req)!);
    const detail = `ended ${ended} other sessions`;
    control.audit({ user: name, address, action: 'logout', object: name, detail, outcome: 'ok' });
    res.status(204).end();
  });

  return router;
}

function whereFrom(req: Request): { address: string; browser: string } {
  return { address: addressOf(req), browser: req.get('user-agent') ?? '' };
}
