import { createHash } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { instanceId, newestFirst } from '../../storage/merge.ts';

/** Entries of one study arranged for retrieval. */
export interface StudyEntries {
  /** Newest content of every instance, in order of series and instance UID. */
  current: InstanceEntry[];
  /** Every content by `instanceId`, newest first. */
  byInstance: ReadonlyMap<string, InstanceEntry[]>;
  /** Changes when any content is added. */
  etag: string;
}

function arrange(entries: InstanceEntry[]): StudyEntries {
  const byInstance = new Map<string, InstanceEntry[]>();
  for (const entry of entries) {
    const contents = byInstance.get(instanceId(entry));
    if (!contents) byInstance.set(instanceId(entry), [entry]);
    else if (!contents.some((other) => other.dataSetSha256 === entry.dataSetSha256)) contents.push(entry);
  }
  for (const contents of byInstance.values()) contents.sort(newestFirst);
  const current = [...byInstance.values()].map((contents) => contents[0]!);
  current.sort((a, b) =>
    a.seriesInstanceUID === b.seriesInstanceUID
      ? compare(a.sopInstanceUID, b.sopInstanceUID)
      : compare(a.seriesInstanceUID, b.seriesInstanceUID),
  );
  return { current, byInstance, etag: etagOf(current) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Strong entity tag over the contents of these instances. */
export function etagOf(entries: readonly InstanceEntry[], variant = ''): string {
  const hash = createHash('sha256').update(variant);
  for (const entry of entries) hash.update(entry.sha256);
  return `"${hash.digest('hex').slice(0, 32)}"`;
}

/** Arranges the entries of studies; as long as the archive answers with the same list, this is done once. */
export class StudyIndex {
  readonly #archive: Archive;
  readonly #arranged = new WeakMap<InstanceEntry[], StudyEntries>();

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** NOT_FOUND when the study is unknown. */
  async study(studyInstanceUID: string): Promise<StudyEntries> {
    const entries = await this.#archive.entries(studyInstanceUID);
    if (entries.length === 0) throw new LifeboatError('NOT_FOUND', 'No such study here.');
    let arranged = this.#arranged.get(entries);
    if (!arranged) {
      arranged = arrange(entries);
      this.#arranged.set(entries, arranged);
    }
    return arranged;
  }

  /** Current contents of a study, a series or one instance; NOT_FOUND when there are none. */
  async select(study: string, series?: string, instance?: string): Promise<InstanceEntry[]> {
    const { current, byInstance } = await this.study(study);
    if (instance !== undefined) {
      const found =
        series === undefined
          ? current.filter((entry) => entry.sopInstanceUID === instance)
          : (byInstance.get(instanceId({ seriesInstanceUID: series, sopInstanceUID: instance }))?.slice(0, 1) ?? []);
      if (found.length === 0) throw new LifeboatError('NOT_FOUND', 'No such instance here.');
      return found;
    }
    if (series === undefined) return current;
    const entries = current.filter((entry) => entry.seriesInstanceUID === series);
    if (entries.length === 0) throw new LifeboatError('NOT_FOUND', 'No such series here.');
    return entries;
  }

  /** One content of an instance: the newest, or the one whose data set or object has this SHA-256. */
  async content(study: string, series: string, instance: string, sha256?: string): Promise<InstanceEntry> {
    const [newest] = await this.select(study, series, instance);
    if (sha256 === undefined) return newest!;
    const { byInstance } = await this.study(study);
    const wanted = sha256.toLowerCase();
    const contents = byInstance.get(instanceId({ seriesInstanceUID: series, sopInstanceUID: instance }));
    const entry = contents?.find((one) => one.dataSetSha256 === wanted || one.sha256 === wanted);
    if (!entry) throw new LifeboatError('NOT_FOUND', 'No content with this SHA-256 under this instance.');
    return entry;
  }
}
