import { Router } from 'express';
import { preferences } from '../../contract/preferences.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

/** /api/preferences: how a person likes to read; /site: what everybody gets who has not chosen otherwise. */
export function preferencesApi({ control }: HttpParts): Router {
  const router = Router();

  router.get('/', (req, res) => {
    res.json(control.preferences.of(demand(req, 'api').name));
  });

  router.put('/', (req, res) => {
    control.preferences.keep(demand(req, 'api').name, checked(preferences, req.body));
    res.status(204).end();
  });

  router.put('/site', (req, res) => {
    const { name: user, address } = demand(req, 'admin');
    control.preferences.keepForSite(checked(preferences, req.body));
    control.audit({ user, address, action: 'settings-change', object: 'preferences of the site', outcome: 'ok' });
    res.status(204).end();
  });

  return router;
}
