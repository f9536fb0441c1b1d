import { mkdirSync, rmSync } from 'node:fs';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import { writeFormatDescription } from '../format-description.ts';
import { FORMAT_KEY, manifestPrefix } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { theseKeys } from '../policy/removal-record.ts';
import { ByteRate, pause } from '../scrub-rate.ts';
import { openStore } from '../stores/open-store.ts';
import { addSegment, compareFiles, compareStores, writtenAt } from './compare.ts';
import { type Copied, type CopyParts, copyObject, copySegment, copyStudy } from './copy.ts';
import { copyFile } from './files.ts';
import { describeReplica, notThere, openKnownReplica } from './open-replica.ts';
import { type PendingRow, ReplicaState } from './replica-state.ts';
import type { FreshStudy, ReplicaOptions, ReplicaStatus } from './replica-types.ts';

const DAY_MS = 86_400_000;
const AT_ONCE = 4;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
/** What is wrong in the first store is looked at again after so long, then ever more seldom. */
const WRONG_AGAIN_MS = 60_000;
const WRONG_LONGEST_MS = 6 * 3_600_000;
/** While images come in, this part of the rate is used. */
const RECEIVING_SHARE = 8;
/** Seals and the published viewer are looked for so often, ms. */
const FILES_EVERY_MS = 30_000;

/**
 * Brings everything that the first store holds into a second one, for ever: what is stored now as soon as it is stored, what it
 * missed by comparing both stores at the start and once a day. Only adds; whatever happens to the first store, nothing of the
 * replica is deleted, and no object there is replaced unless by bytes that have the recorded SHA-256. May be killed at any moment.
 */
export class Replicator {
  readonly #options: ReplicaOptions;
  readonly #state: ReplicaState;
  readonly #end = new AbortController();
  readonly #fresh = new Map<string, { instances: number; bytes: number; atMs: number }>();
  readonly #full: ByteRate;
  readonly #slow: ByteRate;
  #loop: Promise<void> = Promise.resolve();
  #comparison: Promise<void> | undefined;
  #compareNow = true;
  #compareAt = 0;
  #filesAt = 0;
  #receiving = false;
  #held: string | undefined;
  #open: { source: ObjectStore; replica: ObjectStore } | undefined;
  #delay = FIRST_DELAY_MS;
  #copied = { instances: 0, bytes: 0 };
  #started = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#state = new ReplicaState(options.stateFile);
    rmSync(options.scratchDir, { recursive: true, force: true });
    mkdirSync(options.scratchDir, { recursive: true });
    this.#full = new ByteRate(options.bytesPerSecond, this.#end.signal);
    this.#slow = new ByteRate(options.bytesPerSecond / RECEIVING_SHARE, this.#end.signal);
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Something was just stored in the first store. */
  noteStored(studies: FreshStudy[]): void {
    for (const { studyInstanceUID, instances, bytes } of studies) {
      const known = this.#fresh.get(studyInstanceUID) ?? { instances: 0, bytes: 0, atMs: Date.now() };
      known.instances += instances;
      known.bytes += bytes;
      this.#fresh.set(studyInstanceUID, known);
    }
  }

  /** While images come in, copying goes slowly. */
  noteReceiving(receiving: boolean): void {
    this.#receiving = receiving;
  }

  compareNow(): void {
    this.#compareNow = true;
  }

  /** Everything is to be copied to a replica that is new or was emptied. */
  beginAnew(): void {
    this.#state.forget();
    this.#compareNow = true;
  }

  status(): ReplicaStatus {
    const lag = this.#state.lag();
    for (const { instances, bytes, atMs } of this.#fresh.values()) {
      lag.instances += instances;
      lag.bytes += bytes;
      const at = new Date(atMs).toISOString();
      if (lag.oldest === null || at < lag.oldest) lag.oldest = at;
    }
    const problems = this.#state.problems();
    const compared = this.#state.compared();
    const level = lag.oldest === null && compared !== null && !this.#compareNow;
    return {
      description: describeReplica(this.#options.replica),
      state: this.#held ? 'held' : !this.#started ? 'starting' : level ? 'level' : 'copying',
      ...(this.#held && { reason: this.#held }),
      lag,
      copied: { ...this.#copied },
      problems,
      comparing: this.#comparison !== undefined,
      compared,
    };
  }

  /** Resolves when both stores were compared and everything that can be copied was. Throws what stands in the way. */
  async level(): Promise<void> {
    const parts = await this.#parts();
    await this.#lookAtFresh(parts);
    await compareStores({ ...parts, state: this.#state, signal: this.#end.signal });
    this.#compareNow = false;
    for (;;) {
      const rows = this.#state.due(Date.now(), AT_ONCE);
      if (rows.length === 0 || this.#end.signal.aborted) return;
      await this.#work(parts, rows);
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#loop;
    await this.#comparison;
    await this.#open?.source.close();
    await this.#open?.replica.close();
    this.#state.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    const { idleMs = 1000 } = this.#options;
    while (!signal.aborted) {
      try {
        const parts = await this.#parts();
        this.#startComparison(parts);
        await this.#lookAtFresh(parts);
        if (performance.now() >= this.#filesAt && this.#state.compared()) {
          await compareFiles({ ...parts, state: this.#state, signal });
          this.#filesAt = performance.now() + FILES_EVERY_MS;
        }
        const rows = this.#state.due(Date.now(), AT_ONCE);
        await this.#work(parts, rows);
        this.#started = true;
        this.#settled();
        if (rows.length === 0) await pause(idleMs, signal);
      } catch (thrown) {
        await this.#wait(asLifeboatError(thrown));
      }
    }
  }

  #settled(): void {
    this.#held = undefined;
    this.#delay = FIRST_DELAY_MS;
  }

  async #wait(error: LifeboatError): Promise<void> {
    if (this.#end.signal.aborted) return;
    if (this.#held !== error.message) this.#options.onProblem(error);
    this.#held = error.message;
    await pause(this.#delay, this.#end.signal);
    this.#delay = Math.min(LONGEST_DELAY_MS, this.#delay * 2);
  }

  /** Opens both stores, and asks each time whether the replica is still there. */
  async #parts(): Promise<CopyParts> {
    const { source: sourceConfig, replica: replicaConfig, scratchDir } = this.#options;
    const begun = this.#state.note('replica') === describeReplica(replicaConfig);
    if (!this.#open) {
      const ending = { signal: this.#end.signal };
      const replica = await (begun ? openKnownReplica(replicaConfig, ending) : openStore(replicaConfig, ending));
      this.#open = { source: await openStore(sourceConfig, ending), replica };
    }
    const { source, replica } = this.#open;
    if (!begun) {
      if (this.#state.note('replica') !== null) this.#state.forget();
      await writeFormatDescription(replica);
      this.#state.setNote('replica', describeReplica(replicaConfig));
    } else if (!(await replica.head(FORMAT_KEY))) throw notThere(replica.description);
    const take = (bytes: number) => (this.#receiving ? this.#slow : this.#full).take(bytes);
    const { removalKeys } = this.#options;
    return {
      source,
      replica,
      scratchDir,
      take,
      signal: this.#end.signal,
      ...(removalKeys && { removalKeys: theseKeys(removalKeys) }),
    };
  }

  #startComparison(parts: CopyParts): void {
    const { compareMs = DAY_MS } = this.#options;
    if (this.#comparison || (!this.#compareNow && performance.now() < this.#compareAt)) return;
    this.#comparison = compareStores({ ...parts, state: this.#state, signal: this.#end.signal })
      .then(
        (result) => {
          if (!result) return;
          this.#compareNow = false;
          this.#compareAt = performance.now() + compareMs;
        },
        (error: unknown) => {
          if (!this.#end.signal.aborted) this.#options.onProblem(asLifeboatError(error));
          return pause(this.#delay, this.#end.signal);
        },
      )
      .finally(() => {
        this.#comparison = undefined;
      });
  }

  async #lookAtFresh({ source, replica }: CopyParts): Promise<void> {
    for (const [uid, { instances }] of [...this.#fresh]) {
      const there = new Set<string>();
      const missing: string[] = [];
      for await (const { key } of replica.list(manifestPrefix(uid))) there.add(key);
      for await (const { key } of source.list(manifestPrefix(uid))) if (!there.has(key)) missing.push(key);
      for (const key of missing) await addSegment({ source, state: this.#state }, key);
      // what came meanwhile is looked at the next time
      if (this.#fresh.get(uid)?.instances === instances) this.#fresh.delete(uid);
    }
  }

  async #work(parts: CopyParts, rows: PendingRow[]): Promise<void> {
    const failures = await Promise.all(rows.map((row) => this.#one(parts, row)));
    const failure = failures.find((error) => error !== null);
    if (failure) throw failure;
  }

  /** @returns why nothing can be copied at present; null when the row is settled one way or another */
  async #one(parts: CopyParts, row: PendingRow): Promise<LifeboatError | null> {
    try {
      await this.#copy(parts, row);
      this.#state.done(row.key);
      return null;
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code === 'OBJECT_NOT_FOUND' && row.kind === 'segment' && !(await this.#still(parts, row.key))) {
        this.#state.done(row.key);
        return null;
      }
      if (error.code === 'STORE_UNAVAILABLE') return error;
      const again = Math.min(WRONG_LONGEST_MS, WRONG_AGAIN_MS * 2 ** row.tries);
      if (row.tries === 0) this.#options.onProblem(error);
      this.#state.later(row.key, Date.now() + again, error.message, Date.now());
      return null;
    }
  }

  /** A segment that was replaced meanwhile is no loss. */
  async #still({ source }: CopyParts, key: string): Promise<boolean> {
    return source.head(key).then(
      (found) => found !== null,
      () => true,
    );
  }

  async #copy(parts: CopyParts, { key, kind, detail }: PendingRow): Promise<void> {
    if (kind === 'file') return copyFile(parts, this.#state, key);
    if (kind === 'object') {
      const entry = JSON.parse(detail) as InstanceEntry;
      if ((await parts.replica.head(key))?.size === entry.size) return;
      await copyObject(parts, entry);
      this.#count({ instances: 1, bytes: entry.size, refused: [] });
      return;
    }
    this.#count(await (kind === 'segment' ? copySegment(parts, key) : copyStudy(parts, key)));
  }

  #count({ instances, bytes, refused }: Copied): void {
    this.#copied.instances += instances;
    this.#copied.bytes += bytes;
    for (const { entry, reason } of refused) {
      const { key, size, sha256 } = entry;
      const row = { key, kind: 'object' as const, writtenMs: writtenAt(''), instances: 1, bytes: size };
      this.#state.add({ ...row, detail: JSON.stringify({ key, size, sha256 }) });
      this.#state.later(key, Date.now() + WRONG_AGAIN_MS, reason, Date.now());
      this.#options.onProblem(new LifeboatError('OBJECT_DAMAGED', `${reason}; it was not copied to the replica.`));
    }
  }
}
