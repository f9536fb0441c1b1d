import { EventEmitter } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { Archive, ArchiveEvents } from './archive-types.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import { type CatalogueConfig, openCatalogueWhenever } from './catalogue/open.ts';
import { Committer } from './commit.ts';
import type { CommitStep } from './commit-batch.ts';
import { type CompactionTimes, Compactor } from './compactor.ts';
import { DescribeThread } from './describe-thread.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { buildStudyManifest } from './format/study-manifest.ts';
import { Limiter } from './limiter.ts';
import type { ObjectStore } from './object-store.ts';
import { theseKeys } from './policy/removal-record.ts';
import { createReceiver } from './receive.ts';
import { openKnownReplica } from './replica/open-replica.ts';
import { Spool } from './spool.ts';
import { StoreWatch } from './store-watch.ts';
import { type FallbackOptions, FallbackStore } from './stores/fallback-store.ts';
import { FileStore } from './stores/file-store.ts';
import { openStore, type StoreConfig } from './stores/open-store.ts';
import { StudyCache } from './study-cache.ts';
import { Tender, type TendingTimes } from './tender.ts';
import { type Hashers, openHashers } from './verify-threads.ts';
import { waitingStudies } from './waiting.ts';

/** The router's configuration fits as it is. */
export interface ArchiveOptions {
  /** Holds the spool (`spool/`), and whatever else the configuration puts there. */
  dataDir: string;
  store: StoreConfig;
  database: CatalogueConfig;
  /** Below this much free space nothing is accepted. */
  spoolMinFreeBytes?: number;
  /** Size that the spool's log may grow to; 0: every instance is acknowledged as a file. Default 1 GiB. */
  spoolLogBytes?: number;
  /** For the log: what the archive works around by itself but IT should know. */
  onProblem?(error: LifeboatError): void;
  /** Public keys in PEM whose removals count; absent: those that lie in the store. */
  trustedKeys?: string[];
  /** Somebody else's removal lies in the store: what it names stays. Told once. */
  onRefusedRemoval?(error: LifeboatError): void;
  /** Aborted when the router ends, before `close`: from then on nothing waits for a store that is away. */
  ending?: AbortSignal;
  /** A second store that is read where the first one cannot give what was asked for. */
  replica?: { store: StoreConfig } & Pick<FallbackOptions, 'isDamaged' | 'onFallback'>;
  /** How often the store is compared with the catalogue; for tests. */
  tending?: TendingTimes;
  /** Manifest segments are compacted now and then; absent: never. */
  compaction?: CompactionTimes;
  /** Awaited for everything stored, before the spool forgets it: what must never miss an instance hangs on here. */
  onStored?(entries: InstanceEntry[]): Promise<void>;
  /** For tests: called after each step of a commit. */
  onStep?(step: CommitStep): void | Promise<void>;
}

/** A link costs little but waits for its folder's fsync, which all that wait share; a PUT over the network costs memory. */
const FILE_PUTS_IN_FLIGHT = 128;
/** It grows as it is needed. */
const SPOOL_LOG_BYTES = 1 << 30;
const S3_PUTS_IN_FLIGHT = 16;
const S3_BYTES_IN_FLIGHT = 48 << 20;
/** Objects that came again are read and hashed so many at once. */
const CHECKS_IN_FLIGHT = 4;

/**
 * Opens the archive: recovers the spool, begins to commit what waits in it, and is ready to receive. A store that is away
 * does not stop the start, nor does a database server. Throws CONFIG_INVALID, SPOOL_UNWRITABLE, CATALOGUE_UNAVAILABLE
 * (SQLite file), STORE_UNAVAILABLE (folder).
 */
export async function openArchive(options: ArchiveOptions): Promise<Archive> {
  const onProblem = options.onProblem ?? (() => undefined);
  await mkdir(options.dataDir, { recursive: true });
  const store = await openStore(options.store, { signal: options.ending });
  const catalogue = await openCatalogueWhenever(options.database);
  let spool: Spool;
  try {
    spool = await Spool.open(join(options.dataDir, 'spool'), {
      minFreeBytes: options.spoolMinFreeBytes,
      logBytes: options.spoolLogBytes ?? SPOOL_LOG_BYTES,
      awaitRecovery: false,
    });
  } catch (error) {
    await Promise.all([catalogue.close(), store.close()]);
    throw error;
  }
  return assemble({ ...options, onProblem }, store, catalogue, spool);
}

type Settings = ArchiveOptions & { onProblem(error: LifeboatError): void };

function assemble(options: Settings, store: ObjectStore, catalogue: Catalogue, spool: Spool): Archive {
  const { onProblem } = options;
  const events = new EventEmitter<ArchiveEvents>();
  events.setMaxListeners(0);
  const cache = new StudyCache(store, { onDamaged: onProblem });
  const describer = new DescribeThread({ onProblem: (error) => onProblem(asLifeboatError(error)) });
  const local = store instanceof FileStore;
  let hashers: Hashers | undefined;
  const watch = new StoreWatch({
    store,
    everyMs: options.tending?.tickMs,
    onSeen: (error) => committer.noteStore(error),
    onReplaced: () => {
      onProblem(
        new LifeboatError('STORE_UNAVAILABLE', 'The store was emptied or put back: it is compared with the catalogue.'),
      );
      cache.clear();
      store.renew?.();
      tender.compareNow();
    },
  });
  const committer = new Committer({
    store,
    cache,
    watch,
    describer,
    catalogue,
    spool,
    events,
    onProblem,
    puts: local ? new Limiter(FILE_PUTS_IN_FLIGHT) : new Limiter(S3_PUTS_IN_FLIGHT, S3_BYTES_IN_FLIGHT),
    hashers: () => {
      hashers ??= openHashers(store);
      return hashers;
    },
    checks: new Limiter(CHECKS_IN_FLIGHT),
    onStored: options.onStored,
    onStep: options.onStep ?? (() => undefined),
  });
  spool.events.on('unread', onProblem);
  spool.events.on('unwritten', onProblem);
  spool.recovered.catch((error) => onProblem(asLifeboatError(error)));
  const tender = new Tender({
    store,
    catalogue,
    onProblem,
    ...(options.trustedKeys && { trusted: theseKeys(options.trustedKeys) }),
    ...(options.onRefusedRemoval && { onRefusedRemoval: options.onRefusedRemoval }),
    ...options.tending,
  });
  committer.start();
  watch.start();
  tender.start();
  const compactor =
    options.compaction === undefined
      ? undefined
      : new Compactor({
          ...options.compaction,
          store: options.store,
          busy: () => committer.status().storeError !== undefined || tender.state().filling !== undefined,
          onProblem,
        });
  compactor?.start();
  const receiver = createReceiver(spool);
  const { replica } = options;
  const reading = replica
    ? new FallbackStore(store, {
        ...replica,
        openReplica: () => openKnownReplica(replica.store, { signal: options.ending }),
        isAway: () => committer.status().storeError !== undefined,
      })
    : store;
  const readCache = replica ? readingCache(reading, events, onProblem) : cache;
  return {
    store,
    reading,
    catalogue,
    events,
    beginDataSet: receiver.beginDataSet,
    beginFile: receiver.beginFile,
    spool: () => committer.status(),
    acknowledged: () => spool.acknowledged(),
    unpack: () => spool.unpacked(),
    waiting: () => waitingStudies(spool.acknowledged()),
    tending: () => tender.state(),
    flush: async () => {
      await spool.recovered;
      await spool.unpacked();
      await committer.flush();
    },
    entries: (uid) => readCache.entries(uid),
    manifest: async (uid) => buildStudyManifest(await readCache.entries(uid)),
    metadata: (study, series, instance, content) => readCache.metadata(study, series, instance, content),
    close: async () => {
      const tended = Promise.all([watch.close(), tender.close(), compactor?.close()]);
      await committer.close();
      await tended;
      await hashers?.close();
      await describer.close();
      await spool.close();
      await catalogue.close();
      if (reading !== store) await reading.close();
      await store.close();
    },
  };
}

/** Studies as they are shown: also those that only the replica can tell of. What commits rest on is never read here. */
function readingCache(
  reading: ObjectStore,
  events: EventEmitter<ArchiveEvents>,
  onDamaged: (error: LifeboatError) => void,
): StudyCache {
  const cache = new StudyCache(reading, { onDamaged });
  events.on('committed', (entries) => {
    for (const uid of new Set(entries.map(({ studyInstanceUID }) => studyInstanceUID))) cache.expire(uid);
  });
  return cache;
}
