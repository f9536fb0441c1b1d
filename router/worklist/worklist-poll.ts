import type { Logger } from 'pino';
import { asLifeboatError } from '../../contract/errors.ts';
import type { PeerAddress } from '../dimse/association-requestor.ts';
import { askWorklist } from './worklist-scu.ts';
import { dayOf, type WorklistStore } from './worklist-store.ts';

export interface WorklistPollOptions {
  peer: PeerAddress;
  everyMs: number;
  /** Days ahead that are asked for; yesterday is too. */
  days: number;
  store: WorklistStore;
  log: Logger;
  /** After each complete answer. */
  answered?(): void;
}

/** After a failure the RIS is asked again this soon, ms, if not sooner anyway. */
const RETRY_MS = 30_000;

/** Asks the RIS every few minutes, and keeps what it last said when it does not answer. */
export class WorklistPoll {
  readonly #options: WorklistPollOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;
  #wasAway = false;

  constructor(options: WorklistPollOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#round();
  }

  /** Asks now. */
  async ask(): Promise<void> {
    const { peer, days, store, log } = this.#options;
    const now = new Date();
    const span = { from: dayOf(now, -1), to: dayOf(now, days) };
    try {
      const items = await askWorklist(peer, span);
      if (store.answered(items, span)) {
        log[this.#wasAway ? 'info' : 'debug']({ items: items.length, ...span }, 'the RIS answered the worklist');
        this.#wasAway = false;
        this.#options.answered?.();
        return;
      }
      store.failed('The RIS answered with an empty list; the former one is kept until it says so three times.');
    } catch (cause) {
      store.failed(asLifeboatError(cause).message);
    }
    const { awaySince, answeredAt, trouble } = store.risState(null);
    if (!this.#wasAway)
      log.warn({ awaySince, answeredAt, trouble }, 'the RIS does not answer: scanners get the last list');
    this.#wasAway = true;
  }

  async #round(): Promise<void> {
    await this.ask();
    if (this.#closed) return;
    const { everyMs } = this.#options;
    const wait = this.#wasAway ? Math.min(everyMs, RETRY_MS) : everyMs;
    this.#timer = setTimeout(() => {
      this.#running = this.#round();
    }, wait);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    clearTimeout(this.#timer);
  }
}
