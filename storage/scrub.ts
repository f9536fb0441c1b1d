import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import type { PassCounts, ScrubState as ScrubStatus } from '../contract/integrity.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import { contentId } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import type { TrustedKeys } from './policy/removal-record.ts';
import { ByteRate, pause } from './scrub-rate.ts';
import type { OpenPass, ScrubState } from './scrub-state.ts';
import type { StoreConfig } from './stores/open-store.ts';
import { addStudy, count, emptySummary } from './verify.ts';
import { CatalogueCheck } from './verify-catalogue.ts';
import { studiesIn } from './verify-listing.ts';
import { type StudyContext, type VerifiedStudy, verifyStudy } from './verify-study.ts';
import { openReader } from './verify-threads.ts';
import { countOf, type Finding, type VerifySummary } from './verify-types.ts';

export interface ScrubOptions {
  store: ObjectStore;
  /** Where given, everything is read in a thread of its own. */
  storeConfig?: StoreConfig;
  catalogue: Catalogue;
  state: ScrubState;
  /** 0: never scrub. */
  bytesPerSecond: number;
  /** From the beginning of a pass to that of the next, ms. */
  everyMs: number;
  /** A sentence while something else has precedence: the scrub waits. */
  busy(): string | undefined;
  strayAgeMs?: number;
  /** Whose removals count; absent: those signed with keys that lie in the store. */
  removalKeys?: TrustedKeys;
  onProblem(error: LifeboatError): void;
  /** For the log: findings of a study, as they are found. */
  onFindings?(findings: Finding[]): void;
  /** How long to wait where there is nothing to do or no answer, ms. Default 5,000. */
  idleMs?: number;
}

const STRAY_AGE_MS = 600_000;
const EMPTY_AGAIN_MS = 60_000;
/** Where the findings of a whole pass are kept that belong to no study. */
const CATALOGUE_PATH = 'catalogue';

/**
 * Reads the whole archive again and again, slowly, in one thread, study by study; after a restart it goes on where it was. Stands
 * back while `busy` says so. A study that changes meanwhile is compared as it is found.
 */
export class Scrub {
  readonly #options: ScrubOptions;
  readonly #end = new AbortController();
  #pass: OpenPass | null;
  #held: string | undefined;
  #running: Promise<void> = Promise.resolve();
  #startNow = false;

  constructor(options: ScrubOptions) {
    this.#options = options;
    this.#pass = options.state.openPass();
  }

  start(): void {
    if (this.#options.bytesPerSecond > 0) this.#running = this.#run();
  }

  /** A pass that is due at once, whenever the last one was. */
  passNow(): void {
    this.#startNow = true;
  }

  status(): ScrubStatus {
    const { bytesPerSecond, everyMs } = this.#options;
    const common = { bytesPerSecond, everyDays: everyMs / 86_400_000 };
    if (bytesPerSecond === 0) return { state: 'off', ...common };
    const held = this.#held ? { reason: this.#held } : {};
    if (!this.#pass)
      return {
        state: this.#held ? 'held' : 'waiting',
        ...common,
        ...held,
        nextAt: new Date(this.#dueAt()).toISOString(),
      };
    const { startedAt, position, summary } = this.#pass;
    const progress = position ? Number.parseInt(position.slice(0, 2), 16) / 256 : 0;
    const pass = { startedAt, progress: Number.isNaN(progress) ? 1 : progress, ...countsOf(summary) };
    return { state: this.#held ? 'held' : 'running', ...common, ...held, pass };
  }

  /** Stops after the objects at hand; the position is kept. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  #dueAt(): number {
    const last = this.#options.state.lastPass({ by: 'scrub' });
    if (!last || this.#startNow) return Date.now();
    // an archive that was empty is looked at again soon
    return last.studies === 0
      ? Date.parse(last.endedAt) + Math.min(EMPTY_AGAIN_MS, this.#options.everyMs)
      : Date.parse(last.startedAt) + this.#options.everyMs;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    const idle = () => pause(this.#options.idleMs ?? 5000, signal);
    while (!signal.aborted) {
      try {
        this.#held = this.#options.busy();
        if (this.#held || (!this.#pass && Date.now() < this.#dueAt())) {
          await idle();
          continue;
        }
        await this.#goOn();
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (this.#held !== error.message) this.#options.onProblem(error);
        this.#held = error.message;
        await idle();
      }
    }
  }

  /** From the position to the end of the pass. Throws STORE_UNAVAILABLE when the store cannot be listed. */
  async #goOn(): Promise<void> {
    const { store, state, strayAgeMs = STRAY_AGE_MS } = this.#options;
    const { signal } = this.#end;
    this.#startNow = false;
    this.#pass ??= {
      startedAt: new Date().toISOString(),
      position: '',
      summary: emptySummary(),
      shared: 0,
      received: {},
    };
    const pass = this.#pass;
    const reader = openReader(store, { threads: 1, config: this.#options.storeConfig });
    const catalogue = new CatalogueCheck(this.#options.catalogue, reader, strayAgeMs, pass.shared);
    const rate = new ByteRate(this.#options.bytesPerSecond, signal);
    const context: StudyContext = {
      store,
      reader,
      catalogue,
      strayAgeMs,
      removalKeys: this.#options.removalKeys,
      signal,
      throttle: async (bytes) => {
        await this.#standBack();
        await rate.take(bytes);
      },
    };
    try {
      for await (const found of studiesIn(store, pass.position)) {
        await this.#standBack();
        const study = await verifyStudy(context, found);
        // broken off in the middle: it is read again after the restart
        if (signal.aborted) return;
        pass.position = study.path;
        pass.shared = catalogue.shared;
        this.#take(pass, study);
        state.studyDone(pass, study.path, study.findings);
        if (study.findings.length > 0) this.#options.onFindings?.(study.findings);
      }
      const surplus = await catalogue.surplus();
      if (signal.aborted) return;
      for (const finding of surplus) count(pass.summary, finding);
      state.record(CATALOGUE_PATH, surplus);
      if (surplus.length > 0) this.#options.onFindings?.(surplus);
    } finally {
      await reader.close();
    }
    state.grewBefore(pass.received);
    state.passDone(pass.summary, pass.startedAt, 'scrub');
    this.#pass = null;
  }

  async #standBack(): Promise<void> {
    const { signal } = this.#end;
    for (this.#held = this.#options.busy(); this.#held && !signal.aborted; this.#held = this.#options.busy())
      await pause(Math.min(500, this.#options.idleMs ?? 500), signal);
  }

  #take(pass: OpenPass, study: VerifiedStudy): void {
    addStudy(pass.summary, study);
    for (const finding of study.findings) count(pass.summary, finding);
    for (const entry of new Map(study.entries.map((one) => [contentId(one), one])).values()) {
      const day = entry.receivedAt.slice(0, 10);
      const [instances, bytes] = pass.received[day] ?? [0, 0];
      pass.received[day] = [instances + 1, bytes + entry.size];
    }
  }
}

export function countsOf(summary: VerifySummary): PassCounts {
  const { studies, segments, sound, bytes } = summary;
  return {
    studies,
    segments,
    sound,
    bytes,
    errors: countOf(summary, 'error'),
    notChecked: countOf(summary, 'not-checked'),
    notes: countOf(summary, 'note'),
  };
}
