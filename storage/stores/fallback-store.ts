import type { Readable } from 'node:stream';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from '../object-store.ts';

export interface FallbackOptions {
  /** Opened at the first need, and again when that failed. */
  openReplica(): Promise<ObjectStore>;
  /** Keys of which the first store is known to hold wrong bytes: they are read from the replica straight away. */
  isDamaged?(key: string): boolean;
  /** True while the first store is known to be away: nobody waits for its retries. */
  isAway?(): boolean;
  /** Something was read from the replica, for this reason. */
  onFallback?(key: string, reason: FallbackReason): void;
}

export type FallbackReason = LifeboatError | 'damaged' | 'away';

/**
 * The first store for reading, with a replica behind it: where the first says 404, cannot give the bytes that were asked for, or
 * does not answer, the replica is asked. Where the replica cannot help either, the first store's own answer stands. Writes go to
 * the first store alone.
 */
export class FallbackStore implements ObjectStore {
  readonly description: string;
  readonly #first: ObjectStore;
  readonly #options: FallbackOptions;
  #replica: Promise<ObjectStore> | undefined;
  #opened: ObjectStore | undefined;

  constructor(first: ObjectStore, options: FallbackOptions) {
    this.#first = first;
    this.#options = options;
    this.description = first.description;
  }

  get warning(): string | undefined {
    return this.#first.warning;
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return this.#first.put(key, body);
  }

  putFile(key: string, path: string, size: number): Promise<void> {
    return this.#first.putFile(key, path, size);
  }

  get(key: string, range?: ByteRange): Promise<Buffer> {
    return this.#read(
      key,
      async (store) => {
        const bytes = await store.get(key, range);
        if (range?.end !== undefined && bytes.length < range.end - range.start) throw new ShortError();
        return bytes;
      },
      () => this.#first.get(key, range),
    );
  }

  stream(key: string, range?: ByteRange): Promise<{ body: Readable; size: number }> {
    return this.#read(
      key,
      async (store) => {
        const answer = await store.stream(key, range);
        if (range?.end === undefined || answer.size >= range.end - range.start) return answer;
        answer.body.on('error', () => undefined).destroy();
        throw new ShortError();
      },
      () => this.#first.stream(key, range),
    );
  }

  async head(key: string): Promise<ObjectInfo | null> {
    return this.#read(key, async (store) => {
      const found = await store.head(key);
      if (!found) throw new AbsentError();
      return found;
    }).catch((error: unknown) => {
      if (error instanceof AbsentError) return null;
      throw error;
    });
  }

  /** The first store's list; the replica's where that does not come or breaks off. */
  async *list(prefix: string, after = ''): AsyncIterable<ObjectInfo> {
    let last = after;
    let reason: FallbackReason = 'away';
    if (!this.#options.isAway?.()) {
      try {
        for await (const info of this.#first.list(prefix, after)) {
          last = info.key;
          yield info;
        }
        return;
      } catch (error) {
        if (!helps(error)) throw error;
        reason = reasonOf(error);
      }
    }
    const replica = await this.#openReplica().catch(() => null);
    if (replica) this.#options.onFallback?.(prefix, reason);
    yield* (replica ?? this.#first).list(prefix, last);
  }

  delete(key: string): Promise<void> {
    return this.#first.delete(key);
  }

  /** null where the first store cannot give it at present: whoever asked serves it from here. */
  presign(key: string, expiresAtMs: number): Promise<string> | null {
    const { isAway, isDamaged } = this.#options;
    return isAway?.() || isDamaged?.(key) ? null : this.#first.presign(key, expiresAtMs);
  }

  ping(): Promise<void> {
    return this.#first.ping();
  }

  renew(): void {
    this.#first.renew?.();
  }

  /** The first store stays open: it belongs to whoever made this. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }

  async #read<T>(key: string, read: (store: ObjectStore) => Promise<T>, plain?: () => Promise<T>): Promise<T> {
    const { isAway, isDamaged } = this.#options;
    const known = isAway?.() ? 'away' : isDamaged?.(key) ? 'damaged' : undefined;
    if (known) {
      const helped = await this.#readReplica(key, read, known);
      if (helped) return helped.value;
      return plain ? plain() : read(this.#first);
    }
    try {
      return await read(this.#first);
    } catch (error) {
      if (!helps(error)) throw error;
      const helped = await this.#readReplica(key, read, reasonOf(error));
      if (helped) return helped.value;
      if (error instanceof ShortError && plain) return plain();
      throw error;
    }
  }

  /** null when the replica cannot help either: what the first store says then stands. */
  async #readReplica<T>(
    key: string,
    read: (store: ObjectStore) => Promise<T>,
    reason: FallbackReason,
  ): Promise<{ value: T } | null> {
    try {
      const value = await read(await this.#openReplica());
      this.#options.onFallback?.(key, reason);
      return { value };
    } catch {
      return null;
    }
  }

  async #openReplica(): Promise<ObjectStore> {
    this.#replica ??= this.#options.openReplica().catch((error: unknown) => {
      this.#replica = undefined;
      throw error;
    });
    this.#opened = await this.#replica;
    return this.#opened;
  }
}

class ShortError extends Error {}
class AbsentError extends Error {}

function reasonOf(error: unknown): FallbackReason {
  if (error instanceof ShortError) return 'damaged';
  return error instanceof AbsentError ? new LifeboatError('OBJECT_NOT_FOUND') : asLifeboatError(error);
}

function helps(error: unknown): boolean {
  if (error instanceof AbsentError || error instanceof ShortError) return true;
  return ['OBJECT_NOT_FOUND', 'STORE_UNAVAILABLE', 'OBJECT_DAMAGED', 'RANGE_NOT_SATISFIABLE'].includes(
    asLifeboatError(error).code,
  );
}
