import { LifeboatError } from '../contract/errors.ts';
import { ALIGNED_BLOCK_BYTES, giveAlignedBlock, takeAlignedBlock } from './aligned-blocks.ts';
import { spoolError } from './disk-error.ts';
import type { LogRecord, Segment, SpoolLog } from './spool-log.ts';
import { PAGE_BYTES, pageAlign, SEGMENT_BYTES, writeRecordPage } from './spool-log-format.ts';

/** Larger instances get a file of their own: for them the time goes into their bytes, not into the flush. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;
const MAX_BLOCKS_IN_FLIGHT = 3;

/** One instance growing in the log. Blocks are written past the event loop while the next one fills. */
export class SpoolLogPart {
  readonly #log: SpoolLog;
  readonly #segment: Segment;
  readonly #start: number;
  #size = 0;
  #block: Buffer | null = null;
  #filled = 0;
  #flushed = 0;
  readonly #inFlight: Promise<void>[] = [];
  #failure: Error | null = null;
  #state: 'open' | 'closing' | 'closed' = 'open';

  constructor(log: SpoolLog, segment: Segment) {
    this.#log = log;
    this.#segment = segment;
    this.#start = segment.tail;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether so many bytes more have room here. */
  fits(bytes: number): boolean {
    const end = this.#start + pageAlign(this.#size + bytes) + PAGE_BYTES;
    return this.#size + bytes <= MAX_RECORD_BYTES && end <= SEGMENT_BYTES;
  }

  /** Copies `chunk`, which must fit. A promise means that the disk is behind: wait for it. Throws SPOOL_UNWRITABLE. */
  write(chunk: Uint8Array): void | Promise<void> {
    this.#mustBeOpen();
    let at = 0;
    while (at < chunk.length) {
      if (!this.#block && this.#inFlight.length >= MAX_BLOCKS_IN_FLIGHT) return this.#writeLater(chunk.subarray(at));
      this.#block ??= takeAlignedBlock();
      const n = Math.min(ALIGNED_BLOCK_BYTES - this.#filled, chunk.length - at);
      this.#block.set(at === 0 && n === chunk.length ? chunk : chunk.subarray(at, at + n), this.#filled);
      this.#filled += n;
      this.#size += n;
      at += n;
      if (this.#filled === ALIGNED_BLOCK_BYTES) this.#flush(this.#filled);
    }
  }

  async #writeLater(chunk: Uint8Array): Promise<void> {
    await this.#inFlight[0];
    await this.write(chunk);
  }

  #mustBeOpen(): void {
    if (this.#failure) throw spoolError(this.#failure);
    if (this.#state !== 'open') throw new LifeboatError('SPOOL_UNWRITABLE', 'The reception was aborted.');
  }

  #flush(length: number): void {
    const block = this.#block!;
    this.#block = null;
    this.#filled = 0;
    const position = this.#position(this.#flushed);
    this.#flushed += length;
    this.#track(this.#log.file.write(block, length, position).finally(() => giveAlignedBlock(block)));
  }

  #track(writing: Promise<void>): void {
    const tracked = writing
      .catch((error: Error) => {
        this.#failure ??= error;
      })
      .then(() => {
        this.#inFlight.splice(this.#inFlight.indexOf(tracked), 1);
      });
    this.#inFlight.push(tracked);
  }

  #position(offset: number): number {
    return this.#segment.index * SEGMENT_BYTES + this.#start + offset;
  }

  async #settle(): Promise<void> {
    while (this.#inFlight.length > 0) await this.#inFlight[0];
  }

  /**
   * Writes what is left and, when all else is written, the page that makes it a record; resolves when all is on stable
   * storage. Throws SPOOL_FULL or SPOOL_UNWRITABLE.
   */
  async seal(name: string): Promise<LogRecord> {
    this.#mustBeOpen();
    this.#state = 'closing';
    try {
      if (this.#start === PAGE_BYTES) this.#beginSegment();
      const size = this.#size;
      const used = pageAlign(this.#filled);
      this.#block ??= takeAlignedBlock();
      this.#block.fill(0, this.#filled, used);
      if (used + PAGE_BYTES > ALIGNED_BLOCK_BYTES) {
        this.#flush(used);
        this.#block = takeAlignedBlock();
      }
      const pageAt = pageAlign(size) - this.#flushed;
      const page = this.#block.subarray(pageAt, pageAt + PAGE_BYTES);
      writeRecordPage(page, this.#segment.generation!, { start: this.#start, size, name });
      await this.#settle();
      if (this.#failure) throw this.#failure;
      this.#flush(pageAt + PAGE_BYTES);
      await this.#settle();
      if (this.#failure) throw this.#failure;
      await this.#log.file.sync();
      this.#state = 'closed';
      return this.#log.sealed(this.#segment, this.#start, size, name);
    } catch (error) {
      await this.#close();
      throw spoolError(error);
    }
  }

  #beginSegment(): void {
    const block = takeAlignedBlock();
    this.#log.segmentPage(this.#segment, block);
    const position = this.#segment.index * SEGMENT_BYTES;
    this.#track(this.#log.file.write(block, PAGE_BYTES, position).finally(() => giveAlignedBlock(block)));
  }

  /** Gives everything written so far to `target`, in order, and drops it here. */
  async moveTo(target: { write(chunk: Uint8Array): void | Promise<void> }): Promise<void> {
    this.#mustBeOpen();
    this.#state = 'closing';
    try {
      await this.#settle();
      if (this.#failure) throw spoolError(this.#failure);
      const block = takeAlignedBlock();
      try {
        for (let at = 0; at < this.#flushed; at += block.length) {
          const length = Math.min(block.length, this.#flushed - at);
          await this.#log.file.read(block, length, this.#position(at));
          await target.write(block.subarray(0, length));
        }
      } finally {
        giveAlignedBlock(block);
      }
      if (this.#block && this.#filled > 0) await target.write(this.#block.subarray(0, this.#filled));
    } catch (error) {
      throw spoolError(error);
    } finally {
      await this.#close();
    }
  }

  /** Drops what was written; harmless when called twice and after `seal`. */
  abort(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    void this.#close();
  }

  /** The segment is free for others only when no write of ours can come late. */
  async #close(): Promise<void> {
    await this.#settle();
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#block) giveAlignedBlock(this.#block);
    this.#block = null;
    this.#log.dropped(this.#segment);
  }
}
