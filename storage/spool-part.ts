import { createHash, type Hash } from 'node:crypto';
import { close, closeSync, fdatasync, fsync, openSync, renameSync, unlinkSync, write } from 'node:fs';
import { LifeboatError } from '../contract/errors.ts';
import { spoolError } from './disk-error.ts';

const BLOCK_BYTES = 256 * 1024;
const FREE_BLOCKS_KEPT = 32;
const WRITE_OUT_BYTES = 32 * 1024 * 1024;
const freeBlocks: Buffer[] = [];

/** Written blocks that wait for their hash, in one file and in all together. */
const MAX_UNHASHED_BLOCKS = 4;
const MAX_UNHASHED_BLOCKS_OF_ALL = 64;
let unhashedOfAll = 0;

function takeBlock(): Buffer {
  return freeBlocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

function giveBlock(block: Buffer): void {
  if (freeBlocks.length < FREE_BLOCKS_KEPT) freeBlocks.push(block);
}

/**
 * One file growing in the spool. Bytes are gathered in blocks that worker threads write while the next block fills: the
 * event loop never waits for the disk, and two blocks are in memory. The SHA-256 of the file is taken from the written blocks;
 * for a small file not before `seal`, while the disk is busy with fsync, so that it costs the sender no time.
 */
export class SpoolPart {
  readonly path: string;
  readonly #fd: number;
  /** Called before the first block and now and then; throws SPOOL_FULL. */
  readonly #checkSpace: (bytes: number) => void;
  #block: Buffer | null = null;
  #filled = 0;
  #inFlight: Promise<void> | null = null;
  #position = 0;
  #failure: Error | null = null;
  #finalPath: string | null = null;
  #state: 'open' | 'sealing' | 'closed' = 'open';
  #dropped = false;
  #writtenOut = 0;
  #writingOut: Promise<void> | null = null;
  readonly #hash: Hash = createHash('sha256');
  #unhashed: { block: Buffer; length: number }[] = [];

  /** Throws SPOOL_FULL or SPOOL_UNWRITABLE. */
  constructor(path: string, checkSpace: (bytes: number) => void) {
    this.path = path;
    this.#checkSpace = checkSpace;
    try {
      this.#fd = openSync(path, 'wx', 0o640);
    } catch (error) {
      throw spoolError(error);
    }
  }

  /** Copies `chunk`. A promise means that both blocks are full: wait for it. Throws SPOOL_FULL or SPOOL_UNWRITABLE. */
  write(chunk: Uint8Array): void | Promise<void> {
    this.#mustBeOpen();
    const taken = this.#fill(chunk, 0);
    if (taken < chunk.length) return this.#writeRest(chunk, taken);
  }

  async #writeRest(chunk: Uint8Array, from: number): Promise<void> {
    let taken = from;
    while (taken < chunk.length) {
      await this.#inFlight;
      this.#mustBeOpen();
      taken += this.#fill(chunk, taken);
    }
  }

  /** Also after every wait: once dropped, the file descriptor may belong to another file. */
  #mustBeOpen(): void {
    if (this.#failure) throw spoolError(this.#failure);
    if (this.#dropped || this.#state !== 'open')
      throw new LifeboatError('SPOOL_UNWRITABLE', 'The reception was aborted.');
  }

  /** Copies as much as there is room for without waiting. */
  #fill(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.#block ??= takeBlock();
      if (this.#filled === BLOCK_BYTES) {
        if (this.#inFlight) break;
        this.#flush();
        continue;
      }
      const n = Math.min(BLOCK_BYTES - this.#filled, chunk.length - at);
      this.#block.set(at === 0 && n === chunk.length ? chunk : chunk.subarray(at, at + n), this.#filled);
      this.#filled += n;
      at += n;
    }
    if (this.#filled === BLOCK_BYTES && !this.#inFlight) this.#flush();
    return at - from;
  }

  #flush(): void {
    const block = this.#block;
    if (!block || this.#filled === 0) return;
    const length = this.#filled;
    this.#block = null;
    this.#filled = 0;
    this.#inFlight = this.#writeBlock(block, length);
  }

  async #writeBlock(block: Buffer, length: number): Promise<void> {
    try {
      this.#checkSpace(length);
      let done = 0;
      while (done < length) {
        done += await new Promise<number>((resolve, reject) =>
          write(this.#fd, block, done, length - done, this.#position + done, (error, n) =>
            error ? reject(error) : resolve(n),
          ),
        );
      }
      this.#position += length;
      this.#hashLater(block, length);
      await this.#writeOut();
    } catch (error) {
      this.#failure ??= error as Error;
      giveBlock(block);
    } finally {
      this.#inFlight = null;
    }
  }

  /** Large files go to the disk as they come, so that neither their own end nor a neighbour's fsync waits for gigabytes. */
  async #writeOut(): Promise<void> {
    if (this.#position - this.#writtenOut < WRITE_OUT_BYTES) return;
    await this.#writingOut;
    this.#writtenOut = this.#position;
    this.#writingOut = new Promise((resolve) =>
      fdatasync(this.#fd, (error) => {
        if (error) this.#failure ??= error;
        resolve();
      }),
    );
  }

  #hashLater(block: Buffer, length: number): void {
    this.#unhashed.push({ block, length });
    unhashedOfAll++;
    if (this.#unhashed.length > MAX_UNHASHED_BLOCKS || unhashedOfAll > MAX_UNHASHED_BLOCKS_OF_ALL) this.#hashNow(1);
    if (this.#position > MAX_UNHASHED_BLOCKS * BLOCK_BYTES) this.#hashNow(this.#unhashed.length);
  }

  #hashNow(blocks: number): void {
    for (const { block, length } of this.#unhashed.splice(0, blocks)) {
      this.#hash.update(length === block.length ? block : block.subarray(0, length));
      giveBlock(block);
      unhashedOfAll--;
    }
  }

  /**
   * Writes what is left, gives the file its final name and resolves with the file's SHA-256 (lower-case hex) when file and name
   * are on stable storage. Throws SPOOL_FULL or SPOOL_UNWRITABLE; the file is gone then.
   */
  async seal(finalPath: string, syncFolder: () => Promise<void>): Promise<string> {
    this.#mustBeOpen();
    this.#state = 'sealing';
    try {
      while (this.#inFlight) await this.#inFlight;
      this.#flush();
      while (this.#inFlight) await this.#inFlight;
      await this.#writingOut;
      if (this.#failure) throw this.#failure;
      renameSync(this.path, finalPath);
      this.#finalPath = finalPath;
      const synced = Promise.allSettled([this.#fsync(), syncFolder()]);
      this.#hashNow(this.#unhashed.length);
      for (const result of await synced) if (result.status === 'rejected') throw result.reason;
      this.#state = 'closed';
      // The bytes are safe; an error of close has nothing left to lose.
      close(this.#fd, () => undefined);
      return this.#hash.digest('hex');
    } catch (error) {
      await this.#settle();
      this.#remove();
      throw spoolError(error);
    }
  }

  #fsync(): Promise<void> {
    return new Promise((resolve, reject) => fsync(this.#fd, (error) => (error ? reject(error) : resolve())));
  }

  /** Drops the file; harmless after `seal` and when called twice. */
  abort(): void {
    if (this.#state !== 'open' || this.#dropped) return;
    this.#dropped = true;
    void this.#settle().then(() => this.#remove());
  }

  /** Resolves when no worker thread uses the file descriptor any more. */
  async #settle(): Promise<void> {
    while (this.#inFlight) await this.#inFlight;
    await this.#writingOut;
  }

  #remove(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#block) giveBlock(this.#block);
    this.#block = null;
    for (const { block } of this.#unhashed.splice(0)) {
      giveBlock(block);
      unhashedOfAll--;
    }
    for (const step of [() => closeSync(this.#fd), () => unlinkSync(this.#finalPath ?? this.path)]) {
      try {
        step();
      } catch {
        // An unreachable disk: the next start removes the unfinished part.
      }
    }
  }
}
