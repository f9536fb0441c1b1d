import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { BackfillAction, BackfillPlan, BackfillStatus } from '../../contract/backfill.ts';
import { asLifeboatError, type ErrorCode } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { planOf } from './backfill-plan.ts';
import type { BackfillState, StudyJob } from './backfill-state.ts';
import { backfillStatus } from './backfill-status.ts';
import { fetchStudy, IncompleteStudy } from './fetch-study.ts';
import { runFolder } from './folder-run.ts';
import type { Pace } from './pace.ts';
import type { PacsSource } from './pacs-source.ts';
import { Throughput } from './throughput.ts';

export interface BackfillOptions {
  dataDir: string;
  archive: Archive;
  state: BackfillState;
  pace: Pace;
  /** Where studies can come from. */
  sources: { dimse?: PacsSource; get?: PacsSource; web?: PacsSource };
  log: Logger;
}

const WORKERS = 8;
const IDLE_MS = 500;
/** The command line reads the rate, and what is waited for, from the state. */
const NOTE_MS = 2_000;
const MOST_ATTEMPTS = 5;
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 3_600_000;

/** The line to the PACS is gone, or it takes nobody: nothing is wrong with what was asked for. */
const LINE: ReadonlySet<ErrorCode> = new Set([
  'PEER_UNREACHABLE',
  'PEER_REJECTED',
  'PEER_ABORTED',
  'DIMSE_TIMEOUT',
  'DIMSE_CONNECTION_LOST',
]);

/** Fetches the history by plan, and before it what is needed soon. Everything that matters is in the state: see there. */
export class Backfill {
  readonly #options: BackfillOptions;
  readonly #throughput = new Throughput();
  readonly #busy = new Set<string>();
  readonly #stop = new AbortController();
  #listing = false;
  #folder: { run: Promise<void>; number: string } | undefined;
  #workers: Promise<void>[] = [];
  #noting: NodeJS.Timeout | undefined;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  start(): void {
    this.#noting = setInterval(() => this.#note(), NOTE_MS);
    this.#noting.unref();
    this.#workers = Array.from({ length: WORKERS }, (_, n) => this.#work(n));
  }

  #note(): void {
    const { state, pace } = this.#options;
    if (state.state !== 'running') return;
    const hindrance = pace.hindrance();
    state.setFact('waits for', isOrdinary(hindrance) ? '' : hindrance);
    state.setFact('rate', String(this.#throughput.perSecond ?? ''));
  }

  get #plan(): BackfillPlan | null {
    return this.#options.state.plan;
  }

  get sourceKinds(): BackfillPlan['via'][] {
    const { sources } = this.#options;
    return [...(['dimse', 'get', 'web'] as const).filter((via) => sources[via]), 'folder'];
  }

  counts() {
    return this.#options.state.counts();
  }

  status(): BackfillStatus {
    const { state, pace } = this.#options;
    const hindrance = state.state === 'running' ? pace.hindrance() : '';
    const waitsFor = isOrdinary(hindrance) ? '' : hindrance;
    return backfillStatus(state, { sources: this.sourceKinds, waitsFor, ratePerS: this.#throughput.perSecond });
  }

  /** @throws BAD_REQUEST for a plan that cannot be */
  act(action: BackfillAction): void {
    const { state } = this.#options;
    if (action.action === 'start') state.start(planOf(action.plan, this.sourceKinds));
    else if (action.action === 'retry') state.retry();
    else if (state.plan && state.state !== 'done') state.state = action.action === 'pause' ? 'paused' : 'running';
  }

  async #work(n: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let worked = false;
      try {
        worked = await this.#turnOf(n);
      } catch (error) {
        if (!signal.aborted) this.#options.log.error({ err: error }, 'backfill');
      }
      if (!worked) await sleep(IDLE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One piece of work; false: there is none for this worker. */
  async #turnOf(n: number): Promise<boolean> {
    const { state, pace } = this.#options;
    const plan = this.#plan;
    if (n >= (plan?.parallel ?? 2) || state.state === 'paused') return false;
    pace.limits(plan ?? { window: '', rate: 0 });
    const running = state.state === 'running';
    if (running && plan?.via === 'folder') {
      if (n === 0) return this.#runFolder(plan.folder!);
    }
    const onlyUrgent = !running || plan?.via === 'folder' || pace.hindrance() !== '';
    const job = state.nextStudy(this.#busy, onlyUrgent);
    if (job) {
      await this.#fetch(job);
      return true;
    }
    if (!running || plan?.via === 'folder') return false;
    const slice = this.#listing ? undefined : state.nextSlice();
    if (slice) {
      await this.#list(slice);
      return true;
    }
    if (this.#busy.size === 0 && !this.#listing && !state.hasWork()) {
      state.state = 'done';
      this.#options.log.info(state.counts(), 'backfill: all that could be fetched is here');
    }
    return false;
  }

  get #source(): PacsSource {
    const { sources } = this.#options;
    const via = this.#plan?.via ?? 'dimse';
    return ((via !== 'folder' && sources[via]) || sources.dimse || sources.web)!;
  }

  async #list(slice: { id: number; day: string; modality: string; attempts: number }): Promise<void> {
    const { state, pace } = this.#options;
    const { signal } = this.#stop;
    this.#listing = true;
    try {
      await this.#turn(false);
      const begun = performance.now();
      const studies = await this.#source.studiesOn(slice.day, slice.modality, signal);
      pace.answered(performance.now() - begun);
      state.listed(slice.id, studies);
    } catch (cause) {
      if (signal.aborted) return;
      const error = asLifeboatError(cause);
      const isLine = LINE.has(error.code);
      if (isLine) pace.lost(error.message);
      const givenUp = !isLine && slice.attempts + 1 >= MOST_ATTEMPTS;
      state.sliceFailed(slice.id, error.message, givenUp ? null : retryAfter(slice.attempts));
    } finally {
      this.#listing = false;
    }
  }

  async #fetch({ studyInstanceUID: uid, urgent, attempts }: StudyJob): Promise<void> {
    const { state, pace, archive } = this.#options;
    const { signal } = this.#stop;
    this.#busy.add(uid);
    try {
      const { expected } = await fetchStudy(uid, {
        archive,
        source: this.#source,
        signal,
        turn: () => this.#turn(urgent),
        answered: (ms) => pace.answered(ms),
        came: (images) => this.#came(images),
      });
      state.studyDone(uid, expected);
    } catch (cause) {
      if (signal.aborted) return;
      const error = asLifeboatError(cause);
      const isLine = LINE.has(error.code);
      if (isLine) pace.lost(error.message);
      const givenUp = !isLine && attempts + 1 >= MOST_ATTEMPTS;
      const counts = error instanceof IncompleteStudy ? error.counts : { expected: null, here: null };
      state.studyFailed(uid, error.message, counts, givenUp ? null : retryAfter(attempts));
      if (givenUp) this.#options.log.warn({ studyInstanceUID: uid, code: error.code }, 'backfill gave a study up');
    } finally {
      this.#busy.delete(uid);
    }
  }

  async #turn(urgent: boolean): Promise<void> {
    const { pace } = this.#options;
    const hindrance = pace.hindrance(urgent);
    await pace.turn(this.#stop.signal, urgent);
    if (!isOrdinary(hindrance)) this.#throughput.stood();
  }

  #came(images: number): void {
    this.#throughput.came(images);
    this.#options.pace.took(images);
  }

  async #runFolder(folder: string): Promise<boolean> {
    const { state, archive, dataDir } = this.#options;
    const number = state.fact('plan number') ?? '1';
    if (this.#folder?.number === number) return false;
    await this.#folder?.run;
    const run = runFolder(folder, {
      archive,
      state,
      dataDir,
      signal: this.#stop.signal,
      turn: () => this.#turn(false),
      came: (images) => this.#came(images),
    });
    this.#folder = { run: run.catch(() => undefined), number };
    await run;
    if (!this.#stop.signal.aborted && state.fact('plan number') === number) state.state = 'done';
    return true;
  }

  async close(): Promise<void> {
    clearInterval(this.#noting);
    this.#stop.abort(new Error('the router is closing'));
    await Promise.all(this.#workers);
  }
}

/** Nothing, or the limit of the plan: work goes on. */
const isOrdinary = (hindrance: string) => hindrance === '' || hindrance.startsWith('the limit');

const retryAfter = (attempts: number) => Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 10));
