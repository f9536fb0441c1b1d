import type { InstanceEntry } from './format/manifest.ts';

/** What makes two entries the same content: SOP Instance UID and hash of the data set. */
export function contentId(entry: { sopInstanceUID: string; dataSetSha256: string }): string {
  return `${entry.sopInstanceUID} ${entry.dataSetSha256}`;
}

/**
 * What makes two contents versions of one instance: series and SOP Instance UID within a study. A SOP Instance UID should be
 * unique (PS3.5 9), but some devices use one in two series; then both are instances and neither hides the other.
 */
export function instanceId(entry: { seriesInstanceUID: string; sopInstanceUID: string }): string {
  return `${entry.seriesInstanceUID} ${entry.sopInstanceUID}`;
}

/** Newer receipt first; of the same time the greater key, so that every reader decides alike. */
export function newestFirst(a: InstanceEntry, b: InstanceEntry): number {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt < b.receivedAt ? 1 : -1;
  return a.key < b.key ? 1 : a.key > b.key ? -1 : 0;
}

/** Set union: one entry for each content. Where two lines speak of one content (two writers), the newest counts. */
export function mergeEntries(lists: Iterable<InstanceEntry[]>): InstanceEntry[] {
  const byContent = new Map<string, InstanceEntry>();
  for (const list of lists) {
    for (const entry of list) {
      const id = contentId(entry);
      const other = byContent.get(id);
      if (!other || newestFirst(entry, other) < 0) byContent.set(id, entry);
    }
  }
  return [...byContent.values()];
}

/** The newest content of each instance of a study. */
export function currentEntries(entries: InstanceEntry[]): InstanceEntry[] {
  const current = new Map<string, InstanceEntry>();
  for (const entry of entries) {
    const other = current.get(instanceId(entry));
    if (!other || newestFirst(entry, other) < 0) current.set(instanceId(entry), entry);
  }
  return [...current.values()];
}
