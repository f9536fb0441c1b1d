/**
 * Reading an object piece by piece, so that one parser serves memory, files and remote stores. Runs in the browser too.
 */

/** Random access to an object. `read` may return fewer bytes only at the end of the object. */
export interface RandomAccess {
  /** Bytes of the whole object. */
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The same without promises, for worker threads and memory. */
export interface SyncRandomAccess {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** An object that lies in memory. */
export function inMemory(bytes: Uint8Array): SyncRandomAccess {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** What a window reads from: `needed` of the `length` bytes asked for will do. */
export interface WindowSource {
  readonly size: number;
  read(offset: number, length: number, needed: number): Uint8Array;
}

/** Thrown by a window over chunks when the bytes asked for were not loaded yet; never leaves storage/format. */
export class MissingBytes extends Error {
  readonly offset: number;
  readonly length: number;
  constructor(offset: number, length: number) {
    super('bytes not loaded yet');
    this.offset = offset;
    this.length = length;
  }
}

/** Chunks loaded so far, as a synchronous source that throws `MissingBytes`. */
export class LoadedChunks implements WindowSource {
  readonly size: number;
  private readonly chunks: { offset: number; bytes: Uint8Array }[] = [];
  constructor(size: number) {
    this.size = size;
  }
  add(offset: number, bytes: Uint8Array): void {
    this.chunks.push({ offset, bytes });
  }
  read(offset: number, _length: number, needed: number): Uint8Array {
    let best: Uint8Array | undefined;
    for (let i = this.chunks.length - 1; i >= 0; i--) {
      const chunk = this.chunks[i]!;
      if (offset < chunk.offset || offset >= chunk.offset + chunk.bytes.length) continue;
      const bytes = chunk.bytes.subarray(offset - chunk.offset);
      if (!best || bytes.length > best.length) best = bytes;
    }
    if (best && best.length >= needed) return best;
    throw new MissingBytes(offset, needed);
  }
}

const READ_AHEAD = 32 * 1024;
const MAX_READ_AHEAD = 1024 * 1024;

/** A view of the source that moves along with the parser. */
export class ByteWindow {
  readonly size: number;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Offset in the object of the first byte of `bytes`. */
  start = 0;
  private readonly source: WindowSource;
  private readAhead = READ_AHEAD;

  constructor(source: WindowSource) {
    this.source = source;
    this.size = source.size;
  }

  /**
   * Makes `length` bytes from `offset` readable and returns their index in `bytes` and `view`; -1 when the object ends
   * before.
   */
  at(offset: number, length: number): number {
    const index = offset - this.start;
    if (index >= 0 && index + length <= this.bytes.length) return index;
    if (offset + length > this.size) return -1;
    const chunk = this.source.read(offset, Math.max(length, Math.min(this.readAhead, this.size - offset)), length);
    if (chunk.length < length) return -1;
    this.readAhead = Math.min(this.readAhead * 2, MAX_READ_AHEAD);
    this.bytes = chunk;
    this.view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    this.start = offset;
    return 0;
  }

  /** Bytes of a value, or undefined when the object ends before. The array may be reused by the source: copy to keep. */
  slice(offset: number, length: number): Uint8Array | undefined {
    const index = this.at(offset, length);
    return index < 0 ? undefined : this.bytes.subarray(index, index + length);
  }
}
