import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { slice } from '../support/archive.ts';
import { CT } from '../support/build-data-set.ts';
import { type RouterProcess, startRouterProcess } from '../support/router.ts';

/** One instance of the campaign. `content` is its identity: SOP Instance UID and SHA-256 of the data set. */
export interface Sample {
  study: string;
  sop: string;
  bytes: Uint8Array;
  content: string;
}

/** A slice as every scanner would make it; `pixel` makes the content. */
export function sample(study: string, number: number, pixel = number): Sample {
  const { sop, bytes } = slice(number, pixel, study);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { study, sop, bytes, content: `${sop} ${hash}` };
}

const BATCH = 6;
const PAUSE_MS = 150;
/** A router that was killed reads its spool before it is ready; the machine may be busy. */
const READY_MS = 300_000;

export interface LaneOptions {
  dataDir: string;
  env: Record<string, string>;
  random: () => number;
  /** Next instance that the scanner of this router makes. */
  next: () => Sample;
}

/**
 * One router and the scanner that sends to it. The scanner does as scanners do: what was not acknowledged it sends again. The
 * router is killed with SIGKILL and started again on the same data folder and another port.
 */
export class Lane {
  readonly acknowledged = new Set<string>();
  readonly samples = new Map<string, Sample>();
  readonly #options: LaneOptions;
  #router: RouterProcess | undefined;
  #sending = true;
  #over = false;
  #scanner: Promise<void> = Promise.resolve();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get router(): RouterProcess {
    return this.#router!;
  }

  async start(): Promise<void> {
    const { dataDir, env } = this.#options;
    this.#router = await startRouterProcess({ dataDir, env, readyTimeoutMs: READY_MS });
    if (this.#over) await this.#router.stop('SIGKILL');
  }

  startScanner(): void {
    this.#scanner = this.#scan();
  }

  /** Kills the router at some moment of its work and starts it again, so many times. */
  async killAgainAndAgain(times: number, before?: (kill: number) => Promise<void>): Promise<void> {
    for (let kill = 0; kill < times && !this.#over; kill++) {
      await before?.(kill);
      await sleep(100 + this.#options.random() * 2000);
      const router = this.router;
      this.#router = undefined;
      await router.stop('SIGKILL');
      await this.start();
    }
  }

  /** Makes nothing more; resolves when everything that was ever sent is acknowledged. */
  async finishScanning(): Promise<void> {
    this.#sending = false;
    await this.#scanner;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#sending = false;
    this.#over = true;
    await this.#router?.stop(signal);
  }

  async #scan(): Promise<void> {
    let owed: Sample[] = [];
    while (!this.#over && (this.#sending || owed.length > 0)) {
      while (this.#sending && owed.length < BATCH) owed.push(this.#options.next());
      const router = this.#router;
      if (router) owed = await this.#send(router, owed);
      await sleep(PAUSE_MS);
    }
  }

  /** Returns what was not acknowledged. */
  async #send(router: RouterProcess, batch: Sample[]): Promise<Sample[]> {
    for (const one of batch) this.samples.set(one.content, one);
    const { results } = await sendInstances({
      host: '127.0.0.1',
      port: router.dicomPort,
      calledAE: 'LIFEBOAT',
      callingAE: 'SCANNER',
      instances: batch.map(({ sop, bytes }) => ({
        name: sop,
        sopClassUID: CT,
        sopInstanceUID: sop,
        transferSyntaxUID: '1.2.840.10008.1.2.1',
        size: bytes.length,
        open: async function* () {
          yield bytes;
        },
      })),
    });
    const failed = batch.filter((_, i) => results[i]!.outcome === 'failed');
    for (const one of batch) if (!failed.includes(one)) this.acknowledged.add(one.content);
    return failed;
  }
}
