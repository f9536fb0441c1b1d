import type { Logger } from 'pino';
import type { Destination, ForwardedInstance, ForwardJob } from './forward-types.ts';
import { holdAfter, judgeOutcome, pauseAfter } from './judge-outcome.ts';
import type { Sources } from './outgoing.ts';
import type { ForwardQueue } from './queue.ts';
import { DimseSender } from './send-dimse.ts';
import { StowSender } from './send-stow.ts';
import type { Outcome, Sender } from './sender.ts';

export interface ForwarderOptions {
  destination: Destination;
  queue: ForwardQueue;
  sources: Sources;
  /** Our own AE title, the calling one. */
  aeTitle: string;
  log: Logger;
  /** What real traffic experiences, for the watch: undefined when the peer took an instance, else why nothing goes. */
  onTraffic?: (trouble: string | undefined) => void;
  /** The peer said that it has an instance; called before that is noted. */
  onSent?: (instance: ForwardedInstance) => void;
}

/** Instances given to one line at a time: what is urgent waits for no more than these. */
const CLAIM = 50;
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
    this.name = options.destination.name;
    this.#paused = options.queue.isPaused(this.name);
  }

  start(): void {
    this.#lanes = Array.from({ length: this.#options.destination.associations }, () => this.#lane());
  }

  get destination(): Destination {
    return this.#options.destination;
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

  get #free(): boolean {
    return !this.#paused && !this.#stop.signal.aborted && Date.now() >= this.#heldUntil;
  }

  async #lane(): Promise<void> {
    const sender = this.#sender();
    while (!this.#stop.signal.aborted) {
      const jobs = this.#claim();
      if (jobs.length === 0) {
        await sender.rest();
        if (!this.#stop.signal.aborted && !this.#workNow()) await this.#sleep(this.#untilWork(Date.now()));
        continue;
      }
      try {
        await sender.send(jobs, (job, outcome) => this.#settle(job, outcome), this.#stop.signal);
      } catch (error) {
        this.#options.log.error({ err: error, destination: this.name }, 'forwarding');
        this.#hold('Something unexpected went wrong; the log has the details.');
      } finally {
        for (const { id } of jobs) this.#taken.delete(id);
      }
    }
    await sender.rest();
  }

  #sender(): Sender {
    const { destination, sources, aeTitle } = this.#options;
    return destination.kind === 'dimse'
      ? new DimseSender(destination, sources, aeTitle)
      : new StowSender(destination, sources);
  }

  #claim(): ForwardJob[] {
    if (!this.#free) return [];
    const jobs = this.#options.queue.due(this.name, Date.now(), CLAIM, this.#taken);
    for (const { id } of jobs) this.#taken.add(id);
    return jobs;
  }

  /** Work that came while an association was being released. */
  #workNow(): boolean {
    return this.#free && this.#options.queue.due(this.name, Date.now(), 1, this.#taken).length > 0;
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

  /** false: no more is to be sent now. */
  #settle(job: ForwardJob, result: Outcome): boolean {
    const { queue, log, onTraffic } = this.#options;
    // What we broke off ourselves says nothing of the peer.
    if (this.#stop.signal.aborted && result.status === undefined) return false;
    const verdict = judgeOutcome(result, job.attempts);
    const { status, message } = result;
    const about = { destination: this.name, sopInstanceUID: job.instance.sopInstanceUID, status, message };
    if (verdict === 'hold') {
      this.#hold(message);
      return false;
    }
    if (verdict === 'done') {
      this.#options.onSent?.(job.instance);
      queue.settle(job, 'sent', { attempts: job.attempts, dueMs: 0, status, message });
      this.#lastSentAt = new Date().toISOString();
      this.#trouble = '';
      this.#holds = 0;
      this.#fullInARow = 0;
      onTraffic?.(undefined);
      return this.#free;
    }
    const attempts = job.attempts + 1;
    if (verdict === 'person') {
      log.warn(about, 'forwarding: needs a person');
      queue.settle(job, 'person', { attempts, dueMs: 0, status, message });
    } else {
      log.info(about, 'forwarding: again later');
      queue.settle(job, 'waiting', { attempts, dueMs: Date.now() + pauseAfter(job.attempts), status, message });
      if (status === undefined) onTraffic?.(message);
      else if (++this.#fullInARow >= FULL_AFTER) {
        this.#fullInARow = 0;
        this.#hold(message);
      }
    }
    return this.#free;
  }

  #hold(reason: string): void {
    if (Date.now() < this.#heldUntil) return;
    if (this.#trouble !== reason) this.#options.log.warn({ destination: this.name, reason }, 'forwarding is held');
    this.#trouble = reason;
    this.#heldUntil = Date.now() + holdAfter(this.#holds++);
    this.#options.onTraffic?.(reason);
  }
}
