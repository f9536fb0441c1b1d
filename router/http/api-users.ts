import { Router } from 'express';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { ROLES } from '../access/users.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const role = z.enum(ROLES as ['radiologist', 'modality', 'admin']);
const userCreate = z.strictObject({ name: z.string(), role, password: z.string().max(1024) });
const userPatch = z.strictObject({
  role: role.optional(),
  disabled: z.boolean().optional(),
  password: z.string().max(1024).optional(),
  unlock: z.literal(true).optional(),
});

/** /api/users, for administrators. */
export function usersApi({ control }: HttpParts): Router {
  const router = Router();
  const rowOf = (name: string) => {
    const row = control.users.rows().find((user) => user.name.toLowerCase() === name.toLowerCase());
    if (!row) throw new LifeboatError('NOT_FOUND', `There is no user ${name}.`);
    return row;
  };

  router.get('/', (_req, res) => {
    res.json(control.users.rows());
  });

  router.post('/', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const wanted = checked(userCreate, req.body);
    await control.users.add(wanted.name, wanted.role, wanted.password, { mustChange: true });
    const detail = `added as ${wanted.role}`;
    control.audit({ user, address, action: 'user-change', object: wanted.name, detail, outcome: 'ok' });
    res.status(201).json(rowOf(wanted.name));
  });

  router.patch('/:name', async (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const patch = checked(userPatch, req.body);
    const { name } = rowOf(req.params.name);
    control.users.change(name, patch);
    if (patch.password !== undefined)
      await control.users.setPassword(name, patch.password, { mustChange: name.toLowerCase() !== user.toLowerCase() });
    if (patch.unlock) control.users.unlock(name);
    const { password, ...shown } = patch;
    const detail = JSON.stringify({ ...shown, ...(password !== undefined && { password: 'set' }) });
    control.audit({ user, address, action: 'user-change', object: name, detail, outcome: 'ok' });
    res.json(rowOf(name));
  });

  router.delete('/:name', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    const { name } = rowOf(req.params.name);
    control.users.remove(name);
    control.audit({ user, address, action: 'user-change', object: name, detail: 'removed', outcome: 'ok' });
    res.status(204).end();
  });

  return router;
}
