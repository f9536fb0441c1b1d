import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  write,
} from 'node:fs';
import { ALIGNED_BLOCK_BYTES, giveAlignedBlock, takeAlignedBlock } from './aligned-blocks.ts';
import { GroupSync } from './group-sync.ts';
import { SEGMENT_BYTES } from './spool-log-format.ts';

/**
 * The file under the spool's log. All of it is written once with zeros, so that writing into it later changes neither the
 * file system's maps nor the file's length: a flush is then the disk's own and no journal's. Where the file system allows,
 * the page cache is passed by (O_DIRECT), so that nothing is left for the flush to write.
 */
export class SpoolLogFile {
  readonly #fd: number;
  readonly #sync: GroupSync;
  #segments: number;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#sync = new GroupSync(fd, fdatasync);
    this.#segments = Math.floor(fstatSync(fd).size / SEGMENT_BYTES);
  }

  /** Throws what the disk throws. */
  static open(path: string): SpoolLogFile {
    const flags = constants.O_RDWR | constants.O_CREAT;
    try {
      return new SpoolLogFile(openSync(path, flags | (constants.O_DIRECT ?? 0), 0o640));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      return new SpoolLogFile(openSync(path, flags, 0o640));
    }
  }

  /** Whole segments in the file. */
  get segments(): number {
    return this.#segments;
  }

  /** @param block memory of an aligned block; @param length and @param position multiples of PAGE_BYTES */
  async write(block: Buffer, length: number, position: number): Promise<void> {
    let done = 0;
    while (done < length) {
      done += await new Promise<number>((resolve, reject) =>
        write(this.#fd, block, done, length - done, position + done, (error, n) =>
          error ? reject(error) : resolve(n),
        ),
      );
    }
  }

  /** Fills `block` from `position`, as `write` in its alignment; fewer bytes only at the end of the file. */
  async read(block: Buffer, length: number, position: number): Promise<number> {
    let done = 0;
    while (done < length) {
      const n = await new Promise<number>((resolve, reject) =>
        read(this.#fd, block, done, length - done, position + done, (error, got) =>
          error ? reject(error) : resolve(got),
        ),
      );
      if (n === 0) break;
      done += n;
    }
    return done;
  }

  readSync(block: Buffer, length: number, position: number): number {
    return readSync(this.#fd, block, 0, length, position);
  }

  /** Resolves when everything whose write has resolved is on stable storage; one flush serves all who wait. */
  sync(): Promise<void> {
    return this.#sync.sync();
  }

  /** Adds one segment of zeros; it counts when it is on stable storage. On failure the file is as long as before. */
  async grow(): Promise<void> {
    const begin = this.#segments * SEGMENT_BYTES;
    const block = takeAlignedBlock().fill(0);
    try {
      for (let at = begin; at < begin + SEGMENT_BYTES; at += ALIGNED_BLOCK_BYTES) {
        await this.write(block, ALIGNED_BLOCK_BYTES, at);
      }
      await new Promise<void>((resolve, reject) => fsync(this.#fd, (error) => (error ? reject(error) : resolve())));
      this.#segments++;
    } catch (error) {
      ftruncateSync(this.#fd, begin);
      throw error;
    } finally {
      giveAlignedBlock(block);
    }
  }

  /** Gives the room of all segments from `segments` on back to the file system. */
  shrink(segments: number): void {
    ftruncateSync(this.#fd, segments * SEGMENT_BYTES);
    this.#segments = segments;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
