import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

/** Read at once from one run, and from all together: a million studies make some hundred runs. */
const READ_BYTES = 64 << 10;
const READ_BYTES_TOGETHER = 4 << 20;
const LEAST_READ_BYTES = 4 << 10;
const WRITE_CHARS = 1 << 20;

/** Sorted lines in a file, one after another. */
class RunReader {
  readonly #fd: number;
  readonly #decoder = new StringDecoder('utf8');
  readonly #buffer: Buffer;
  #lines: string[] = [];
  #at = 0;
  #rest = '';
  line: string | undefined;

  constructor(path: string, bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.#fd = openSync(path, 'r');
    this.next();
  }

  next(): void {
    while (this.#at >= this.#lines.length) {
      const read = readSync(this.#fd, this.#buffer);
      if (read === 0) {
        this.line = undefined;
        return;
      }
      this.#lines = (this.#rest + this.#decoder.write(this.#buffer.subarray(0, read))).split('\n');
      this.#rest = this.#lines.pop()!;
      this.#at = 0;
    }
    this.line = this.#lines[this.#at++];
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Writes lines, which are sorted already, to a file. */
export function writeRun(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  const fd = openSync(path, 'w', 0o600);
  try {
    let piece: string[] = [];
    let length = 0;
    const flush = () => {
      if (piece.length > 0) writeSync(fd, `${piece.join('\n')}\n`);
      piece = [];
      length = 0;
    };
    for (const line of lines) {
      piece.push(line);
      length += line.length;
      if (length >= WRITE_CHARS) flush();
    }
    flush();
  } finally {
    closeSync(fd);
  }
  return path;
}

/** All lines of the runs in order. */
export function* mergeRuns(paths: readonly string[]): Generator<string> {
  const share = Math.max(LEAST_READ_BYTES, Math.min(READ_BYTES, Math.floor(READ_BYTES_TOGETHER / paths.length)));
  const readers = paths.map((path) => new RunReader(path, share));
  try {
    const heap = readers.filter(({ line }) => line !== undefined);
    const sift = (from: number) => {
      for (let at = from; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2])
          if (child < heap.length && heap[child]!.line! < heap[least]!.line!) least = child;
        if (least === at) return;
        [heap[at], heap[least]] = [heap[least]!, heap[at]!];
        at = least;
      }
    };
    for (let at = heap.length >> 1; at >= 0; at--) sift(at);
    while (heap.length > 0) {
      const top = heap[0]!;
      yield top.line!;
      top.next();
      if (top.line === undefined) {
        const last = heap.pop()!;
        if (heap.length > 0) heap[0] = last;
      }
      sift(0);
    }
  } finally {
    for (const reader of readers) reader.close();
  }
}
