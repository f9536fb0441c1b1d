import type { Preferences, PreferencesAnswer } from '../../../../contract/preferences.ts';
import { knownPreferences, primePreferences } from '../preferences.ts';
import { request } from './client.ts';
import { archiveDoor } from './door.ts';

/** Asks the router where the page did not bring them: after signing in. @returns whether anything new is known */
export async function loadPreferences(): Promise<boolean> {
  if (knownPreferences() || !archiveDoor().live) return false;
  primePreferences(await request<PreferencesAnswer>('api/preferences'));
  return true;
}

/**
 * Keeps one preference under the person's account, or for the whole site (administrators); undefined: as the site or the
 * standard has it. @throws RequestError
 */
export async function keepPreference<K extends keyof Preferences>(
  name: K,
  value: Preferences[K] | undefined,
  forSite = false,
): Promise<void> {
  const before = knownPreferences() ?? { own: {}, site: {} };
  const which = forSite ? 'site' : 'own';
  const { [name]: _, ...rest } = before[which];
  const changed: Preferences = value === undefined ? rest : { ...rest, [name]: value };
  await request<void>(forSite ? 'api/preferences/site' : 'api/preferences', { method: 'PUT', body: changed });
  primePreferences({ ...before, [which]: changed });
}
