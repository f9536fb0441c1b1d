import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BlockRef, PieceInfo, TableRoot } from '../format/lifeboat-index-head.ts';
import { type IndexRow, packRow, TABLES, type TableName, tableKey, tableValues } from '../format/lifeboat-index-row.ts';
import { mergeRuns, writeRun } from './sorted-runs.ts';

/** Characters of a block of rows before packing. */
const BLOCK_CHARS = 48 << 10;
/** A table with more blocks than this has lists of blocks in between. */
const INLINE_BLOCKS = 64;
const LISTED_BLOCKS = 256;
/** Characters kept in memory before they are sorted and put aside. */
const BUFFER_CHARS = 12 << 20;
const LEVEL = 5;
/** Of the length at a piece's end. */
export const TRAILER_DIGITS = 12;

/**
 * Makes one piece out of any number of rows, in any order, each study once. Memory stays the same however many there are: sorted
 * runs in a folder of its own, merged at the end. Works synchronously: for a thread of its own, or for few rows.
 */
export class PieceBuilder {
  readonly #folder: string;
  readonly #buffers = new Map<TableName, string[]>(TABLES.map((table) => [table, []]));
  readonly #runs = new Map<TableName, string[]>(TABLES.map((table) => [table, []]));
  readonly #bufferChars: number;
  #chars = 0;
  #spilled = 0;
  studies = 0;
  instances = 0;

  /** @param folder an empty one, which the caller makes and removes */
  constructor(folder: string, bufferChars = BUFFER_CHARS) {
    this.#folder = folder;
    this.#bufferChars = bufferChars;
  }

  add(row: IndexRow): void {
    const packed = packRow(row);
    for (const table of TABLES) {
      const buffer = this.#buffers.get(table)!;
      for (const value of tableValues(table, row)) {
        const line = `${tableKey(table, value, row)}\t${packed}`;
        buffer.push(line);
        this.#chars += line.length;
      }
    }
    this.studies++;
    this.instances += row.instances;
    if (this.#chars >= this.#bufferChars) this.#spill();
  }

  /** Writes the piece to a file. */
  finish(path: string): Pick<PieceInfo, 'studies' | 'instances' | 'size' | 'tables'> {
    const out = new PieceFile(path);
    try {
      const tables: Partial<Record<TableName, TableRoot>> = {};
      if (this.#spilled > 0) this.#spill();
      for (const table of TABLES) {
        const runs = this.#runs.get(table)!;
        tables[table] = out.writeTable(runs.length > 0 ? mergeRuns(runs) : this.#buffers.get(table)!.sort());
        for (const run of runs) rmSync(run);
      }
      const { studies, instances } = this;
      const made = { studies, instances, tables: tables as Record<TableName, TableRoot> };
      out.writeTrailer(JSON.stringify(made));
      return { ...made, size: out.size };
    } finally {
      out.close();
    }
  }

  #spill(): void {
    for (const [table, lines] of this.#buffers) {
      if (lines.length === 0) continue;
      this.#runs.get(table)!.push(writeRun(this.#folder, `${table}-${this.#spilled}`, lines.sort()));
      this.#buffers.set(table, []);
    }
    this.#spilled++;
    this.#chars = 0;
  }
}

class PieceFile {
  readonly #fd: number;
  size = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o600);
  }

  writeTable(lines: Iterable<string>): TableRoot {
    const blocks: BlockRef[] = [];
    let block: string[] = [];
    let chars = 0;
    let lastKey = '';
    const flush = () => {
      if (block.length === 0) return;
      const first = blocks.length === 0 ? '' : ownCopy(separator(lastKey, keyOf(block[0]!)));
      lastKey = keyOf(block.at(-1)!);
      blocks.push([first, ...this.#write(block)]);
      block = [];
      chars = 0;
    };
    for (const line of lines) {
      block.push(line);
      chars += line.length;
      if (chars >= BLOCK_CHARS) flush();
    }
    flush();
    if (blocks.length <= INLINE_BLOCKS) return { levels: 1, blocks };
    const lists: BlockRef[] = [];
    for (let at = 0; at < blocks.length; at += LISTED_BLOCKS) {
      const part = blocks.slice(at, at + LISTED_BLOCKS);
      lists.push([part[0]![0], ...this.#write(part.map((ref) => JSON.stringify(ref)))]);
    }
    return { levels: 2, blocks: lists };
  }

  /** What heads say of the piece, for whoever has none: the text, then its length in bytes as twelve digits. */
  writeTrailer(text: string): void {
    this.#append(Buffer.from(text + String(Buffer.byteLength(text)).padStart(TRAILER_DIGITS, '0')));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(lines: string[]): [offset: number, length: number] {
    const packed = gzipSync(`${lines.join('\n')}\n`, { level: LEVEL });
    return [this.#append(packed), packed.length];
  }

  #append(bytes: Uint8Array): number {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    const offset = this.size;
    this.size += bytes.length;
    return offset;
  }
}

/** Key of a line: up to its third tab. */
function keyOf(line: string): string {
  let at = -1;
  for (let tabs = 0; tabs < 3; tabs++) at = line.indexOf('\t', at + 1);
  return line.slice(0, at);
}

/** Shortest beginning of `next` that is greater than `last`. No surrogate pair is cut in two. */
function separator(last: string, next: string): string {
  let same = 0;
  while (same < last.length && last[same] === next[same]) same++;
  const cut = next.slice(0, same + 1);
  return cut.isWellFormed() ? cut : next;
}

/** A beginning of a line would keep alive all the text that was read with that line. */
const ownCopy = (text: string) => Buffer.from(text, 'utf16le').toString('utf16le');

/** A file for a piece in a folder of the builder. */
export const pieceFile = (folder: string) => join(folder, 'piece');
