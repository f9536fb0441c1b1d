import type { ForwardingTrial } from '../../contract/api.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { keywordOf } from '../dicomweb/dictionary.ts';
import type { TagChange } from './forward-types.ts';
import type { Forwarding } from './forwarding.ts';
import { readAllAttributes } from './read-all.ts';
import { valuesAt } from './rules.ts';

/** Where the images of a study would go by rules (default: those in force), and what would be changed. Nothing is sent. */
export async function tryRules(
  forwarding: Pick<Forwarding, 'route'>,
  store: ObjectStore,
  entries: readonly InstanceEntry[],
  text?: string,
): Promise<ForwardingTrial> {
  const ways = new Map<string, ForwardingTrial['ways'][number]>();
  let nowhere = 0;
  for (const entry of entries) {
    const routes = await forwarding.route(entry, text);
    if (routes.length === 0) nowhere++;
    for (const { destination, priority, rules, changes } of routes) {
      const attributes = changes.length > 0 ? await readAllAttributes(store, entry) : {};
      const shown = changes.map((change) => shownChange(change, attributes));
      const key = JSON.stringify([destination, priority, rules, shown]);
      const way = ways.get(key) ?? { destination, images: 0, priority, rules, changes: shown };
      way.images++;
      ways.set(key, way);
    }
  }
  return { images: entries.length, nowhere, ways: [...ways.values()] };
}

function shownChange(change: TagChange, attributes: DicomJson): ForwardingTrial['ways'][number]['changes'][number] {
  const values = valuesAt(attributes, [change.tag]);
  const before = values.join('\\');
  return {
    tag: change.tag,
    keyword: keywordOf(change.tag) ?? '',
    before,
    after: after(change, before, values.length > 0),
  };
}

function after(change: TagChange, before: string, isThere: boolean): string {
  if ('set' in change) return change.set;
  if ('remove' in change || !isThere) return '';
  if ('prefix' in change) return change.prefix + before;
  return 'map' in change ? (change.map[before] ?? before) : before;
}
