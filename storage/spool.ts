import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, statfsSync, unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LifeboatError } from '../contract/errors.ts';
import type { SpoolStatus } from './archive-types.ts';
import { spoolError } from './disk-error.ts';
import { GroupSync } from './group-sync.ts';
import { moveToDamaged, readReports } from './spool-damaged.ts';
import { lockFolder } from './spool-lock.ts';
import { LoggedInstances } from './spool-logged.ts';
import { decodeSpoolName, ENTRY_SUFFIX, encodeSpoolName, PART_SUFFIX, type SpoolName } from './spool-name.ts';
import { SpoolPart } from './spool-part.ts';
import { verifySpoolFile } from './spool-recovery.ts';
import type { DamagedReport, RecoveryReport, SpoolEntry, SpoolEvents, SpoolOptions } from './spool-types.ts';
import { UnreadRetry } from './spool-unread.ts';
import { SpoolWriter } from './spool-writer.ts';

export type { DamagedReport, RecoveryReport, SpoolEntry, SpoolOptions } from './spool-types.ts';

const DEFAULT_MIN_FREE_BYTES = 512 * 1024 * 1024;
const FREE_SPACE_AGE_MS = 1000;
const DAMAGED_FOLDER = 'damaged';

/** What the receiver knows when the last byte of an instance has come. */
export type SealedInstance = Omit<SpoolEntry, 'id' | 'path' | 'sha256' | 'receivedAt'>;

/** What the file name tells recovery besides: letters of MARKS, CRC-32 of the bytes in front of the data set. */
export interface SealEvidence {
  marks: string;
  headerCrc: number;
}

/**
 * The write-ahead log of receiving: a folder of complete Part 10 files that were acknowledged and are not yet committed.
 * An entry's file name holds size and hashes, so a torn file is recognised after a power cut. One process per folder.
 */
export class Spool {
  readonly dir: string;
  readonly events = new EventEmitter<SpoolEvents>();
  readonly #minFreeBytes: number;
  readonly #entries = new Map<string, SpoolEntry>();
  #bytes = 0;
  readonly #folderFd: number;
  readonly #folder: GroupSync;
  readonly #lock: { release(): void };
  readonly #logged: LoggedInstances | null;
  #free = { bytes: 0, at: 0 };
  #writtenSinceStatfs = 0;
  #closed = false;
  #lastMs = 0;
  #recovered: Promise<RecoveryReport> | null = null;
  /** Files and log segments of an earlier run that are not read yet; each counts as one entry at least. */
  #unrecovered = 0;
  #unread: UnreadRetry | undefined;
  readonly #unreadRetryMs: number | undefined;

  private constructor(dir: string, lock: { release(): void }, options: SpoolOptions) {
    this.dir = dir;
    this.#lock = lock;
    this.#minFreeBytes = options.minFreeBytes ?? DEFAULT_MIN_FREE_BYTES;
    this.#unreadRetryMs = options.unreadRetryMs;
    this.#folderFd = openSync(dir, 'r');
    this.#folder = new GroupSync(this.#folderFd);
    this.#logged = options.logBytes ? this.#openLog(options.logBytes) : null;
  }

  #openLog(maxBytes: number): LoggedInstances {
    return new LoggedInstances({
      dir: this.dir,
      maxBytes,
      mayGrow: (bytes) => this.#freeBytes() - bytes > this.#minFreeBytes,
      newId,
      syncFolder: () => this.#folder.sync(),
      onEntry: (entry) => this.#add(entry),
      onDamaged: (path, name, reason) => this.#damageNamed(path, name, reason),
      onProblem: (error) => this.events.emit('unwritten', error),
    });
  }

  /**
   * Opens (and creates) the folder, removes parts that were never acknowledged, verifies size and hash of every entry and
   * sets torn ones aside in `damaged/`. CONFIG_INVALID when another process holds it, SPOOL_UNWRITABLE when it cannot be used.
   */
  static async open(dir: string, options: SpoolOptions = {}): Promise<Spool> {
    const absolute = resolve(dir);
    try {
      mkdirSync(join(absolute, DAMAGED_FOLDER), { recursive: true, mode: 0o750 });
      const spool = new Spool(absolute, await lockFolder(absolute), options);
      spool.#recovered = spool.#recover();
      spool.#recovered.catch(() => undefined);
      if (options.awaitRecovery !== false) await spool.#recovered;
      return spool;
    } catch (error) {
      throw spoolError(error);
    }
  }

  /** Resolves when everything found at start is verified. */
  get recovered(): Promise<RecoveryReport> {
    return this.#recovered!;
  }

  /** Waiting entries, oldest first; without those that are in the log alone (`unpacked` gives all their files). */
  entries(): SpoolEntry[] {
    return [...this.#entries.values()].sort((a, b) =>
      a.receivedAt < b.receivedAt ? -1 : a.receivedAt > b.receivedAt ? 1 : 0,
    );
  }

  /** Everything acknowledged and not yet committed, also what is in the log alone. */
  *acknowledged(): Generator<Omit<SpoolEntry, 'sha256'>> {
    yield* this.#entries.values();
    if (this.#logged) yield* this.#logged.instances();
  }

  /** Counts of what is acknowledged and not yet committed. */
  status(): SpoolStatus {
    const logged = this.#logged?.status() ?? NOTHING;
    let { oldest } = logged;
    for (const { receivedAt } of this.#entries.values())
      if (oldest === null || receivedAt < oldest) oldest = receivedAt;
    const unread = this.#unread?.status();
    const entries = this.#entries.size + logged.entries + this.#unrecovered;
    const status = { entries, bytes: this.#bytes + logged.bytes, oldest, freeBytes: this.#freeBytes() };
    return unread ? { ...status, unread } : status;
  }

  /** Resolves when what is acknowledged now is an entry with a file, or no file can be written. */
  async unpacked(): Promise<void> {
    await this.#logged?.flush();
  }

  /** A place for one instance. Throws SPOOL_FULL or SPOOL_UNWRITABLE. */
  begin(): SpoolWriter {
    if (this.#closed) throw new LifeboatError('SPOOL_UNWRITABLE', 'The router is shutting down; send again.');
    this.#checkSpace(0);
    return new SpoolWriter(
      this.#logged?.begin() ?? null,
      () => new SpoolPart(join(this.dir, `${newId()}${PART_SUFFIX}`), (bytes) => this.#checkSpace(bytes)),
    );
  }

  /** Resolves when what was written is on stable storage; `entry` is emitted at once or, out of the log, when it has a file. */
  async seal(writer: SpoolWriter, instance: SealedInstance, evidence: SealEvidence): Promise<void> {
    this.#lastMs = Math.max(Date.now(), this.#lastMs);
    const name: SpoolName = { ...instance, ...evidence, id: newId(), receivedAtMs: this.#lastMs };
    const fileName = encodeSpoolName(name);
    const path = join(this.dir, fileName);
    const kept = await writer.seal(fileName, path, () => this.#folder.sync());
    const receivedAt = new Date(name.receivedAtMs).toISOString();
    const entry = { ...instance, id: name.id, path, receivedAt };
    if ('record' in kept) this.#logged!.add(kept.record, name, entry);
    else this.#add({ ...entry, sha256: kept.sha256 });
  }

  /** After the commit. Harmless when already removed. */
  async remove(entry: SpoolEntry): Promise<void> {
    try {
      await unlink(entry.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw spoolError(error);
    }
    this.#forget(entry);
  }

  /** Takes an entry that cannot be committed out of the queue; file and report stay in `damaged/`. */
  async setAside(entry: SpoolEntry, reason: string): Promise<DamagedReport> {
    const { size, dataSetSha256, receivedAt, source } = entry;
    const report = await this.#damage(entry.path, entry.id, reason, { size, dataSetSha256, receivedAt, source });
    this.#forget(entry);
    return report;
  }

  /** Reports of everything that lies in `damaged/`. */
  damaged(): Promise<DamagedReport[]> {
    return readReports(join(this.dir, DAMAGED_FOLDER));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#unread?.close();
    await this.#recovered?.catch(() => undefined);
    await this.#logged?.close();
    await this.#folder.sync().catch(() => undefined);
    closeSync(this.#folderFd);
    this.#lock.release();
  }

  #add(entry: SpoolEntry): void {
    this.#entries.set(entry.id, entry);
    this.#bytes += entry.size;
    this.events.emit('entry', entry);
  }

  #forget(entry: SpoolEntry): void {
    if (this.#entries.delete(entry.id)) this.#bytes -= entry.size;
  }

  async #damage(
    path: string,
    id: string,
    reason: string,
    expected?: DamagedReport['expected'],
  ): Promise<DamagedReport> {
    const report = await moveToDamaged(path, join(this.dir, DAMAGED_FOLDER), id, reason, expected);
    this.events.emit('damaged', report);
    return report;
  }

  #damageNamed(path: string, name: SpoolName | null, reason: string): Promise<DamagedReport> {
    if (!name) return this.#damage(path, newId(), reason);
    const { size, dataSetSha256, source } = name;
    const receivedAt = new Date(name.receivedAtMs).toISOString();
    return this.#damage(path, name.id, reason, { size, dataSetSha256, receivedAt, source });
  }

  #freeBytes(): number {
    const now = performance.now();
    if (this.#free.at === 0 || now - this.#free.at > FREE_SPACE_AGE_MS) {
      try {
        const disk = statfsSync(this.dir);
        this.#free = { bytes: disk.bavail * disk.bsize, at: now };
      } catch (error) {
        throw spoolError(error);
      }
      this.#writtenSinceStatfs = 0;
    }
    return Math.max(0, this.#free.bytes - this.#writtenSinceStatfs);
  }

  #checkSpace(bytes: number): void {
    this.#writtenSinceStatfs += bytes;
    if (this.#hasRoom()) return;
    if (this.#logged?.giveBack()) {
      this.#free.at = 0;
      if (this.#hasRoom()) return;
    }
    throw new LifeboatError('SPOOL_FULL');
  }

  /** What is in the log alone needs its room a second time. */
  #hasRoom(): boolean {
    return this.#freeBytes() - (this.#logged?.status().bytes ?? 0) >= this.#minFreeBytes;
  }

  async #recover(): Promise<RecoveryReport> {
    const report: RecoveryReport = { recovered: 0, bytes: 0, unfinishedRemoved: 0, damaged: [], unread: 0 };
    // Synchronous, so that it cannot meet files of receptions that start while old entries are still being verified.
    const names = readdirSync(this.dir);
    for (const part of names.filter((n) => n.endsWith(PART_SUFFIX))) {
      unlinkSync(join(this.dir, part));
      report.unfinishedRemoved++;
    }
    const found = new Set(names.filter((n) => n.endsWith(ENTRY_SUFFIX)).sort());
    const segments = new Map((this.#logged?.found() ?? []).map((segment) => [`log#${segment.index}`, segment]));
    this.#unrecovered = found.size + segments.size;
    await this.#folder.sync();
    this.#unread = new UnreadRetry(
      async (name) => {
        const segment = segments.get(name);
        const replayed = segment ? await this.#logged!.replay(segment) : { fileNames: [name], damaged: [] };
        report.damaged.push(...replayed.damaged);
        for (const fileName of replayed.fileNames) {
          const foundToo = found.delete(fileName);
          await this.#recoverOne(fileName, report);
          if (segment && foundToo) this.#unrecovered--;
        }
        this.#unrecovered--;
      },
      (error) => this.events.emit('unread', error),
      this.#unreadRetryMs,
    );
    await this.#unread.readAll(concat(segments.keys(), found));
    report.unread = this.#unread.status()?.files ?? 0;
    return report;
  }

  /** Throws what the disk throws; the file is then where it was. */
  async #recoverOne(fileName: string, report: RecoveryReport): Promise<void> {
    const path = join(this.dir, fileName);
    const name = decodeSpoolName(fileName);
    if (!name) {
      report.damaged.push(await this.#damage(path, newId(), 'The file name is not one that the spool gives.'));
      return;
    }
    const verdict = await verifySpoolFile(path, name);
    if ('reason' in verdict) {
      report.damaged.push(await this.#damageNamed(path, name, verdict.reason));
      return;
    }
    report.recovered++;
    report.bytes += name.size;
    this.#add(verdict.entry);
  }
}

const NOTHING = { entries: 0, bytes: 0, oldest: null as string | null };

function* concat(...lists: Iterable<string>[]): Generator<string> {
  for (const list of lists) yield* list;
}

let sequence = 0;
const processId = randomBytes(6).readUIntBE(0, 6).toString(36).padStart(10, '0');

/** [a-z0-9], unique over processes and restarts. */
function newId(): string {
  sequence++;
  return `${processId}${sequence.toString(36)}`;
}
