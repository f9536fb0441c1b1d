import { join } from 'node:path';
import type { LifeboatError } from '../contract/errors.ts';
import { type LogRecord, type Segment, SpoolLog } from './spool-log.ts';
import type { SpoolLogPart } from './spool-log-part.ts';
import { decodeSpoolName, PART_SUFFIX, type SpoolName } from './spool-name.ts';
import type { DamagedReport, SpoolEntry } from './spool-types.ts';
import { unpackRecord } from './spool-unpack.ts';
import { type LoggedInstance, SpoolUnpacker } from './spool-unpacker.ts';

interface Logged extends LoggedInstance {
  name: SpoolName;
  instance: Omit<SpoolEntry, 'sha256'>;
}

export interface LoggedOptions {
  /** The spool's folder. */
  dir: string;
  /** Size that the log may grow to. */
  maxBytes: number;
  /** Whether the disk has room for so many bytes more. */
  mayGrow(bytes: number): boolean;
  newId(): string;
  syncFolder(): Promise<void>;
  /** An instance has its file: the file and its name are on stable storage. */
  onEntry(entry: SpoolEntry): void;
  /** A record is not what its name says; its bytes are at `path`. */
  onDamaged(path: string, name: SpoolName | null, reason: string): Promise<DamagedReport>;
  onProblem(error: LifeboatError): void;
}

const LOG_FILE = 'log';

/** The instances of the spool that are acknowledged out of its log and have no file of their own yet. */
export class LoggedInstances {
  readonly #options: LoggedOptions;
  readonly #log: SpoolLog;
  readonly #unpacker: SpoolUnpacker<Logged>;

  /** Throws what the disk throws. */
  constructor(options: LoggedOptions) {
    const { dir, maxBytes, mayGrow, syncFolder, onProblem } = options;
    this.#options = options;
    this.#log = new SpoolLog(join(dir, LOG_FILE), maxBytes, mayGrow);
    this.#unpacker = new SpoolUnpacker<Logged>({
      log: this.#log,
      syncFolder,
      onProblem,
      unpack: async ({ record, name, instance }) => {
        const result = await this.#unpack(record, name, instance.path);
        if ('reason' in result) {
          return async () => {
            await options.onDamaged(result.path, name, result.reason);
          };
        }
        return () => options.onEntry({ ...instance, sha256: result.sha256 });
      },
    });
  }

  /** null: there is no room now. */
  begin(): SpoolLogPart | null {
    return this.#log.begin();
  }

  add(record: LogRecord, name: SpoolName, instance: Omit<SpoolEntry, 'sha256'>): void {
    this.#unpacker.add({ record, name, instance, size: instance.size, receivedAt: instance.receivedAt });
  }

  /** In the order they came. */
  *instances(): Generator<Omit<SpoolEntry, 'sha256'>> {
    for (const { instance } of this.#unpacker.waiting()) yield instance;
  }

  status(): { entries: number; bytes: number; oldest: string | null } {
    return this.#unpacker.status();
  }

  /** Resolves when what is logged now has files, or they cannot be written. */
  flush(): Promise<void> {
    return this.#unpacker.flush();
  }

  /** Gives unused room back to a disk that is full; true when there was some. */
  giveBack(): boolean {
    return this.#log.giveBack();
  }

  /** Segments that an earlier run left. */
  found(): Segment[] {
    return this.#log.found();
  }

  /** Makes the files of a segment that an earlier run left, and empties it. Throws what the disk throws. */
  async replay(segment: Segment): Promise<{ fileNames: string[]; damaged: DamagedReport[] }> {
    const { dir, syncFolder, onDamaged } = this.#options;
    const records = await this.#log.recordsOf(segment);
    const fileNames: string[] = [];
    const torn: (() => Promise<DamagedReport>)[] = [];
    for (const record of records) {
      const name = decodeSpoolName(record.name);
      const result = await this.#unpack(record, name, join(dir, record.name));
      if ('reason' in result) torn.push(() => onDamaged(result.path, name, result.reason));
      else fileNames.push(record.name);
    }
    await syncFolder();
    const damaged: DamagedReport[] = [];
    for (const report of torn) damaged.push(await report());
    await this.#log.forget(records);
    return { fileNames, damaged };
  }

  async #unpack(record: LogRecord, name: SpoolName | null, path: string) {
    const partPath = join(this.#options.dir, `${this.#options.newId()}${PART_SUFFIX}`);
    const result = await unpackRecord(this.#log, record, name, partPath, path);
    return { path: partPath, ...result };
  }

  async close(): Promise<void> {
    await this.#unpacker.close();
    await this.#log.close();
  }
}
