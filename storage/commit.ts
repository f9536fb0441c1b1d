import type { EventEmitter } from 'node:events';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { ArchiveEvents, SpoolStatus } from './archive-types.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import { CatalogueFeed, type StoredInstance } from './catalogue-feed.ts';
import { type BatchOutcome, type CommitParts, commitStudy } from './commit-batch.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { contentId } from './merge.ts';
import type { Spool } from './spool.ts';
import type { SpoolEntry } from './spool-types.ts';
import type { StoreWatch } from './store-watch.ts';

export interface CommitterOptions extends CommitParts {
  spool: Spool;
  catalogue: Catalogue;
  events: EventEmitter<ArchiveEvents>;
  watch: StoreWatch;
  /** Awaited before the spool forgets what is stored and in the catalogue; when it fails, the instances are committed again later. */
  onStored?(entries: InstanceEntry[]): Promise<void>;
  /** Something IT should read in the log; the committer goes on. */
  onProblem(error: LifeboatError): void;
}

/** Segments of a batch hold at most so many lines. */
const BATCH_ENTRIES = 500;
/** A batch is due when so many instances or bytes wait… */
const FULL_ENTRIES = 1000;
const FULL_BYTES = 512 * 1024 * 1024;
/** …or when nothing came for so long… */
const QUIET_MS = 300;
/** …or when its first instance is this old… */
const LONGEST_WAIT_MS = 1000;
/** …or, while so many wait that a sender must be in full flow and a commit would only slow it down, this old. */
const DENSE_ENTRIES = 50;
const LONGEST_DENSE_WAIT_MS = 4000;
const STUDIES_IN_FLIGHT = 16;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

/**
 * Moves acknowledged instances from the spool into store and catalogue: object, segments, catalogue row, and only then
 * is the spool entry removed. Every step may be repeated, so a crash between any two of them costs nothing.
 */
export class Committer {
  private readonly options: CommitterOptions;
  private readonly feed: CatalogueFeed;
  private readonly outstanding = new Map<string, SpoolEntry>();
  private queue: SpoolEntry[] = [];
  private queuedBytes = 0;
  private firstAt = 0;
  private lastAt = 0;
  private hurried = false;
  private waitsForAny = false;
  private closed = false;
  private wake: (() => void) | null = null;
  private readonly flushes = new Set<{ ids: Set<string>; resolve: () => void }>();
  private away: SpoolStatus['storeError'] | undefined;
  private refused: SpoolStatus['refused'] | undefined;
  private delay = FIRST_DELAY_MS;
  private retryDelay = FIRST_DELAY_MS;
  private readonly retries = new Set<NodeJS.Timeout>();
  private loop: Promise<void> = Promise.resolve();
  private readonly take = (entry: SpoolEntry) => this.enqueue([entry]);

  constructor(options: CommitterOptions) {
    this.options = options;
    this.feed = new CatalogueFeed({
      catalogue: options.catalogue,
      entries: (uid) => options.cache.entries(uid),
      onApplied: (stored) => this.finished(stored),
      onLost: (spooled) => {
        for (const entry of spooled) this.outstanding.delete(entry.id);
        this.enqueue(spooled);
      },
      onProblem: options.onProblem,
    });
  }

  start(): void {
    this.options.spool.events.on('entry', this.take);
    this.enqueue(this.options.spool.entries());
    this.loop = this.run();
  }

  status(): SpoolStatus {
    const status = this.options.spool.status();
    return {
      ...status,
      ...(this.away && { storeError: this.away }),
      ...(this.refused && { refused: this.refused }),
    };
  }

  /** What somebody else saw of the store; a wait for it ends at once when it is back. */
  noteStore(error: LifeboatError | null): void {
    if (error) this.noteAway(error);
    else if (this.away) {
      this.storeBack();
      this.wake?.();
    }
  }

  /** Resolves when everything in the spool now is committed and in the catalogue; waits as long as the store is away. */
  flush(): Promise<void> {
    const ids = new Set(this.outstanding.keys());
    if (ids.size === 0) return Promise.resolve();
    this.hurried = true;
    this.wake?.();
    return new Promise((resolve) => this.flushes.add({ ids, resolve }));
  }

  /** Finishes the batch at hand; what is not committed stays in the spool for the next start. */
  async close(): Promise<void> {
    this.closed = true;
    this.options.spool.events.off('entry', this.take);
    this.wake?.();
    for (const timer of this.retries) clearTimeout(timer);
    await this.loop;
    await this.feed.close();
    for (const flush of this.flushes) flush.resolve();
    this.flushes.clear();
  }

  private enqueue(entries: SpoolEntry[]): void {
    const now = performance.now();
    for (const entry of entries) {
      if (this.outstanding.has(entry.id)) continue;
      this.outstanding.set(entry.id, entry);
      if (this.queue.length === 0) this.firstAt = now;
      this.queue.push(entry);
      this.queuedBytes += entry.size;
      this.lastAt = now;
    }
    // A wait that nobody needs to end early would otherwise be made anew for every instance.
    if (this.waitsForAny || this.isFull()) this.wake?.();
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      const batch = await this.nextBatch();
      if (batch.length === 0) continue;
      const failed = await this.commit(batch);
      const away = failed.length === 0 ? null : await this.unreachable();
      if (away) {
        this.queue = [...failed.map(({ spooled }) => spooled), ...this.queue];
        for (const { spooled } of failed) this.queuedBytes += spooled.size;
        await this.storeAway(away);
        continue;
      }
      this.storeBack();
      if (failed.length > 0) this.againLater(failed);
      else this.allTaken();
    }
  }

  /** The error when the store does not answer at all, null when it does. */
  private async unreachable(): Promise<LifeboatError | null> {
    try {
      await this.options.store.ping();
      return null;
    } catch (error) {
      return asLifeboatError(error);
    }
  }

  private allTaken(): void {
    this.retryDelay = FIRST_DELAY_MS;
    if (this.retries.size === 0) this.refused = undefined;
  }

  /** The store answers and yet did not take these: they step aside for the others and are tried again. */
  private againLater(failed: BatchOutcome['failed']): void {
    const { error } = failed[0]!;
    this.options.onProblem(error);
    this.refused = {
      since: this.refused?.since ?? new Date().toISOString(),
      entries: failed.length,
      message: error.message,
    };
    const entries = failed.map(({ spooled }) => spooled);
    const timer = setTimeout(() => {
      this.retries.delete(timer);
      for (const entry of entries) this.outstanding.delete(entry.id);
      this.enqueue(entries);
    }, this.retryDelay);
    this.retries.add(timer);
    this.retryDelay = Math.min(this.retryDelay * 2, LONGEST_DELAY_MS);
  }

  private isFull(): boolean {
    return this.queue.length >= FULL_ENTRIES || this.queuedBytes >= FULL_BYTES;
  }

  private async nextBatch(): Promise<SpoolEntry[]> {
    while (!this.closed) {
      const now = performance.now();
      const longest = this.queue.length >= DENSE_ENTRIES ? LONGEST_DENSE_WAIT_MS : LONGEST_WAIT_MS;
      const due = Math.min(this.lastAt + QUIET_MS, this.firstAt + longest) - now;
      if (this.queue.length > 0 && (this.hurried || this.isFull() || due <= 0)) {
        const batch = this.queue.slice(0, BATCH_ENTRIES);
        this.queue = this.queue.slice(BATCH_ENTRIES);
        for (const { size } of batch) this.queuedBytes -= size;
        this.firstAt = now;
        return batch;
      }
      this.waitsForAny = this.queue.length === 0;
      await this.sleep(this.waitsForAny ? undefined : due);
      this.waitsForAny = false;
    }
    return [];
  }

  private sleep(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? null : setTimeout(() => this.wake?.(), ms);
      this.wake = () => {
        if (timer) clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }

  private async commit(batch: SpoolEntry[]): Promise<BatchOutcome['failed']> {
    const studies = new Map<string, SpoolEntry[]>();
    for (const entry of batch) {
      const study = studies.get(entry.studyInstanceUID);
      if (study) study.push(entry);
      else studies.set(entry.studyInstanceUID, [entry]);
    }
    const outcomes: BatchOutcome[] = [];
    const queue = [...studies];
    try {
      await this.options.watch.hold();
    } catch (thrown) {
      return batch.map((spooled) => ({ spooled, error: asLifeboatError(thrown) }));
    }
    const lane = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        outcomes.push(await commitStudy(this.options, next[0], next[1]));
      }
    };
    await Promise.all(Array.from({ length: Math.min(STUDIES_IN_FLIGHT, queue.length) }, lane));
    const stored = outcomes.flatMap((outcome) => outcome.stored);
    const doubt = stored.length > 0 ? await this.doubtOf() : null;
    if (doubt) return batch.map((spooled) => ({ spooled, error: doubt }));
    if (stored.length > 0) {
      this.storeBack();
      await this.feed.apply(stored);
    }
    for (const { spooled, error } of outcomes.flatMap((outcome) => outcome.damaged)) {
      this.options.onProblem(error);
      await this.options.spool
        .setAside(spooled, error.message)
        .catch((e) => this.options.onProblem(asLifeboatError(e)));
      this.settle([spooled]);
    }
    return outcomes.flatMap((outcome) => outcome.failed);
  }

  /** Why what was just written may not lie all in one store; null when it does. */
  private async doubtOf(): Promise<LifeboatError | null> {
    try {
      if (await this.options.watch.unchanged()) return null;
      return new LifeboatError('STORE_UNAVAILABLE', ': it was replaced by another one while images were written to it');
    } catch (error) {
      return asLifeboatError(error);
    }
  }

  private async finished(stored: StoredInstance[]): Promise<void> {
    await this.options.onStep('catalogue');
    const shown = new Map<string, InstanceEntry>(stored.map(({ entry }) => [contentId(entry), entry]));
    try {
      await this.options.onStored?.([...shown.values()]);
    } catch (error) {
      this.againLater(stored.map(({ spooled }) => ({ spooled, error: asLifeboatError(error) })));
      return;
    }
    for (const { spooled } of stored) {
      await this.options.spool.remove(spooled).catch((e) => this.options.onProblem(asLifeboatError(e)));
    }
    await this.options.onStep('removed');
    this.options.events.emit('committed', [...shown.values()]);
    this.settle(stored.map(({ spooled }) => spooled));
  }

  private settle(entries: SpoolEntry[]): void {
    for (const { id } of entries) {
      this.outstanding.delete(id);
      for (const flush of this.flushes) {
        flush.ids.delete(id);
        if (flush.ids.size > 0) continue;
        this.flushes.delete(flush);
        flush.resolve();
      }
    }
    if (this.flushes.size === 0) this.hurried = false;
  }

  private noteAway(error: LifeboatError): void {
    const before = this.away;
    this.away = { since: before?.since ?? new Date().toISOString(), message: error.message };
    if (before?.message !== error.message) this.options.onProblem(error);
    if (!before) this.options.events.emit('store', false);
  }

  private async storeAway(error: LifeboatError): Promise<void> {
    this.noteAway(error);
    const until = performance.now() + this.delay;
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY_MS);
    while (!this.closed && this.away && performance.now() < until) await this.sleep(until - performance.now());
  }

  private storeBack(): void {
    this.delay = FIRST_DELAY_MS;
    if (!this.away) return;
    this.away = undefined;
    this.options.events.emit('store', true);
  }
}
