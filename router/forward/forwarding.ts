import { join } from 'node:path';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { ForwardingStatus } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Config } from '../config.ts';
import { type Destination, type ForwardedInstance, nameOf } from './forward-types.ts';
import { Forwarder } from './forwarder.ts';
import { type ForwardCounts, ForwardQueue } from './queue.ts';

/** undefined when there is nobody to forward to. */
export function openForwarding(config: Pick<Config, 'dataDir' | 'forwardTo'>): Forwarding | undefined {
  return config.forwardTo?.length ? new Forwarding(config.dataDir, config.forwardTo) : undefined;
}

/** Instances by destination and state. */
export function registerForwardingMetrics(registry: Registry, forwarding: Forwarding): void {
  new Gauge({
    name: 'lifeboat_forward_instances',
    help: 'Instances owed to a destination, by what became of them',
    labelNames: ['destination', 'state'],
    registers: [registry],
    collect() {
      for (const { name, waiting, person, sent, skipped } of forwarding.counts())
        for (const [state, count] of Object.entries({ waiting, person, sent, skipped }))
          this.set({ destination: name, state }, count);
    },
  });
}

/** Problems listed for one destination. */
const PROBLEMS_SHOWN = 200;

/**
 * Passing on: what the archive keeps is owed to every destination, is sent when these can take it, and counts as sent only
 * when they said so. An instance is in the queue before the spool forgets it, so that no crash lies between.
 */
export class Forwarding {
  readonly #queue: ForwardQueue;
  readonly #names: readonly string[];
  readonly #destinations: readonly Destination[];
  #forwarders: Forwarder[] = [];

  constructor(dataDir: string, destinations: readonly Destination[]) {
    this.#queue = new ForwardQueue(join(dataDir, 'forward.sqlite'));
    this.#destinations = destinations;
    this.#names = destinations.map(nameOf);
  }

  /** For the archive: resolves when what was stored is owed for good. */
  async owe(entries: readonly InstanceEntry[]): Promise<void> {
    await this.#queue.add(this.#names, entries.map(toForwarded));
    for (const forwarder of this.#forwarders) forwarder.wake();
  }

  start(store: ObjectStore, aeTitle: string, log: Logger): void {
    this.#forwarders = this.#destinations.map(
      (destination) => new Forwarder({ destination, queue: this.#queue, store, aeTitle, log }),
    );
    for (const forwarder of this.#forwarders) forwarder.start();
  }

  /** The watch knows that this peer works again. */
  isBack(name: string): void {
    this.#forwarders.find((forwarder) => forwarder.name === name)?.wake(true);
  }

  has(name: string): boolean {
    return this.#names.includes(name);
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
    return this.#names.map((destination) => ({ destination, ...this.#queue.ofStudy(destination, studyInstanceUID) }));
  }

  /** Throws NOT_FOUND for a destination that is not configured. */
  act(name: string, action: 'pause' | 'resume' | 'retry' | 'skip', id?: number): number {
    const forwarder = this.#forwarders.find((each) => each.name === name);
    if (!forwarder) throw new LifeboatError('NOT_FOUND', 'There is no such destination.');
    if (action === 'pause') forwarder.pause();
    else if (action === 'resume') forwarder.resume();
    else if (action === 'skip') return this.#queue.skip(name, id);
    else {
      const count = this.#queue.retry(name, id);
      forwarder.wake(true);
      return count;
    }
    return 0;
  }

  async close(): Promise<void> {
    await Promise.all(this.#forwarders.map((forwarder) => forwarder.close()));
  }

  /** After the archive, which may still owe. */
  async closeQueue(): Promise<void> {
    await this.#queue.close();
  }
}

function toForwarded(entry: InstanceEntry): ForwardedInstance {
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
