import type { InstanceEntry } from '../../storage/format/manifest.ts';

export interface NamedEntry {
  entry: InstanceEntry;
  /** Path within the export. */
  name: string;
}

/** Eight characters with the number in them; 100,000 and more cost letters of the prefix. */
const named = (prefix: string, number: number) => {
  const digits = String(number).padStart(5, '0');
  return prefix.slice(0, 8 - digits.length) + digits;
};
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function instanceNumber(entry: InstanceEntry): number {
  const number = Number(entry.attributes['00200013']?.Value?.[0]);
  return Number.isFinite(number) ? number : Number.MAX_SAFE_INTEGER;
}

function seriesNumber(entry: InstanceEntry): number {
  const number = Number(entry.attributes['00200011']?.Value?.[0]);
  return Number.isFinite(number) ? number : Number.MAX_SAFE_INTEGER;
}

/**
 * File names that any disc and system takes (PS3.10 8.2, PS3.12: eight characters of A-Z 0-9 _): DICOM/STU00001/SER00001/
 * IMG00001, series by number, instances by number within. The same entries always get the same names; no two share one.
 */
export function nameEntries(entries: InstanceEntry[]): NamedEntry[] {
  const series = [...Map.groupBy(entries, (entry) => entry.seriesInstanceUID)].sort(
    ([uidA, [a]], [uidB, [b]]) => seriesNumber(a!) - seriesNumber(b!) || compare(uidA, uidB),
  );
  return series.flatMap(([, instances], s) =>
    instances
      .toSorted(
        (a, b) =>
          instanceNumber(a) - instanceNumber(b) ||
          compare(a.sopInstanceUID, b.sopInstanceUID) ||
          compare(a.dataSetSha256, b.dataSetSha256),
      )
      .map((entry, i) => ({ entry, name: `DICOM/STU00001/${named('SER', s + 1)}/${named('IMG', i + 1)}` })),
  );
}
