import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { contentId } from './merge.ts';
import type { SpoolEntry } from './spool-types.ts';

/** An instance that the store has; its spool entry stays until the catalogue shows it too. */
export interface StoredInstance {
  spooled: SpoolEntry;
  entry: InstanceEntry;
  /** Manifest segment just written that has this line; whoever has one of its lines here has all. */
  segment?: string;
}

interface FeedOptions {
  catalogue: Catalogue;
  /** Entries of a study as the store has them. */
  entries(studyInstanceUID: string): Promise<InstanceEntry[]>;
  /** Called with what the catalogue shows now. */
  onApplied(stored: StoredInstance[]): Promise<void>;
  /** Called with entries that the store, asked again, does not show: commit them once more. */
  onLost(spooled: SpoolEntry[]): void;
  onProblem(error: LifeboatError): void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const APPLY_AT_ONCE = 500;

/**
 * Brings stored instances into the catalogue. While it does not answer they wait: in memory only by study and spool entry,
 * on disk in the spool. One entry that the catalogue refuses never holds up the others.
 */
export class CatalogueFeed {
  private readonly options: FeedOptions;
  private readonly waiting = new Map<string, Map<string, SpoolEntry[]>>();
  private delay = FIRST_DELAY_MS;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;
  /** The last answer was none: nobody waits for the next one but `retry`. */
  private away = false;
  private active: Promise<void> = Promise.resolve();

  constructor(options: FeedOptions) {
    this.options = options;
  }

  async apply(stored: StoredInstance[]): Promise<void> {
    const failed = this.away ? stored : await this.applyAll(stored);
    for (const { spooled, entry } of failed) this.wait(entry, spooled);
    if (failed.length > 0) this.retryLater();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.active;
  }

  private async applyAll(stored: StoredInstance[]): Promise<StoredInstance[]> {
    const unique = new Map(stored.map(({ entry }) => [contentId(entry), entry]));
    const segments = new Set(stored.flatMap(({ segment }) => segment ?? []));
    try {
      await this.options.catalogue.apply([...unique.values()], [...segments]);
      this.away = false;
    } catch (error) {
      const known = asLifeboatError(error);
      this.options.onProblem(known);
      this.away = known.code === 'CATALOGUE_UNAVAILABLE';
      if (this.away || stored.length === 1) return stored;
      const failed: StoredInstance[] = [];
      for (const { spooled, entry } of stored) failed.push(...(await this.applyAll([{ spooled, entry }])));
      return failed;
    }
    await this.options.onApplied(stored);
    return [];
  }

  private wait(entry: InstanceEntry, spooled: SpoolEntry): void {
    const study = this.waiting.get(entry.studyInstanceUID) ?? new Map<string, SpoolEntry[]>();
    this.waiting.set(entry.studyInstanceUID, study);
    const same = study.get(contentId(entry));
    if (!same) study.set(contentId(entry), [spooled]);
    else if (!same.includes(spooled)) same.push(spooled);
  }

  private retryLater(): void {
    if (this.timer || this.closed) return;
    this.timer = setTimeout(() => {
      this.active = this.retry().finally(() => {
        this.timer = null;
        if (this.waiting.size > 0) this.retryLater();
      });
    }, this.delay);
    this.timer.unref();
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY_MS);
  }

  private async retry(): Promise<void> {
    for (const [uid, study] of [...this.waiting]) {
      if (this.closed) return;
      this.waiting.delete(uid);
      let stored: StoredInstance[];
      try {
        const entries = await this.options.entries(uid);
        stored = entries.flatMap((entry) => (study.get(contentId(entry)) ?? []).map((spooled) => ({ spooled, entry })));
        const found = new Set(stored.map(({ spooled }) => spooled));
        const lost = [...study.values()].flat().filter((spooled) => !found.has(spooled));
        if (lost.length > 0) this.options.onLost(lost);
      } catch (error) {
        this.options.onProblem(asLifeboatError(error));
        this.putBack(uid, study);
        return;
      }
      let applied = 0;
      for (let at = 0; at < stored.length; at += APPLY_AT_ONCE) {
        const some = stored.slice(at, at + APPLY_AT_ONCE);
        const failed = await this.applyAll(some);
        for (const { spooled, entry } of failed) this.wait(entry, spooled);
        applied += some.length - failed.length;
      }
      if (applied > 0) this.delay = FIRST_DELAY_MS;
      if (applied === 0) return;
    }
  }

  private putBack(uid: string, study: Map<string, SpoolEntry[]>): void {
    const since = this.waiting.get(uid);
    if (!since) this.waiting.set(uid, study);
    else for (const [id, spooled] of study) since.set(id, [...spooled, ...(since.get(id) ?? [])]);
  }
}
