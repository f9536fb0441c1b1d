import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge } from 'prom-client';
import { asLifeboatError } from '../../contract/errors.ts';
import type { LifeboatStatus } from '../../contract/lifeboat.ts';
import { ENVELOPES } from '../../storage/format/break-glass-envelope.ts';
import { openKnownReplica } from '../../storage/replica/open-replica.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import type { Control } from '../access/control.ts';
import type { Config } from '../config.ts';
import type { RouterContext } from '../context.ts';
import { version } from '../version.ts';
import { takeBreakGlassEvents } from './break-glass-intake.ts';
import { lastDrills } from './drill-reports.ts';
import { publishViewer, VIEWER } from './publish-viewer.ts';

const EVERY_MS = 60_000;
/** The published viewer is compared with the build again, ms. */
const COMPARE_MS = 6 * 3_600_000;

/** Where a browser opens the published viewer; null for a folder. */
export function viewerAddress(store: Config['store']): string | null {
  if (store.kind !== 's3') return null;
  return `${(store.publicEndpoint ?? store.endpoint).replace(/\/$/, '')}/${store.bucket}/${VIEWER}index.html`;
}

/** What the page that is published into a store says of itself. */
export function aboutViewer(config: Config, store: Config['store']): Parameters<typeof publishViewer>[2] {
  return {
    version,
    region: store.kind === 's3' ? store.region : '',
    idleMinutes: Math.round(config.sessionIdleMs / 60_000),
    maxHours: Math.round(config.sessionMaxMs / 3_600_000),
  };
}

/** Keeps what lifeboat mode needs in the store, and takes what people did in it into the audit trail. */
export class LifeboatMode {
  readonly #context: RouterContext;
  readonly #control: Control;
  readonly #build: string;
  readonly #end = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #viewer: LifeboatStatus['viewer'];
  #comparedAt = Number.NEGATIVE_INFINITY;
  #replicaAt = Number.NEGATIVE_INFINITY;
  #told = '';
  /** As of the last minute: the page asks more often than drills are made. */
  #drills: Awaited<ReturnType<typeof lastDrills>> = { lastDrill: null, lastPassedAt: null };

  constructor(context: RouterContext, control: Control, build: string) {
    this.#context = context;
    this.#control = control;
    this.#build = build;
    const { store } = context.config;
    const folder = store.kind === 'file' ? store.dir : null;
    const address = viewerAddress(store);
    this.#viewer = { state: 'publishing', version: '', publishedAt: null, address, folder, problem: '' };
    const viewer = () => this.#viewer;
    new Gauge({
      name: 'lifeboat_viewer_published_timestamp_seconds',
      help: 'When the viewer of lifeboat mode that is in the store was published; 0: it is not, or it is not known',
      registers: [context.metrics],
      collect() {
        this.set(Date.parse(viewer().publishedAt ?? '1970-01-01T00:00:00Z') / 1000);
      },
    });
  }

  start(): void {
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }

  async status(): Promise<LifeboatStatus> {
    let envelopes: string[] | null = [];
    try {
      for await (const { key } of this.#context.archive.store.list(ENVELOPES))
        envelopes.push(key.slice(ENVELOPES.length).replace(/\.json$/, ''));
    } catch {
      envelopes = null;
    }
    const events = this.#control.breakGlassTaken();
    return { viewer: this.#viewer, envelopes, events, ...this.#drills };
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      // What people did comes first, and neither waits for the other's trouble to pass.
      await this.#try(() => takeBreakGlassEvents(this.#context.archive.store, this.#control));
      await this.#try(async () => {
        this.#drills = await lastDrills(this.#context.archive.store);
      });
      await this.#try(async () => {
        if (await this.#isDue()) await this.#publish();
      });
      await this.#try(() => this.#publishToReplica());
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Now and then, and soon after the store was emptied. */
  async #isDue(): Promise<boolean> {
    if (performance.now() - this.#comparedAt > COMPARE_MS) return true;
    const published = this.#viewer.state === 'published' || this.#viewer.state === 'newer';
    return published && (await this.#context.archive.store.head(`${VIEWER}index.html`)) === null;
  }

  async #publish(): Promise<void> {
    const { config, log } = this.#context;
    // A store of its own: what is told to browsers of an object's type must reach the bucket itself.
    const store = await openStore(config.store, { signal: this.#context.ending });
    try {
      const { state, written, ...published } = await publishViewer(
        store,
        this.#build,
        aboutViewer(config, config.store),
      );
      this.#viewer = { ...this.#viewer, ...published, state, problem: '' };
      this.#comparedAt = performance.now();
      if (written > 0) log.info({ ...published, written, address: this.#viewer.address }, 'lifeboat viewer published');
    } catch (error) {
      this.#viewer = { ...this.#viewer, state: 'failed', problem: asLifeboatError(error).message };
      throw error;
    } finally {
      await store.close();
    }
  }

  /** From our own build, never from the first store: who can write there must not reach the browsers that read the replica. */
  async #publishToReplica(): Promise<void> {
    const { config, ending } = this.#context;
    if (!config.replica || performance.now() - this.#replicaAt <= COMPARE_MS) return;
    // one that is not there yet is begun by the replicator
    const store = await openKnownReplica(config.replica.store, { signal: ending }).catch(() => null);
    if (!store) return;
    try {
      await publishViewer(store, this.#build, aboutViewer(config, config.replica.store));
      this.#replicaAt = performance.now();
    } finally {
      await store.close();
    }
  }

  /** A store that is away is told once; the next turn tries again. */
  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.#told = '';
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.message !== this.#told && !this.#end.signal.aborted)
        this.#context.log.warn({ err: error, code: error.code }, 'lifeboat mode');
      this.#told = error.message;
    }
  }
}
