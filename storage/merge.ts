import type { InstanceEntry } from './format/manifest.ts';

/** What makes two entries the same content: SOP Instance UID and hash of the data set. */
export function contentId(entry: { sopInstanceUID: string; dataSetSha256: string }): string {
  return `${entry.sopInstanceUID} ${entry.dataSetSha256}`;
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

/** The newest content of each SOP Instance UID. */
export function currentEntries(entries: InstanceEntry[]): InstanceEntry[] {
  const current = new Map<string, InstanceEntry>();
  for (const entry of entries) {
    const other = current.get(entry.sopInstanceUID);
    if (!other || newestFirst(entry, other) < 0) current.set(entry.sopInstanceUID, entry);
  }
  return [...current.values()];
}
