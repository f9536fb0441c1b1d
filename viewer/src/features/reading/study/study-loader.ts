import { messages } from '../../../shared/messages.en.ts';
import type { OpenStudy } from './open-study.ts';
import type { StudyModel } from './study-model.ts';

/** A study of the address as far as it is known. */
export interface OpenedStudy {
  model: StudyModel;
  /** False while only the first images of the study are known. */
  complete: boolean;
  /** Why the newest list of its images could not be had, or ''. What is shown may then be incomplete. */
  problem: string;
  /** Images came in within the last minute: more may follow. */
  receiving: boolean;
}

export interface StudiesState {
  /** In the order asked for. */
  opened: OpenedStudy[];
  failed: { uid: string; reason: string }[];
  /** UIDs of which nothing is known yet. */
  loading: string[];
}

export interface StudyLoaderOptions {
  open: (studyInstanceUID: string) => Promise<OpenStudy>;
  /** What is known without asking, or null. Good for the first look only. */
  boot: (studyInstanceUID: string) => OpenStudy | null;
  /** After news of a study wait this long for more (ms). */
  settleMs?: number;
  /** Ask again after this long where the router was away or in trouble (ms). */
  retryMs?: number;
  /** A study counts as still arriving for this long after its last image (ms). */
  receivingMs?: number;
}

/** Status of a refused request, 0 where nobody answered; undefined for any other error. */
function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined;
}

function reasonOf(error: unknown): string {
  if (statusOf(error) === 404) return messages.reading.unknownStudy;
  return error instanceof Error ? error.message : String(error);
}

/** Whether asking again by itself makes sense: the router was away or had trouble. */
function passes(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status === 0 || status >= 500;
}

/** Studies that are shown at once when somebody comes back to them; of earlier ones the list is fetched again. */
const remembered = 8;

/** Opens the studies of the address and keeps them up to date while images arrive. */
export class StudyLoader {
  readonly #options: Required<StudyLoaderOptions>;
  readonly #known = new Map<string, OpenStudy>();
  readonly #problems = new Map<string, string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #listeners = new Set<() => void>();
  readonly #asked = new Map<string, number>();
  readonly #receiving = new Map<string, ReturnType<typeof setTimeout>>();
  #wanted: readonly string[] = [];
  version = 0;

  constructor(options: StudyLoaderOptions) {
    this.#options = { settleMs: 700, retryMs: 5000, receivingMs: 60_000, ...options };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The studies of the address. Those that were not in it before are asked for. */
  want(uids: readonly string[]): void {
    const before = this.#wanted;
    this.#wanted = uids;
    for (const uid of this.#known.keys()) {
      if (this.#known.size <= remembered) break;
      if (!uids.includes(uid)) this.#known.delete(uid);
    }
    for (const uid of uids) {
      if (before.includes(uid)) continue;
      const boot = before.length === 0 && !this.#known.has(uid) ? this.#options.boot(uid) : null;
      if (boot) this.#keep(uid, boot);
      if (!boot?.complete) this.retry(uid);
    }
  }

  /** Studies that have grown or changed. */
  changed(uids: readonly string[]): void {
    for (const uid of uids) this.#later(uid, this.#options.settleMs);
  }

  /** News are heard from now on: what the page itself brought may be older by what came while it was on its way. */
  begun(): void {
    this.changed(this.#wanted.filter((uid) => this.#known.has(uid) && !this.#asked.has(uid)));
  }

  /** Asks for a study once more. */
  retry(uid: string): void {
    const turn = (this.#asked.get(uid) ?? 0) + 1;
    this.#asked.set(uid, turn);
    this.#options.open(uid).then(
      (opened) => {
        if (this.#asked.get(uid) !== turn) return;
        this.#keep(uid, opened);
        this.#problems.delete(uid);
        this.#publish();
      },
      (error: unknown) => {
        if (this.#asked.get(uid) !== turn) return;
        this.#problems.set(uid, reasonOf(error));
        if (passes(error)) this.#later(uid, this.#options.retryMs);
        this.#publish();
      },
    );
  }

  state(uids: readonly string[]): StudiesState {
    const state: StudiesState = { opened: [], failed: [], loading: [] };
    for (const uid of uids) {
      const found = this.#known.get(uid);
      const problem = this.#problems.get(uid);
      if (found) state.opened.push({ ...found, problem: problem ?? '', receiving: this.#receiving.has(uid) });
      else if (problem !== undefined) state.failed.push({ uid, reason: problem });
      else state.loading.push(uid);
    }
    return state;
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const timer of this.#receiving.values()) clearTimeout(timer);
    this.#receiving.clear();
    this.#wanted = [];
  }

  #later(uid: string, ms: number): void {
    if (!this.#wanted.includes(uid) || this.#timers.has(uid)) return;
    const run = () => {
      this.#timers.delete(uid);
      if (this.#wanted.includes(uid)) this.retry(uid);
    };
    this.#timers.set(uid, setTimeout(run, ms));
  }

  /** Keeps what is known of a study and notes whether it is still arriving, also where this machine's clock is wrong. */
  #keep(uid: string, opened: OpenStudy): void {
    const before = this.#known.get(uid);
    this.#known.set(uid, opened);
    const { receivingMs } = this.#options;
    const age = Math.abs(Date.now() - new Date(opened.model.lastReceivedAt).getTime());
    const grown = before?.complete === true && opened.model.lastReceivedAt > before.model.lastReceivedAt;
    const left = grown ? receivingMs : receivingMs - age;
    if (!(left > 0)) return;
    clearTimeout(this.#receiving.get(uid));
    const over = () => {
      this.#receiving.delete(uid);
      this.#publish();
    };
    this.#receiving.set(uid, setTimeout(over, left));
  }

  #publish(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
