import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { LockState, LockVerdict } from '../../contract/retention.ts';
import { tryLock } from '../../storage/policy/canary.ts';
import type { StoreConfig } from '../../storage/stores/open-store.ts';

/** At this hour of the night, local time. */
const NIGHT_HOUR = 2;
/** So long after an attempt that got no answer, ms. */
const AGAIN_MS = 300_000;

const STATES: LockState[] = ['kept', 'key-too-strong', 'broken', 'no-lock', 'versions', 'off', 'folder', 'not-checked'];

/** Tries at the start and every night whether the stores refuse to delete what is locked. */
export class LockWatch {
  readonly #stores: { role: LockVerdict['role']; config: StoreConfig }[];
  readonly #log: Logger;
  readonly #ending: AbortSignal;
  #verdicts: LockVerdict[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<LockVerdict[]> | undefined;
  #closed = false;

  constructor(stores: { role: LockVerdict['role']; config: StoreConfig }[], log: Logger, ending: AbortSignal) {
    this.#stores = stores;
    this.#log = log;
    this.#ending = ending;
  }

  start(): void {
    void this.tryNow();
  }

  /** As last tried; empty until the first try at the start has ended. */
  verdicts(): LockVerdict[] {
    return this.#verdicts;
  }

  /** Tries both stores; one attempt at a time. */
  tryNow(): Promise<LockVerdict[]> {
    this.#running ??= this.#tryAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #tryAll(): Promise<LockVerdict[]> {
    clearTimeout(this.#timer);
    const before = new Map(this.#verdicts.map(({ role, state }) => [role, state]));
    const tried = await Promise.all(this.#stores.map(({ role, config }) => tryLock(role, config, this.#ending)));
    this.#verdicts = tried;
    for (const { role, state, text, advice } of tried) {
      if (before.get(role) === state) continue;
      const bad = state === 'broken' || state === 'no-lock';
      this.#log[bad ? 'error' : state === 'kept' ? 'info' : 'warn']({ role, state }, `object lock: ${text} ${advice}`);
    }
    const unasked = tried.some(({ state }) => state === 'not-checked');
    if (!this.#closed) {
      this.#timer = setTimeout(() => void this.tryNow(), unasked ? AGAIN_MS : untilNight(new Date()));
      this.#timer.unref();
    }
    return tried;
  }
}

/** Milliseconds to the next night. */
export function untilNight(now: Date): number {
  const next = new Date(now);
  next.setHours(NIGHT_HOUR, 30, 0, 0);
  if (next <= now) next.setDate(next.getDate() + 1);
  return next.getTime() - now.getTime();
}

export function registerLockMetrics(registry: Registry, watch: LockWatch): void {
  new Gauge({
    name: 'lifeboat_object_lock_state',
    help: 'Whether a store refuses to delete what is locked, as last tried: 1 for the state it is in',
    labelNames: ['store', 'state'],
    registers: [registry],
    collect() {
      for (const verdict of watch.verdicts())
        for (const state of STATES) this.set({ store: verdict.role, state }, verdict.state === state ? 1 : 0);
    },
  });
  new Gauge({
    name: 'lifeboat_object_lock_checked_timestamp_seconds',
    help: 'When that was last tried',
    labelNames: ['store'],
    registers: [registry],
    collect() {
      for (const { role, checkedAt } of watch.verdicts()) this.set({ store: role }, Date.parse(checkedAt) / 1000);
    },
  });
}
