import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';

const PAGE = 200;

/**
 * What was received from `from` to before `to` (UTC ISO), study by study, as the store has it. A study that changes place in
 * the list while it is read may come twice, never not at all.
 */
export async function* studiesReceived(
  archive: Pick<Archive, 'catalogue' | 'entries'>,
  from: string,
  to?: string,
): AsyncGenerator<{ studyInstanceUID: string; entries: InstanceEntry[] }> {
  const done = new Set<string>();
  for (let offset = 0; ; ) {
    const { rows, more } = await archive.catalogue.worklist({ sort: '-lastReceivedAt', limit: PAGE, offset });
    for (const { studyInstanceUID, lastReceivedAt, firstReceivedAt } of rows) {
      if (lastReceivedAt < from) return;
      if (done.has(studyInstanceUID) || (to !== undefined && firstReceivedAt >= to)) continue;
      done.add(studyInstanceUID);
      const entries = await archive.entries(studyInstanceUID);
      const within = entries.filter(({ receivedAt }) => receivedAt >= from && (to === undefined || receivedAt < to));
      if (within.length > 0) yield { studyInstanceUID, entries: within };
    }
    if (!more) return;
    offset += rows.length;
  }
}
