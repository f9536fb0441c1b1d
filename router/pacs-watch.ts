import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { PacsStatus } from '../contract/api.ts';
import { asLifeboatError, type LifeboatError } from '../contract/errors.ts';
import type { Config } from './config.ts';
import { echo } from './dimse/verification-scu.ts';

export interface PacsWatchOptions {
  pacs: NonNullable<Config['pacs']>;
  /** Our own, the calling one. */
  aeTitle: string;
  log: Logger;
  /** Between two probes while all is well; default 3 s. */
  intervalMs?: number;
  /** A probe that takes longer has failed; default 5 s. */
  probeTimeoutMs?: number;
  /** So long no image is taken before that counts, though C-ECHO is answered; default 20 s. */
  trafficMs?: number;
  /** Asked now and then while C-ECHO is answered: why it is not well, undefined when it is. */
  canary?: () => Promise<string | undefined>;
  /** Between two of these; default 30 s. */
  canaryMs?: number;
  /** Fetches a known image, now and then, while C-ECHO is answered: why none comes, undefined when it did. Never rejects. */
  imageCanary?: () => Promise<string | undefined>;
  /** Between two of these; default 5 minutes, 30 s after one in vain. */
  imageCanaryMs?: number;
  /** Instances waiting to be forwarded; undefined: nothing is passed on to it. */
  queued?: () => number | undefined;
}

export interface PacsWatch {
  status(): PacsStatus;
  /** What sending images to it came to: undefined when one was taken, else why none is. */
  traffic(trouble: string | undefined): void;
  on(event: 'change', listener: (status: PacsStatus) => void): void;
  close(): void;
}

const INTERVAL_MS = 3_000;
const PROBE_TIMEOUT_MS = 5_000;
/** Sooner, once something is wrong: a dead PACS is to be known within 10 s, a hanging one within 30 s. */
const SUSPICIOUS_INTERVAL_MS = 1_500;
const TRAFFIC_MS = 20_000;
const CANARY_MS = 30_000;
const IMAGE_CANARY_MS = 300_000;
const IMAGE_AGAIN_MS = 30_000;
/** One query in vain may be a busy moment. */
const CANARY_FAILURES = 2;
/** Trouble of which nothing more was heard for so long counts no more: nothing is being sent. */
const TRAFFIC_FORGOTTEN_MS = 300_000;
const FAILURES_UNTIL_DOWN = 3;
const SUCCESSES_UNTIL_UP = 2;

type State = PacsStatus['state'];

/**
 * Watches the main PACS with C-ECHO over a fresh association: unlike an open TCP port it tells that the PACS still works.
 * Three failures in a row: down. Two good answers: up again. In between, while it answers but refuses us, and while it
 * answers but takes no image of those we send, answers no query or gives no image: degraded.
 */
export function startPacsWatch(options: PacsWatchOptions): PacsWatch {
  const { pacs, log } = options;
  const intervalMs = options.intervalMs ?? INTERVAL_MS;
  const trafficMs = options.trafficMs ?? TRAFFIC_MS;
  const timeoutMs = options.probeTimeoutMs ?? PROBE_TIMEOUT_MS;
  const events = new EventEmitter();
  let state: State = 'unknown';
  let since = new Date();
  let evidence = 'Not yet asked.';
  let failures = 0;
  let successes = 0;
  let firstFailureAt = 0;
  let trouble: { reason: string; from: number; last: number } | undefined;
  let canary = { at: 0, failures: 0, reason: '' };
  let image = { at: 0, failures: 0, reason: '', asking: false };
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const status = (): PacsStatus => ({
    name: pacs.aeTitle,
    address: `${pacs.aeTitle}@${pacs.host}:${pacs.port}`,
    state,
    since: since.toISOString(),
    evidence,
    forwards: options.queued?.() !== undefined,
    queued: options.queued?.() ?? 0,
  });

  const become = (next: State, why: string): void => {
    evidence = why;
    if (next === state) return;
    const before = state;
    state = next;
    since = new Date();
    log[next === 'up' ? 'info' : 'warn']({ pacs: status().address, before, state, evidence }, 'main PACS');
    events.emit('change', status());
  };

  const good = (ms: number): void => {
    failures = 0;
    successes++;
    const why = `C-ECHO answered in ${Math.max(1, Math.round(ms))} ms`;
    if (trouble && Date.now() - trouble.last > TRAFFIC_FORGOTTEN_MS) trouble = undefined;
    if (trouble && state !== 'down' && trouble.last - trouble.from >= trafficMs) {
      const seconds = Math.round((Date.now() - trouble.from) / 1000);
      become('degraded', `${why}, but no image was taken for ${seconds} s: ${trouble.reason}`);
      return;
    }
    if (canary.failures >= CANARY_FAILURES && state !== 'down') {
      become('degraded', `${why}, but no query: ${canary.reason}`);
      return;
    }
    if (image.failures >= CANARY_FAILURES && state !== 'down') {
      become('degraded', `${why}, but no image: ${image.reason}`);
      return;
    }
    if (state === 'up' || state === 'unknown' || successes >= SUCCESSES_UNTIL_UP) become('up', why);
    else evidence = `${why}, ${successes} of ${SUCCESSES_UNTIL_UP} good answers needed`;
  };

  const bad = (error: LifeboatError, startedAt: number): void => {
    successes = 0;
    if (failures++ === 0) firstFailureAt = startedAt;
    const reason = error.message.replace(/^The peer cannot be reached: /, '').replace(/\.$/, '');
    const seconds = Math.max(1, Math.round((Date.now() - firstFailureAt) / 1000));
    const why = `C-ECHO: ${reason}${failures > 1 ? `, ${failures} times in ${seconds} s` : ''}`;
    // It is alive but does not talk to us: a matter of its settings, not an outage.
    const refusesUs = error.code === 'PEER_REJECTED' || error.code === 'PEER_NO_CONTEXT';
    if (refusesUs) become('degraded', why);
    else if (failures >= FAILURES_UNTIL_DOWN || state === 'down') {
      image = { ...image, at: 0, failures: 0 };
      become('down', why);
    } else become('degraded', why);
  };

  /** Sooner, once a query was in vain. */
  const askCanary = async (): Promise<void> => {
    const wait = canary.failures > 0 ? intervalMs : (options.canaryMs ?? CANARY_MS);
    if (!options.canary || state === 'down' || Date.now() - canary.at < wait) return;
    const reason = await options.canary();
    canary = { at: Date.now(), failures: reason === undefined ? 0 : canary.failures + 1, reason: reason ?? '' };
  };

  /** Beside the probes: an image may take its time, and a PACS that is down is to be known at once. */
  const askForImage = (): void => {
    const every = options.imageCanaryMs ?? IMAGE_CANARY_MS;
    const wait = image.failures > 0 ? Math.min(every, IMAGE_AGAIN_MS) : every;
    if (!options.imageCanary || image.asking || state === 'down' || Date.now() - image.at < wait) return;
    image.asking = true;
    void options.imageCanary().then((reason) => {
      const inVain = reason === undefined ? 0 : image.failures + 1;
      image = { at: Date.now(), failures: inVain, reason: reason ?? '', asking: false };
    });
  };

  const probe = async (): Promise<void> => {
    const startedAt = Date.now();
    try {
      const ms = await echo({
        host: pacs.host,
        port: pacs.port,
        calledAE: pacs.aeTitle,
        callingAE: options.aeTitle,
        connectTimeoutMs: timeoutMs,
        artimTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs,
      });
      if (closed) return;
      askForImage();
      await askCanary();
      if (!closed) good(ms);
    } catch (error) {
      if (!closed) bad(asLifeboatError(error), startedAt);
    }
    if (closed) return;
    const wait = state === 'up' ? intervalMs : Math.min(intervalMs, SUSPICIOUS_INTERVAL_MS);
    timer = setTimeout(probe, wait);
  };
  void probe();

  return {
    status,
    traffic: (reason) => {
      const now = Date.now();
      trouble = reason === undefined ? undefined : { from: trouble?.from ?? now, reason, last: now };
    },
    on: (event, listener) => {
      events.on(event, listener);
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      events.removeAllListeners();
    },
  };
}
