import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { TagChange } from '../forward/forward-types.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { identityOf, type StudyIdentity } from './compare-study.ts';

const TAGS: Record<string, keyof StudyIdentity> = {
  '00100010': 'patientName',
  '00100020': 'patientID',
  '00080050': 'accessionNumber',
};

/** The identity with which a study's images go out to `peer`: as received, with the changes that are made on the way. */
export async function expectedIdentity(
  forwarding: Forwarding,
  peer: string,
  entries: readonly InstanceEntry[],
): Promise<StudyIdentity | undefined> {
  const newest = entries.reduce<InstanceEntry | undefined>(
    (best, entry) => (best === undefined || best.receivedAt < entry.receivedAt ? entry : best),
    undefined,
  );
  if (!newest) return undefined;
  const route = (await forwarding.route(newest)).find(({ destination }) => destination === peer);
  return changed(identityOf(newest.attributes), route?.changes ?? []);
}

export function changed(identity: StudyIdentity, changes: readonly TagChange[]): StudyIdentity {
  const result = { ...identity };
  for (const change of changes) {
    const field = TAGS[change.tag];
    if (!field) continue;
    if ('set' in change) result[field] = change.set;
    else if ('remove' in change) result[field] = '';
    else if ('prefix' in change) result[field] = result[field] === '' ? '' : change.prefix + result[field];
    else if ('map' in change) result[field] = change.map[result[field]] ?? result[field];
  }
  return result;
}
