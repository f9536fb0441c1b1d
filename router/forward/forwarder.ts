import type { Logger } from 'pino';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type SendResult, sendInstances } from '../dimse/storage-scu.ts';
import { type Destination, type ForwardJob, nameOf } from './forward-types.ts';
import { holdAfter, judgeOutcome, pauseAfter } from './judge-outcome.ts';
import { outgoing } from './outgoing.ts';
import type { ForwardQueue } from './queue.ts';

export interface ForwarderOptions {
  destination: Destination;
  queue: ForwardQueue;
  store: ObjectStore;
  /** Our own AE title, the calling one. */
  aeTitle: string;
  log: Logger;
  /** Associations at once; default 2. */
  associations?: number;
}

/** Instances of one association. */
const BATCH = 200;
const ASSOCIATIONS = 2;
/** Looks for work that nobody announced (another process, the end of a pause) at least so often. */
const LONGEST_SLEEP_MS = 30_000;
/** So many answers in a row that the peer has no room: it is given time. */
const FULL_AFTER = 5;

/** Sends what is owed to one destination, for ever; one instance that cannot be sent stops no other. */
export class Forwarder {
  readonly name: string;
  readonly #options: ForwarderOptions;
  readonly #taken = new Set<number>();
  readonly #stop = new AbortController();
  #lanes: Promise<void>[] = [];
  #wakers = new Set<() => void>();
  #heldUntil = 0;
  #holds = 0;
  #fullInARow = 0;
  #paused = false;
  #trouble = '';
  #lastSentAt: string | null = null;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.name = nameOf(options.destination);
    this.#paused = options.queue.isPaused(this.name);
  }

  start(): void {
    const lanes = this.#options.associations ?? ASSOCIATIONS;
    this.#lanes = Array.from({ length: lanes }, () => this.#lane());
  }

  /** There is new work, or the destination is known to be back: what held it is forgotten. */
  wake(destinationIsBack = false): void {
    if (destinationIsBack) {
      this.#heldUntil = 0;
      this.#holds = 0;
    }
    for (const waker of this.#wakers) waker();
  }

  state(): { paused: boolean; sending: number; trouble: string; lastSentAt: string | null } {
    return {
      paused: this.#paused,
      sending: this.#taken.size,
      trouble: this.#trouble,
      lastSentAt: this.#lastSentAt,
    };
  }

  pause(): void {
    this.#paused = true;
    this.#options.queue.setPaused(this.name, true);
  }

  resume(): void {
    this.#paused = false;
    this.#options.queue.setPaused(this.name, false);
    this.wake(true);
  }

  /** Resolves when nothing is on its way any more; what was not answered is sent again after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await Promise.all(this.#lanes);
  }

  async #lane(): Promise<void> {
    const { queue } = this.#options;
    while (!this.#stop.signal.aborted) {
      const now = Date.now();
      const free = !this.#paused && now >= this.#heldUntil;
      const jobs = free ? queue.due(this.name, now, BATCH, this.#taken) : [];
      if (jobs.length === 0) {
        await this.#sleep(this.#untilWork(now));
        continue;
      }
      for (const { id } of jobs) this.#taken.add(id);
      try {
        await this.#send(jobs);
      } catch (error) {
        this.#options.log.error({ err: error, destination: this.name }, 'forwarding');
        this.#hold('Something unexpected went wrong; the log has the details.');
      } finally {
        for (const { id } of jobs) this.#taken.delete(id);
      }
    }
  }

  #untilWork(now: number): number {
    if (this.#paused) return LONGEST_SLEEP_MS;
    if (now < this.#heldUntil) return this.#heldUntil - now;
    const next = this.#taken.size > 0 ? null : this.#options.queue.nextDue(this.name);
    return Math.min(LONGEST_SLEEP_MS, next === null ? LONGEST_SLEEP_MS : Math.max(next - now, 10));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wakers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wakers.add(done);
    });
  }

  async #send(jobs: ForwardJob[]): Promise<void> {
    const { destination, store, aeTitle } = this.#options;
    const byId = new Map(jobs.map((job) => [String(job.id), job]));
    // Ends this association, not the forwarder: at a pause, or when the peer is full.
    const enough = new AbortController();
    let broken = false;
    await sendInstances({
      host: destination.host,
      port: destination.port,
      calledAE: destination.aeTitle,
      callingAE: aeTitle,
      instances: outgoing(store, jobs),
      signal: AbortSignal.any([enough.signal, this.#stop.signal]),
      onProgress: (_done, _total, result) => {
        // The first failure without an answer broke the association; what comes after it was not tried.
        if (broken || (result.status === undefined && (enough.signal.aborted || this.#stop.signal.aborted))) return;
        broken = this.#settle(byId.get(result.name)!, result);
        if (this.#paused || Date.now() < this.#heldUntil) enough.abort();
      },
    });
  }

  /** true: the association is over, results after this one say nothing of their instances. */
  #settle(job: ForwardJob, result: SendResult): boolean {
    const { queue, log } = this.#options;
    const verdict = judgeOutcome(result, job.attempts);
    const { status, message } = result;
    const about = { destination: this.name, sopInstanceUID: result.sopInstanceUID, status, message };
    if (verdict === 'hold') {
      this.#hold(message);
      return true;
    }
    if (verdict === 'done') {
      queue.settle(job, 'sent', { attempts: job.attempts, dueMs: 0, status, message });
      this.#lastSentAt = new Date().toISOString();
      this.#trouble = '';
      this.#holds = 0;
      this.#fullInARow = 0;
      return false;
    }
    const attempts = job.attempts + 1;
    if (verdict === 'person') {
      log.warn(about, 'forwarding: needs a person');
      queue.settle(job, 'person', { attempts, dueMs: 0, status, message });
    } else {
      log.info(about, 'forwarding: again later');
      queue.settle(job, 'waiting', { attempts, dueMs: Date.now() + pauseAfter(job.attempts), status, message });
      if (status !== undefined && ++this.#fullInARow >= FULL_AFTER) {
        this.#fullInARow = 0;
        this.#hold(message);
      }
    }
    return (
      status === undefined && result.error?.code !== 'PEER_NO_CONTEXT' && result.error?.code !== 'DATASET_UNREADABLE'
    );
  }

  #hold(reason: string): void {
    if (Date.now() < this.#heldUntil) return;
    if (this.#trouble !== reason) this.#options.log.warn({ destination: this.name, reason }, 'forwarding is held');
    this.#trouble = reason;
    this.#heldUntil = Date.now() + holdAfter(this.#holds++);
  }
}
