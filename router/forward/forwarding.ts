import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { ForwardingAction, ForwardingCommitment, ForwardingStatus } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Config } from '../config.ts';
import { readCorrections } from '../corrections/read-corrections.ts';
import { ImagePool } from '../dicomweb/image-pool.ts';
import {
  type Destination,
  type ForwardedInstance,
  fetchedFrom,
  nameOf,
  type Owed,
  plainDestination,
  type TagChange,
} from './forward-types.ts';
import { Forwarder } from './forwarder.ts';
import { LostQueue } from './lost-queue.ts';
import { type ForwardCounts, ForwardQueue, type SentMark } from './queue.ts';
import { readAllAttributes } from './read-all.ts';
import { NO_ROUTES, parseRoutes, type Routes, readRoutesFile, writeRoutesFile } from './routes.ts';
import { type Route, routesOf } from './rules.ts';

type ForwardConfig = Pick<Config, 'dataDir' | 'forwardTo' | 'forwardCommitment'> & { forwardingFile?: string };

/** Where the destinations and rules stand that are more than LIFEBOAT_FORWARD_TO can say. */
export const forwardingFileOf = (config: ForwardConfig): string =>
  config.forwardingFile ?? join(config.dataDir, 'forwarding.yaml');

/**
 * Always there in the router, so that destinations can be added while it runs; undefined for a command when there is nobody to
 * forward to.
 * @throws CONFIG_INVALID when the forwarding file is wrong
 */
export function openForwarding(config: ForwardConfig): Forwarding {
  const forwarding = new Forwarding(config);
  // The router puts living ones in their place.
  forwarding.corrections = readCorrections(config.dataDir);
  return forwarding;
}

export function hasDestinations(config: ForwardConfig): boolean {
  return (config.forwardTo?.length ?? 0) > 0 || existsSync(forwardingFileOf(config));
}

/** Instances by destination and state. */
export function registerForwardingMetrics(registry: Registry, forwarding: Forwarding): void {
  new Gauge({
    name: 'lifeboat_forward_instances',
    help: 'Instances owed to a destination, by what became of them',
    labelNames: ['destination', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, waiting, person, sent, skipped } of forwarding.counts())
        for (const [state, count] of Object.entries({ waiting, person, sent, skipped }))
          this.set({ destination: name, state }, count);
    },
  });
  new Gauge({
    name: 'lifeboat_forward_oldest_seconds',
    help: 'Age of the oldest instance that waits for a destination, 0 when none does',
    labelNames: ['destination'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, oldest } of forwarding.counts())
        this.set({ destination: name }, oldest === null ? 0 : Math.max(0, (Date.now() - Date.parse(oldest)) / 1000));
    },
  });
}

/** Problems listed for one destination. */
const PROBLEMS_SHOWN = 200;
const PRUNE_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Passing on: what the archive keeps is owed to its destinations, is sent when these can take it, and counts as sent only
 * when they said so. An instance is in the queue before the spool forgets it, so that no crash lies between.
 */
export class Forwarding {
  readonly #config: ForwardConfig;
  readonly #queue: ForwardQueue;
  readonly #plain: readonly Destination[];
  readonly #images = new ImagePool();
  readonly #started: Promise<ObjectStore>;
  #start: (store: ObjectStore) => void = () => {};
  #routes: Routes;
  #forwarders: Forwarder[] = [];
  #running: { store: ObjectStore; aeTitle: string; log: Logger } | undefined;
  #lost: LostQueue | undefined;
  #pruning: NodeJS.Timeout | undefined;
  /** What real traffic experiences at a destination, for the watch. */
  onTraffic: ((destination: Destination, trouble: string | undefined) => void) | undefined;
  /** A destination said that it has an instance; called before that is noted. */
  onSent: ((destination: Destination, instance: ForwardedInstance) => void) | undefined;
  /** What a destination that is asked for storage commitment has said. */
  commitmentOf: ((name: string) => ForwardingCommitment | undefined) | undefined;

  /** Corrections of the patient made here, which go out with the images. */
  corrections: ((entry: InstanceEntry) => TagChange[]) | undefined;

  constructor(config: ForwardConfig) {
    this.#config = config;
    this.#plain = (config.forwardTo ?? []).map((peer) => ({
      ...plainDestination(peer),
      ...(config.forwardCommitment && { commitment: true }),
    }));
    this.#routes = this.#parse(readRoutesFile(this.routesFile));
    this.#queue = new ForwardQueue(join(config.dataDir, 'forward.sqlite'));
    this.#started = new Promise((resolve) => {
      this.#start = resolve;
    });
  }

  get routesFile(): string {
    return forwardingFileOf(this.#config);
  }

  get routes(): Routes {
    return this.#routes;
  }

  get destinations(): readonly Destination[] {
    return [...this.#plain, ...this.#routes.destinations];
  }

  get #names(): string[] {
    return this.destinations.map(({ name }) => name);
  }

  #parse(text: string): Routes {
    if (text.trim() === '') return NO_ROUTES;
    return parseRoutes(
      text,
      dirname(this.routesFile),
      this.#plain.map(({ name }) => name),
    );
  }

  /** For the archive: resolves when what was stored is owed for good. */
  async owe(entries: readonly InstanceEntry[]): Promise<void> {
    if (this.destinations.length === 0) return;
    await this.#queue.add(await this.owedOf(entries));
    this.wake();
  }

  /** There is something new in the queue. */
  wake(): void {
    for (const forwarder of this.#forwarders) forwarder.wake();
  }

  /** What is owed of these instances by the rules as they are now. @throws STORE_UNAVAILABLE when a rule needs their headers */
  async owedOf(entries: readonly InstanceEntry[]): Promise<Owed[]> {
    const owed: Owed[] = [];
    for (const entry of entries) {
      const instance = toForwarded(entry);
      for (const { destination, priority, changes } of await this.route(entry))
        if (!this.cameFrom(entry, destination)) owed.push({ destination, instance, priority, changes });
    }
    return owed;
  }

  /** What a destination sent here itself (backfill, a fetch) is not owed to it. */
  cameFrom({ source }: InstanceEntry, name: string): boolean {
    const destination = this.destinations.find((one) => one.name === name);
    return (
      source.user === fetchedFrom(name) ||
      (destination?.kind === 'dimse' && source.via === 'c-store' && source.callingAE === destination.aeTitle)
    );
  }

  /** Where an instance goes by the given rules, or by those in force. */
  async route(entry: InstanceEntry, text?: string): Promise<Route[]> {
    const routes = text === undefined ? this.#routes : this.#parse(text);
    const always = this.#plain.map(({ name }) => name);
    const found = await routesOf(entry, routes, always, async (one) => readAllAttributes(await this.#started, one));
    const corrected = this.corrections?.(entry) ?? [];
    // A rule changes what is right; who the patient is comes before it.
    return corrected.length === 0
      ? found
      : found.map((route) => ({ ...route, changes: [...corrected, ...route.changes] }));
  }

  /** For commands that store and do not send. */
  withStore(store: ObjectStore): void {
    this.#start(store);
  }

  start(archive: Archive, aeTitle: string, log: Logger): void {
    this.#start(archive.store);
    this.#running = { store: archive.store, aeTitle, log };
    if (this.#queue.setAside) log.error({ file: this.#queue.setAside }, 'the forwarding queue was damaged: set aside');
    this.#lost = new LostQueue({ dataDir: this.#config.dataDir, queue: this.#queue, archive, forwarding: this, log });
    this.#lost.start();
    this.#apply();
    const prune = () => {
      const before = new Date(Date.now() - this.#routes.keepSentDays * DAY_MS).toISOString();
      const more = this.#queue.prune(before);
      this.#pruning = setTimeout(prune, more ? 1_000 : PRUNE_EVERY_MS);
      this.#pruning.unref();
    };
    prune();
  }

  /** Forwarders for the destinations that there are; those that stayed the same go on undisturbed. */
  #apply(): void {
    const { store, aeTitle, log } = this.#running!;
    const wanted = new Map(this.destinations.map((destination) => [destination.name, destination]));
    const kept: Forwarder[] = [];
    for (const forwarder of this.#forwarders) {
      const now = wanted.get(forwarder.name);
      if (now && JSON.stringify(now) === JSON.stringify(forwarder.destination)) kept.push(forwarder);
      else void forwarder.close();
    }
    this.#forwarders = [...wanted.values()].map((destination) => {
      const running = kept.find(({ name }) => name === destination.name);
      if (running) return running;
      const forwarder = new Forwarder({
        destination,
        queue: this.#queue,
        sources: { store, images: this.#images },
        aeTitle,
        log,
        onTraffic: (trouble) => this.onTraffic?.(destination, trouble),
        onSent: (instance) => this.onSent?.(destination, instance),
      });
      forwarder.start();
      return forwarder;
    });
  }

  /** Puts other destinations and rules in force: for what is stored from now on. @throws CONFIG_INVALID and changes nothing */
  setRoutes(text: string): void {
    const routes = this.#parse(text);
    writeRoutesFile(this.routesFile, text);
    this.#routes = routes;
    if (this.#running) this.#apply();
    this.#lost?.mark();
  }

  /** The watch knows that this peer works again. */
  isBack(name: string): void {
    this.#queue.lineIsBack(name);
    this.#forwarders.find((forwarder) => forwarder.name === name)?.wake(true);
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /** The destination that is this DIMSE peer, whatever it is called. */
  destinationAt(peer: { aeTitle: string; host: string; port: number }): string | undefined {
    return this.destinations.find((one) => one.kind === 'dimse' && nameOf(one) === nameOf(peer))?.name;
  }

  /** Instances that wait for this destination. */
  queued(name: string): number {
    return this.#queue.waiting(name);
  }

  /** By destination. */
  counts(): ({ name: string } & ForwardCounts)[] {
    return this.#names.map((name) => ({ name, ...this.#queue.counts(name) }));
  }

  status(): ForwardingStatus {
    return {
      destinations: this.#forwarders.map((forwarder) => ({
        name: forwarder.name,
        ...this.#queue.counts(forwarder.name),
        ...forwarder.state(),
        ...commitmentField(this.commitmentOf?.(forwarder.name)),
        problems: this.#queue.problems(forwarder.name, PROBLEMS_SHOWN).map(({ instance, ...problem }) => ({
          ...problem,
          patientName: instance.patientName,
          patientID: instance.patientID,
          studyInstanceUID: instance.studyInstanceUID,
          sopInstanceUID: instance.sopInstanceUID,
          receivedAt: instance.receivedAt,
        })),
      })),
    };
  }

  /** Of one study, by destination. */
  ofStudy(studyInstanceUID: string): { destination: string; owed: number; sent: number }[] {
    return this.#names
      .map((destination) => ({ destination, ...this.#queue.ofStudy(destination, studyInstanceUID) }))
      .filter(({ owed }, _, all) => owed > 0 || all.length === 1);
  }

  /** What a destination last said of a content. */
  answerTo(name: string, sopInstanceUID: string, dataSetSha256: string): ReturnType<ForwardQueue['answerTo']> {
    return this.#queue.answerTo(name, sopInstanceUID, dataSetSha256);
  }

  /** What a destination took after that, oldest first, at most `limit`. */
  sentSince(name: string, after: SentMark, limit: number): ReturnType<ForwardQueue['sentSince']> {
    return this.#queue.sentSince(name, after, limit);
  }

  /** A destination took an instance and says again and again that it does not have it. */
  needsPerson(name: string, sopInstanceUID: string, dataSetSha256: string, message: string): void {
    this.#queue.needsPerson(name, sopInstanceUID, dataSetSha256, message);
  }

  /** Sends these once more to one destination, with the changes its rules make. How many. */
  async sendAgain(name: string, entries: readonly InstanceEntry[]): Promise<number> {
    const owed: Owed[] = [];
    for (const entry of entries) {
      const route = (await this.route(entry)).find(({ destination }) => destination === name);
      owed.push({
        destination: name,
        instance: toForwarded(entry),
        priority: route?.priority ?? 'normal',
        changes: route?.changes ?? [],
      });
    }
    await this.#queue.again(owed);
    this.isBack(name);
    return owed.length;
  }

  /** The hand on it; how many instances it touched. Throws NOT_FOUND for a destination that is not configured. */
  act({ destination: name, action, id, studyInstanceUID, priority }: ForwardingAction): number {
    const forwarder = this.#forwarders.find((each) => each.name === name);
    if (!forwarder) throw new LifeboatError('NOT_FOUND', 'There is no such destination.');
    const which = { ...(id !== undefined && { id }), ...(studyInstanceUID && { studyInstanceUID }) };
    switch (action) {
      case 'pause':
        forwarder.pause();
        return 0;
      case 'resume':
        forwarder.resume();
        return 0;
      case 'skip':
        return this.#queue.skip(name, which);
      case 'retry': {
        const count = this.#queue.retry(name, which);
        forwarder.wake(true);
        return count;
      }
      case 'prioritise':
        if (!studyInstanceUID || !priority)
          throw new LifeboatError('BAD_REQUEST', 'prioritise needs studyInstanceUID and priority.');
        return this.#queue.prioritise(name, studyInstanceUID, priority);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#pruning);
    this.#lost?.close();
    await Promise.all(this.#forwarders.map((forwarder) => forwarder.close()));
    await this.#images.close();
  }

  /** After the archive, which may still owe. */
  async closeQueue(): Promise<void> {
    await this.#queue.close();
  }
}

const commitmentField = (commitment: ForwardingCommitment | undefined) => (commitment ? { commitment } : {});

export function toForwarded(entry: InstanceEntry): ForwardedInstance {
  const { key, size, dataSetOffset, dataSetSha256, receivedAt } = entry;
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, sopClassUID, transferSyntaxUID } = entry;
  const patientName = (entry.attributes['00100010']?.Value?.[0] ?? {}) as PersonName;
  return {
    patientName: joinPersonName(patientName),
    patientID: String(entry.attributes['00100020']?.Value?.[0] ?? ''),
    key,
    size,
    dataSetOffset,
    dataSetSha256,
    receivedAt,
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    sopClassUID,
    transferSyntaxUID,
  };
}
