import { type FileHandle, open } from 'node:fs/promises';
import { LifeboatError } from '../../contract/errors.ts';
import type { AcknowledgedInstance, Archive } from '../../storage/archive-types.ts';
import { DescribeThread } from '../../storage/describe-thread.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ByteRange } from '../../storage/object-store.ts';
import type { ReadableStore } from '../forward/outgoing.ts';

/** Headers kept in memory: a backlog is asked for again and again while the store is away. */
const MOST_DESCRIBED = 20_000;
/** Attributes that no query asks for and that may be long: functional groups. */
const TOO_LONG = new Set(['52009229', '52009230']);

/**
 * Instances that are acknowledged and not in the store yet: whoever queries must find them, also while the store is away for
 * hours. Their UIDs are known; headers are read when a query needs them, in a thread of its own.
 */
export class Spooled {
  readonly #archive: Pick<Archive, 'acknowledged' | 'unpack' | 'spool'>;
  readonly #described = new Map<string, Promise<InstanceEntry>>();
  #thread: DescribeThread | undefined;

  constructor(archive: Pick<Archive, 'acknowledged' | 'unpack' | 'spool'>) {
    this.#archive = archive;
  }

  /** Those that `wanted` says. */
  list(wanted: (one: AcknowledgedInstance) => boolean = () => true): AcknowledgedInstance[] {
    if (this.#archive.spool().entries === 0) return [];
    return [...this.#archive.acknowledged()].filter(wanted);
  }

  /** With the attributes that search needs; without those whose file went to the store meanwhile. */
  async describe(list: readonly AcknowledgedInstance[]): Promise<InstanceEntry[]> {
    if (list.length === 0) return [];
    await this.#archive.unpack();
    if (this.#described.size > MOST_DESCRIBED) this.#described.clear();
    const entries = await Promise.all(list.map((one) => this.#entry(one)));
    return entries.filter(({ attributes }) => Object.keys(attributes).length > 4);
  }

  #entry(one: AcknowledgedInstance): Promise<InstanceEntry> {
    let entry = this.#described.get(one.id);
    if (!entry) {
      this.#thread ??= new DescribeThread();
      entry = this.#thread.describe([{ ...one, sha256: '' }]).then(([described]) => slim(described!.entry));
      entry.catch(() => this.#described.delete(one.id));
      this.#described.set(one.id, entry);
    }
    return entry;
  }

  /** Makes sure that `SpoolFirst` finds files. */
  unpack(): Promise<void> {
    return this.#archive.unpack();
  }

  async close(): Promise<void> {
    await this.#thread?.close();
  }
}

function slim({ pixelData: _, ...entry }: InstanceEntry): InstanceEntry {
  const attributes = Object.entries(entry.attributes).filter(([tag]) => !TOO_LONG.has(tag));
  return { ...entry, attributes: Object.fromEntries(attributes) };
}

/** Under which `SpoolFirst` reads it. */
export const keyInSpool = ({ id }: AcknowledgedInstance): string => `spool/${id}`;

/** As the store will have it, but for its key; nothing but the UIDs is known of what it shows. */
export function entryOf(one: AcknowledgedInstance): InstanceEntry {
  const { id: _, path: __, identity: ___, notes: ____, ...known } = one;
  return { ...known, sha256: '', key: keyInSpool(one), attributes: {} };
}

/** Reads instances of the spool from there, and from the store once they are there; everything else from the store. */
export class SpoolFirst implements ReadableStore {
  readonly #store: ReadableStore;
  readonly #archive: Pick<Archive, 'entries'>;
  readonly #waiting: ReadonlyMap<string, AcknowledgedInstance>;

  /** @param waiting by `keyInSpool` */
  constructor(
    store: ReadableStore,
    archive: Pick<Archive, 'entries'>,
    waiting: ReadonlyMap<string, AcknowledgedInstance>,
  ) {
    this.#store = store;
    this.#archive = archive;
    this.#waiting = waiting;
  }

  async get(key: string, range?: ByteRange): Promise<Buffer> {
    const { handle, stored } = await this.#find(key);
    if (!handle) return this.#store.get(stored, range);
    try {
      const { start = 0, end = (await handle.stat()).size } = range ?? {};
      const bytes = Buffer.allocUnsafe(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  async stream(key: string, range?: ByteRange): ReturnType<ReadableStore['stream']> {
    const { handle, stored } = await this.#find(key);
    if (!handle) return this.#store.stream(stored, range);
    const { start = 0, end = (await handle.stat()).size } = range ?? {};
    return { body: handle.createReadStream({ start, end: end - 1 }), size: end - start };
  }

  /** The open file of the spool, or where the store has it. */
  async #find(key: string): Promise<{ handle?: FileHandle; stored: string }> {
    const one = this.#waiting.get(key);
    if (!one) return { stored: key };
    try {
      return { handle: await open(one.path, 'r'), stored: key };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const entries = await this.#archive.entries(one.studyInstanceUID);
    const same = entries.find(
      ({ sopInstanceUID, dataSetSha256 }) =>
        sopInstanceUID === one.sopInstanceUID && dataSetSha256 === one.dataSetSha256,
    );
    if (!same) throw new LifeboatError('OBJECT_NOT_FOUND');
    // The file meta information before the data set is the same bytes in the spool and in the store.
    return { stored: same.key };
  }
}
