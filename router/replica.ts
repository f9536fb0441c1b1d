import { join } from 'node:path';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Archive } from '../storage/archive-types.ts';
import { trustedPems } from '../storage/policy/trusted-keys.ts';
import { ReplicaThread } from '../storage/replica/replica-thread.ts';
import type { ReplicaStatus } from '../storage/replica/replica-types.ts';
import type { FallbackReason } from '../storage/stores/fallback-store.ts';
import type { Config } from './config.ts';

export const REPLICA_FILE = 'replica.sqlite';
const REPLICA_SCRATCH = 'replica-tmp';
/** So many waiting instances mean that a sender is in full flow: copying goes slowly. */
const BUSY_SPOOL = 20;
const LOOK_MS = 500;

/** Where the replicator of these settings keeps its list of work. */
export function replicaPaths(dataDir: string): { stateFile: string; scratchDir: string } {
  return { stateFile: join(dataDir, REPLICA_FILE), scratchDir: join(dataDir, REPLICA_SCRATCH) };
}

/** The second store of the running router: copying into it, and what is known of it. */
export class Replica {
  readonly #thread: ReplicaThread;
  readonly #archive: Archive;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: Config, replica: NonNullable<Config['replica']>, archive: Archive, log: Logger) {
    this.#archive = archive;
    this.#thread = new ReplicaThread({
      ...replicaPaths(config.dataDir),
      source: config.store,
      replica: replica.store,
      bytesPerSecond: replica.bytesPerSecond,
      // what hides images is believed only with a signature of this router's own key, or of one that IT named
      removalKeys: trustedPems(config),
      ...(replica.compareMs !== undefined && { compareMs: replica.compareMs }),
      onProblem: (error) => log.warn({ err: error, code: error.code }, 'replica'),
    });
  }

  start(): void {
    this.#archive.events.on('committed', (entries) => {
      const studies = Map.groupBy(entries, ({ studyInstanceUID }) => studyInstanceUID);
      this.#thread.noteStored(
        [...studies].map(([studyInstanceUID, of]) => ({
          studyInstanceUID,
          instances: of.length,
          bytes: of.reduce((sum, { size }) => sum + size, 0),
        })),
      );
    });
    this.#timer = setInterval(() => {
      this.#thread.noteReceiving(this.#archive.spool().entries > BUSY_SPOOL);
    }, LOOK_MS);
    this.#thread.start();
  }

  status(): ReplicaStatus {
    return this.#thread.status();
  }

  compareNow(): void {
    this.#thread.compareNow();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#thread.close();
  }
}

/** Tells the log once a minute at most that the replica is read instead of the first store, and counts it. */
export function fallbackTeller(log: Logger, registry: Registry): (key: string, reason: FallbackReason) => void {
  const reads = new Counter({
    name: 'lifeboat_replica_reads_total',
    help: 'Reads answered from the replica because the first store could not, by reason',
    labelNames: ['reason'],
    registers: [registry],
  });
  let toldAt = Number.NEGATIVE_INFINITY;
  return (key, reason) => {
    const word = typeof reason === 'string' ? reason : reason.code === 'OBJECT_NOT_FOUND' ? 'missing' : 'away';
    reads.inc({ reason: word });
    if (performance.now() - toldAt < 60_000) return;
    toldAt = performance.now();
    const sentence = typeof reason === 'string' ? reason : reason.message;
    log.warn({ key, reason: sentence }, 'read from the replica, because the first store cannot give it');
  };
}

export function registerReplicaMetrics(registry: Registry, replica: Replica): void {
  const gauge = (name: string, help: string, value: (status: ReplicaStatus) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value(replica.status()));
      },
    });
  gauge('lifeboat_replica_lag_instances', 'Instances that the replica lacks', ({ lag }) => lag.instances);
  gauge('lifeboat_replica_lag_bytes', 'Bytes that the replica lacks', ({ lag }) => lag.bytes);
  gauge(
    'lifeboat_replica_lag_seconds',
    'Age of the oldest that the replica lacks, 0 when it has everything',
    ({ lag }) => (lag.oldest ? Math.max(0, (Date.now() - Date.parse(lag.oldest)) / 1000) : 0),
  );
  gauge('lifeboat_replica_held', '1 while nothing can be copied to the replica', ({ state }) =>
    state === 'held' ? 1 : 0,
  );
  gauge('lifeboat_replica_problems', 'Things that cannot be copied as they are', ({ problems }) => problems.count);
  gauge('lifeboat_replica_copied_instances', 'Instances copied since the start', ({ copied }) => copied.instances);
  gauge('lifeboat_replica_copied_bytes', 'Bytes copied since the start', ({ copied }) => copied.bytes);
}
