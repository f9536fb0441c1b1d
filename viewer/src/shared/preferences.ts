import type { Preferences, PreferencesAnswer } from '../../../contract/preferences.ts';

let known: PreferencesAnswer | null = null;

/** What is known of how the person likes to read, or null. */
export function knownPreferences(): PreferencesAnswer | null {
  return known;
}

/** Puts in what the page brought or the router has answered. */
export function primePreferences(answer: PreferencesAnswer): void {
  known = answer;
}

/** What holds for the person: their own, else the site's; undefined: the standard, also while nothing is known. */
export function preference<K extends keyof Preferences>(name: K): Preferences[K] {
  return known?.own[name] ?? known?.site[name];
}
