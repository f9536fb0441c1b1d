import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/** A deflated data set is inflated no further than this. */
const MAX_INFLATED_BYTES = 256 * 1024 * 1024;

/**
 * A deflated object read as if its data set were inflated in place (offsets in metadata count in this). Only what is asked for
 * is held; reading forward goes on where the last read ended, reading back begins anew.
 */
export class InflatedBytes {
  readonly #store: ObjectStore;
  readonly #entry: InstanceEntry;
  #source: Readable | null = null;
  #pieces: AsyncIterator<Buffer> | null = null;
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(store: ObjectStore, entry: InstanceEntry) {
    this.#store = store;
    this.#entry = entry;
  }

  /** Bytes `start` to before `end`; NOT_FOUND beyond the end, DATASET_BOMB when more comes out than any data set has. */
  async read(start: number, end: number): Promise<Buffer> {
    if (start < this.#entry.dataSetOffset) throw outside();
    if (!this.#pieces || start < this.#position) await this.#begin();
    const wanted = Buffer.allocUnsafe(end - start);
    let filled = 0;
    while (filled < wanted.length) {
      if (this.#rest.length === 0 && !(await this.#next())) throw outside();
      const skipped = Math.min(Math.max(start - this.#position, 0), this.#rest.length);
      const taken = this.#rest.subarray(skipped, skipped + wanted.length - filled);
      taken.copy(wanted, filled);
      filled += taken.length;
      this.#position += skipped + taken.length;
      this.#rest = this.#rest.subarray(skipped + taken.length);
    }
    return wanted;
  }

  /** Size of the object with its data set inflated; reads it to the end. */
  async size(): Promise<number> {
    await this.#begin();
    do {
      this.#position += this.#rest.length;
      this.#rest = this.#rest.subarray(this.#rest.length);
    } while (await this.#next());
    return this.#position;
  }

  close(): void {
    this.#source?.destroy();
    this.#source = null;
    this.#pieces = null;
  }

  async #begin(): Promise<void> {
    this.close();
    const { body } = await this.#store.stream(this.#entry.key, { start: this.#entry.dataSetOffset });
    const inflate = createInflateRaw({ chunkSize: 256 * 1024 });
    // What goes wrong in the source is thrown where the inflated bytes are read.
    pipeline(body, inflate, () => undefined);
    this.#source = body;
    this.#pieces = inflate[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#position = this.#entry.dataSetOffset;
    this.#rest = Buffer.alloc(0);
  }

  async #next(): Promise<boolean> {
    try {
      const step = await this.#pieces!.next();
      if (step.done) return false;
      this.#rest = step.value;
    } catch (error) {
      if (!String((error as { code?: unknown }).code).startsWith('Z_')) throw asLifeboatError(error);
      throw new LifeboatError(
        'NOT_ACCEPTABLE',
        'The deflated data set of this object is damaged; ask for it with transfer-syntax=*.',
        { cause: error },
      );
    }
    if (this.#position + this.#rest.length - this.#entry.dataSetOffset > MAX_INFLATED_BYTES) {
      this.close();
      throw new LifeboatError('DATASET_BOMB');
    }
    return true;
  }
}

function outside(): LifeboatError {
  return new LifeboatError('NOT_FOUND', 'The bulk data lies outside the object.');
}
