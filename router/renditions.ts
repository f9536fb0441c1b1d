import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import { asLifeboatError } from '../contract/errors.ts';
import type { Archive } from '../storage/archive-types.ts';
import type { InstanceEntry, InstanceRendition, StudyManifest } from '../storage/format/manifest.ts';
import { candidatesOf, makeRenditions } from '../storage/renditions/make-renditions.ts';
import { type RenditionIndex, readRenditionIndex, renditionIndexes } from '../storage/renditions/rendition-index.ts';
import { RenditionThread } from '../storage/renditions/rendition-thread.ts';
import { loadSealKey, type SealKey } from '../storage/seal-key.ts';

/** Studies whose indexes are kept in memory. */
const REMEMBERED = 100;
/** Studies that wait; more are made when somebody opens them. */
const MOST_WAITING = 10_000;

/** What a study has: by object key its rendition, and the objects that get none. */
interface Known {
  renditions: Map<string, InstanceRendition>;
  none: Set<string>;
}

export interface RenditionsOptions {
  archive: Pick<Archive, 'store' | 'events' | 'manifest' | 'spool'>;
  dataDir: string;
  /** LIFEBOAT_RENDITIONS; false: none are made and none offered. */
  wanted: boolean;
  log: Logger;
  metrics: Registry;
  /** Nothing is made before a study has been quiet for so long, ms. */
  quietMs?: number;
  /** How often to look whether images are still coming in, ms. */
  lookMs?: number;
}

/** Lossless renditions: made in the background of what was received or is looked at, offered to viewers of a slow line. */
export class Renditions {
  readonly #options: Required<RenditionsOptions>;
  readonly #key: SealKey;
  readonly #thread = new RenditionThread();
  readonly #ending = new AbortController();
  readonly #known = new Map<string, Promise<Known>>();
  /** Study and when it may be worked on, UTC ms. */
  readonly #waiting = new Map<string, number>();
  readonly #made: Counter;
  #lastCommitMs = 0;
  #working: Promise<void> | null = null;

  constructor(options: RenditionsOptions) {
    this.#options = { quietMs: 5_000, lookMs: 500, ...options };
    this.#key = loadSealKey(options.dataDir);
    const { metrics } = options;
    this.#made = new Counter({
      name: 'lifeboat_renditions_made_total',
      help: 'Objects of which a lossless rendition was made',
      registers: [metrics],
    });
    const waiting = this.#waiting;
    new Gauge({
      name: 'lifeboat_renditions_waiting_studies',
      help: 'Studies that wait to get lossless renditions',
      registers: [metrics],
      collect() {
        this.set(waiting.size);
      },
    });
  }

  start(): void {
    if (this.#options.wanted) this.#options.archive.events.on('committed', this.#committed);
  }

  /** Made ones of a study, by object key. Empty when the store does not say. */
  async of(studyInstanceUID: string): Promise<ReadonlyMap<string, InstanceRendition>> {
    if (!this.#options.wanted) return new Map();
    try {
      return (await this.#read(studyInstanceUID)).renditions;
    } catch (error) {
      this.#options.log.debug({ err: error }, 'renditions cannot be read');
      return new Map();
    }
  }

  /** Somebody looks at this study: what it lacks is made soon. */
  lookedAt(manifest: StudyManifest): void {
    if (!this.#options.wanted || this.#waiting.has(manifest.studyInstanceUID)) return;
    void this.#read(manifest.studyInstanceUID).then(
      (known) => {
        if (candidatesOf(manifest, keysOf(known)).size > 0) this.#want(manifest.studyInstanceUID);
      },
      () => undefined,
    );
  }

  /** Resolves when nothing waits any more. For tests and benches. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  async close(): Promise<void> {
    this.#options.archive.events.off('committed', this.#committed);
    this.#ending.abort();
    await this.#working;
    await this.#thread.close();
  }

  readonly #committed = (entries: InstanceEntry[]): void => {
    this.#lastCommitMs = Date.now();
    for (const uid of new Set(entries.map(({ studyInstanceUID }) => studyInstanceUID))) this.#want(uid);
  };

  #want(studyInstanceUID: string): void {
    if (this.#ending.signal.aborted || this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.delete(studyInstanceUID);
    this.#waiting.set(studyInstanceUID, Date.now() + this.#options.quietMs);
    this.#begin();
  }

  #begin(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#waiting.size > 0 && !this.#ending.signal.aborted) this.#begin();
    });
  }

  async #work(): Promise<void> {
    const { archive, dataDir, log } = this.#options;
    const { signal } = this.#ending;
    const workDir = join(dataDir, 'renditions');
    // what a killed router left behind
    await rm(workDir, { recursive: true, force: true }).catch((error: unknown) =>
      log.warn({ err: error }, 'renditions'),
    );
    for (const [uid, notBefore] of this.#waiting) {
      await this.#pause(notBefore - Date.now());
      if (signal.aborted) return;
      if ((this.#waiting.get(uid) ?? 0) > notBefore) continue;
      this.#waiting.delete(uid);
      try {
        const manifest = await archive.manifest(uid);
        if (!manifest) continue;
        const known = keysOf(await this.#read(uid));
        const turn = () => this.#turn();
        const options = { store: archive.store, key: this.#key, thread: this.#thread, workDir, turn, signal };
        const made = await makeRenditions(options, manifest, known);
        for (const { instances } of made) this.#made.inc(instances.length);
        if (made.length > 0) this.#known.delete(uid);
      } catch (error) {
        // made when the study is next looked at
        log.warn({ err: error, code: asLifeboatError(error).code }, 'renditions of a study could not be made');
      }
    }
  }

  /** Receiving goes first: waits until everything received is in the store and nothing has come for a while. */
  async #turn(): Promise<void> {
    const { archive, quietMs, lookMs } = this.#options;
    for (;;) {
      const { entries, refused } = archive.spool();
      const busy = entries - (refused?.entries ?? 0) > 0 || Date.now() - this.#lastCommitMs < Math.min(quietMs, 2_000);
      if (!busy || this.#ending.signal.aborted) return;
      await this.#pause(lookMs);
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await wait(ms, undefined, { signal: this.#ending.signal, ref: false }).catch(() => undefined);
  }

  #read(studyInstanceUID: string): Promise<Known> {
    const before = this.#known.get(studyInstanceUID);
    const reading = before ?? this.#readAnew(studyInstanceUID);
    this.#known.delete(studyInstanceUID);
    this.#known.set(studyInstanceUID, reading);
    if (!before) reading.catch(() => this.#known.delete(studyInstanceUID));
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return reading;
  }

  async #readAnew(studyInstanceUID: string): Promise<Known> {
    const { store } = this.#options.archive;
    const known: Known = { renditions: new Map(), none: new Set() };
    for (const name of await renditionIndexes(store, studyInstanceUID)) {
      let index: RenditionIndex;
      try {
        index = await readRenditionIndex(store, name, this.#key);
      } catch (error) {
        const { code } = asLifeboatError(error);
        if (code === 'STORE_UNAVAILABLE') throw error;
        // another router's, altered, or deleted meanwhile: this one makes its own
        this.#options.log.debug({ err: error, code }, 'a rendition is left alone');
        continue;
      }
      const { pack, size, transferSyntaxUID } = index;
      for (const { key, frames } of index.instances)
        known.renditions.set(key, { key: pack, size, transferSyntaxUID, frames });
      for (const { key } of index.none) known.none.add(key);
    }
    return known;
  }
}

function keysOf({ renditions, none }: Known): Set<string> {
  return new Set([...renditions.keys(), ...none]);
}
