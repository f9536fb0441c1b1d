import type { Preferences, PreferencesAnswer } from '../../contract/preferences.ts';
import type { ControlDatabase } from './database.ts';

/** How people like to read, under their accounts, and what the site gives them. */
export class PreferenceTable {
  readonly #db: ControlDatabase;

  constructor(db: ControlDatabase) {
    this.#db = db;
  }

  of(user: string): PreferencesAnswer {
    const own = this.#db.get('SELECT value FROM preferences WHERE user = ?', user);
    const site = this.#db.get('SELECT value FROM site_preferences WHERE id = 1');
    const read = (row: typeof own) => (row ? (JSON.parse(String(row['value'])) as Preferences) : {});
    return { own: read(own), site: read(site) };
  }

  keep(user: string, value: Preferences): void {
    const text = JSON.stringify(value);
    this.#db.run(
      'INSERT INTO preferences VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET value = excluded.value',
      user,
      text,
    );
  }

  keepForSite(value: Preferences): void {
    const text = JSON.stringify(value);
    this.#db.run(
      'INSERT INTO site_preferences VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value',
      text,
    );
  }
}
