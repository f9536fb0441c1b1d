/** Reading a piece of the search index: rows of one of its sorted tables, from a key on. Runs in the browser too. */
import { LifeboatError } from '../../contract/errors.ts';
import { type BlockRef, type PieceInfo, pieceKey } from './lifeboat-index-head.ts';
import { type IndexRow, type TableName, unpackRow } from './lifeboat-index-row.ts';
import type { LifeboatSource } from './lifeboat-index-types.ts';
import { gunzip } from './lifeboat-study.ts';

export interface KeyedRow {
  key: string;
  row: IndexRow;
}

/** Blocks asked for at once in the first request, and at most; each later request asks for five times as many as the one before. */
const FIRST_BLOCKS = 1;
const MOST_BLOCKS = 20;
const MORE_BLOCKS = 5;

/** Where the block begins that may hold `from`: the last one that begins at or below it. */
function blockAt(blocks: readonly BlockRef[], from: string): number {
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle]![0] <= from) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function damaged(piece: PieceInfo, cause: unknown): LifeboatError {
  return new LifeboatError('MANIFEST_DAMAGED', `A part of the search index is damaged (${piece.id}).`, { cause });
}

async function linesOf(piece: PieceInfo, bytes: Uint8Array, length: number): Promise<string[]> {
  try {
    if (bytes.length !== length || bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw new Error('it is cut off or no block');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await gunzip(bytes));
    const lines = text.split('\n');
    if (lines.pop() !== '') throw new Error('its last line is cut off');
    return lines;
  } catch (error) {
    throw damaged(piece, error);
  }
}

/** @throws when it is no line of a table */
export function parseLine(line: string): KeyedRow {
  const ends = /^[^\t]*\t[^\t]*\t([^\t]*)\t/.exec(line);
  if (!ends) throw new Error('a line has no key');
  const key = line.slice(0, ends[0].length - 1);
  return { key, row: unpackRow(ends[1]!, line.slice(ends[0].length)) };
}

/** Rows of one table with keys from `from` (included) to `to` (not included), in order, fetched as they are needed. */
export class TableReader {
  readonly #source: LifeboatSource;
  readonly #piece: PieceInfo;
  readonly #table: TableName;
  readonly #from: string;
  readonly #to: string;
  #upper = 0;
  #blocks: BlockRef[] = [];
  #at = 0;
  #opened = false;
  #rows: KeyedRow[] = [];
  #row = 0;
  #ahead = FIRST_BLOCKS;
  #ended = false;

  constructor(source: LifeboatSource, piece: PieceInfo, table: TableName, from: string, to: string) {
    this.#source = source;
    this.#piece = piece;
    this.#table = table;
    this.#from = from;
    this.#to = to;
  }

  /** The row at hand; undefined at the end, or when `fetch` is to be called first. */
  peek(): KeyedRow | undefined {
    return this.#rows[this.#row];
  }

  next(): void {
    this.#row++;
  }

  /** Whether rows must be fetched before `peek` can tell. */
  get hungry(): boolean {
    return !this.#ended && this.#row >= this.#rows.length;
  }

  /**
   * Fetches more rows, perhaps none of which is in the range: ask `hungry` again.
   * @param most blocks to be asked for at once
   * @throws MANIFEST_DAMAGED, OBJECT_NOT_FOUND, STORE_UNAVAILABLE
   */
  async fetch(most = MOST_BLOCKS): Promise<void> {
    const root = this.#piece.tables[this.#table];
    if (!this.#opened) {
      this.#opened = true;
      this.#upper = blockAt(root.blocks, this.#from);
      if (root.levels === 1) {
        this.#blocks = root.blocks;
        this.#at = this.#upper;
        this.#upper = root.blocks.length;
      }
    }
    if (this.#at >= this.#blocks.length) {
      const upper = root.levels === 2 ? root.blocks[this.#upper] : undefined;
      if (!upper || upper[0] >= this.#to) {
        this.#ended = true;
        return;
      }
      this.#blocks = await this.#listOfBlocks(upper);
      this.#at = blockAt(this.#blocks, this.#from);
      this.#upper++;
    }
    const wanted = Math.min(this.#ahead, most);
    this.#ahead = Math.min(this.#ahead * MORE_BLOCKS, MOST_BLOCKS);
    const blocks = this.#blocks.slice(this.#at, this.#at + wanted).filter(([first]) => first < this.#to);
    this.#at += blocks.length;
    if (blocks.length === 0) {
      this.#ended = true;
      return;
    }
    this.#rows = await this.#read(blocks);
    this.#row = 0;
  }

  async #listOfBlocks([, offset, length]: BlockRef): Promise<BlockRef[]> {
    const bytes = await this.#get(offset, length);
    const lines = await linesOf(this.#piece, bytes, length);
    try {
      return lines.map((line) => {
        const [first, at, size] = JSON.parse(line) as BlockRef;
        if (typeof first !== 'string' || !(at >= 0) || !(size > 0)) throw new Error('a line names no block');
        return [first, at, size];
      });
    } catch (error) {
      throw damaged(this.#piece, error);
    }
  }

  async #read(blocks: BlockRef[]): Promise<KeyedRow[]> {
    const [, start] = blocks[0]!;
    const [, last, size] = blocks.at(-1)!;
    const bytes = await this.#get(start, last + size - start);
    const rows: KeyedRow[] = [];
    for (const [, offset, length] of blocks) {
      const lines = await linesOf(this.#piece, bytes.subarray(offset - start, offset - start + length), length);
      for (const line of lines) {
        const tab = line.slice(0, line.indexOf('\t'));
        if (tab > this.#to) break;
        try {
          const row = parseLine(line);
          if (row.key >= this.#from && row.key < this.#to) rows.push(row);
        } catch (error) {
          throw damaged(this.#piece, error);
        }
      }
    }
    return rows;
  }

  #get(offset: number, length: number): Promise<Uint8Array> {
    return this.#source.get(pieceKey(this.#piece.id), { first: offset, last: offset + length - 1 });
  }
}
