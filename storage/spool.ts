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
import { decodeSpoolName, ENTRY_SUFFIX, encodeSpoolName, PART_SUFFIX, type SpoolName } from './spool-name.ts';
import { SpoolPart } from './spool-part.ts';
import { verifySpoolFile } from './spool-recovery.ts';
import type { DamagedReport, RecoveryReport, SpoolEntry, SpoolEvents, SpoolOptions } from './spool-types.ts';
import { UnreadRetry } from './spool-unread.ts';

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
  #free = { bytes: 0, at: 0 };
  #writtenSinceStatfs = 0;
  #closed = false;
  #lastMs = 0;
  #recovered: Promise<RecoveryReport> | null = null;
  #unread: UnreadRetry | undefined;
  readonly #unreadRetryMs: number | undefined;

  private constructor(dir: string, lock: { release(): void }, options: SpoolOptions) {
    this.dir = dir;
    this.#lock = lock;
    this.#minFreeBytes = options.minFreeBytes ?? DEFAULT_MIN_FREE_BYTES;
    this.#unreadRetryMs = options.unreadRetryMs;
    this.#folderFd = openSync(dir, 'r');
    this.#folder = new GroupSync(this.#folderFd);
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

  /** Waiting entries, oldest first. */
  entries(): SpoolEntry[] {
    return [...this.#entries.values()].sort((a, b) =>
      a.receivedAt < b.receivedAt ? -1 : a.receivedAt > b.receivedAt ? 1 : 0,
    );
  }

  status(): SpoolStatus {
    let oldest: string | null = null;
    for (const { receivedAt } of this.#entries.values())
      if (oldest === null || receivedAt < oldest) oldest = receivedAt;
    const unread = this.#unread?.status();
    const status = { entries: this.#entries.size, bytes: this.#bytes, oldest, freeBytes: this.#freeBytes() };
    return unread ? { ...status, unread } : status;
  }

  /** Starts a file. Throws SPOOL_FULL or SPOOL_UNWRITABLE. */
  begin(): SpoolPart {
    if (this.#closed) throw new LifeboatError('SPOOL_UNWRITABLE', 'The router is shutting down; send again.');
    this.#checkSpace(0);
    return new SpoolPart(join(this.dir, `${newId()}${PART_SUFFIX}`), (bytes) => this.#checkSpace(bytes));
  }

  /** Makes a written part an entry; resolves when it is on stable storage, after which `entry` is emitted. */
  async seal(part: SpoolPart, instance: SealedInstance, evidence: SealEvidence): Promise<SpoolEntry> {
    this.#lastMs = Math.max(Date.now(), this.#lastMs);
    const name: SpoolName = { ...instance, ...evidence, id: newId(), receivedAtMs: this.#lastMs };
    const path = join(this.dir, encodeSpoolName(name));
    const sha256 = await part.seal(path, () => this.#folder.sync());
    const receivedAt = new Date(name.receivedAtMs).toISOString();
    const entry: SpoolEntry = { ...instance, sha256, id: name.id, path, receivedAt };
    this.#add(entry);
    return entry;
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
    if (this.#freeBytes() < this.#minFreeBytes) throw new LifeboatError('SPOOL_FULL');
  }

  async #recover(): Promise<RecoveryReport> {
    const report: RecoveryReport = { recovered: 0, bytes: 0, unfinishedRemoved: 0, damaged: [], unread: 0 };
    // Synchronous, so that it cannot meet files of receptions that start while old entries are still being verified.
    const names = readdirSync(this.dir);
    for (const part of names.filter((n) => n.endsWith(PART_SUFFIX))) {
      unlinkSync(join(this.dir, part));
      report.unfinishedRemoved++;
    }
    const found = names.filter((n) => n.endsWith(ENTRY_SUFFIX)).sort();
    await this.#folder.sync();
    this.#unread = new UnreadRetry(
      (fileName) => this.#recoverOne(fileName, report),
      (error) => this.events.emit('unread', error),
      this.#unreadRetryMs,
    );
    await this.#unread.readAll(found);
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
      const { size, dataSetSha256, source } = name;
      const receivedAt = new Date(name.receivedAtMs).toISOString();
      report.damaged.push(
        await this.#damage(path, name.id, verdict.reason, { size, dataSetSha256, receivedAt, source }),
      );
      return;
    }
    report.recovered++;
    report.bytes += name.size;
    this.#add(verdict.entry);
  }
}

let sequence = 0;
const processId = randomBytes(6).readUIntBE(0, 6).toString(36).padStart(10, '0');

/** [a-z0-9], unique over processes and restarts. */
function newId(): string {
  sequence++;
  return `${processId}${sequence.toString(36)}`;
}
