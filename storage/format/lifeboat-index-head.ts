/**
 * Heads of the search index: which pieces there are, and the rows too fresh for a piece. Each writer has heads of its own, under
 * names never used twice; `head.json` is their union for stores that cannot be listed. Runs in the browser too.
 */
import { LifeboatError } from '../../contract/errors.ts';
import { type IndexRow, mergeRows, packRow, TABLES, type TableName, unpackRow } from './lifeboat-index-row.ts';

export const INDEX_VERSION = 1;
export const HEADS = 'lifeboat/index/heads/';
export const PIECES = 'lifeboat/index/pieces/';
export const MERGED_HEAD = 'lifeboat/index/head.json';

export const pieceKey = (id: string) => `${PIECES}${id}.lbx`;
export const headKey = (writer: string, id: string) => `${HEADS}${writer}/${id}.json`;

/** Writer and id of a head, from its key. */
export function headOfKey(key: string): { writer: string; id: string } | undefined {
  const match = /^lifeboat\/index\/heads\/([^/]+)\/([0-9A-Z]{26})\.json$/.exec(key);
  return match ? { writer: match[1]!, id: match[2]! } : undefined;
}

/** A stretch of a piece: all keys in it are `first` or greater, and below the `first` of the next. */
export type BlockRef = [first: string, offset: number, length: number];

export interface TableRoot {
  /** 1: the blocks hold rows. 2: they hold lists of blocks that hold rows. */
  levels: 1 | 2;
  blocks: BlockRef[];
}

export interface PieceInfo {
  /** A ULID, the name of its object. */
  id: string;
  createdAt: string;
  studies: number;
  instances: number;
  /** Bytes of its object. */
  size: number;
  /** Ids of pieces whose rows are all in this one. */
  replaces: string[];
  tables: Record<TableName, TableRoot>;
}

export interface IndexHead {
  writer: string;
  /** A ULID, greater in each head of a writer. */
  id: string;
  publishedAt: string;
  pieces: PieceInfo[];
  /** Rows that are in no piece of this writer yet. */
  recent: IndexRow[];
  /** In the merged head: the head of each writer that it holds. */
  heads?: Record<string, string>;
}

export function packHead(head: IndexHead): string {
  const { recent, ...rest } = head;
  const lines = recent.map((row) => [row.path, JSON.parse(packRow(row)) as unknown]);
  return `${JSON.stringify({ lifeboat: 'index-head', formatVersion: INDEX_VERSION, ...rest, recent: lines })}\n`;
}

/** @throws MANIFEST_DAMAGED */
export function unpackHead(bytes: Uint8Array, key: string): IndexHead {
  const damaged = (why: string, cause?: unknown) =>
    new LifeboatError('MANIFEST_DAMAGED', `A part of the search index is damaged (${key}: ${why}).`, { cause });
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch (error) {
    throw damaged('it cannot be read', error);
  }
  if (value?.['lifeboat'] !== 'index-head') throw damaged('it is no head');
  if (!(Number(value['formatVersion']) <= INDEX_VERSION)) throw damaged('its format version is newer');
  const { writer, id, publishedAt, pieces, recent, heads } = value;
  const texts = [writer, id, publishedAt].every((each) => typeof each === 'string');
  if (!texts || !Array.isArray(pieces) || !Array.isArray(recent) || !pieces.every(isPiece))
    throw damaged('it lacks something');
  try {
    const rows = (recent as [string, unknown][]).map(([path, row]) => unpackRow(path, JSON.stringify(row)));
    return {
      writer: writer as string,
      id: id as string,
      publishedAt: publishedAt as string,
      pieces,
      recent: rows,
      ...(heads !== undefined && { heads: heads as Record<string, string> }),
    };
  } catch (error) {
    throw damaged('a row cannot be read', error);
  }
}

function isPiece(value: unknown): value is PieceInfo {
  if (typeof value !== 'object' || value === null) return false;
  const piece = value as PieceInfo;
  const isRoot = (root: TableRoot | undefined) =>
    root !== undefined &&
    (root.levels === 1 || root.levels === 2) &&
    Array.isArray(root.blocks) &&
    root.blocks.every(
      ([first, offset, length]) =>
        typeof first === 'string' && Number.isSafeInteger(offset) && Number.isSafeInteger(length),
    );
  return (
    /^[0-9A-Z]{26}$/.test(piece.id) &&
    typeof piece.createdAt === 'string' &&
    typeof piece.studies === 'number' &&
    Array.isArray(piece.replaces) &&
    typeof piece.tables === 'object' &&
    TABLES.every((table) => isRoot(piece.tables[table]))
  );
}

/** Pieces that count: those that no other one replaces. */
export function livePieces(heads: Iterable<IndexHead>): PieceInfo[] {
  const byId = new Map<string, PieceInfo>();
  for (const { pieces } of heads) for (const piece of pieces) byId.set(piece.id, piece);
  const replaced = new Set([...byId.values()].flatMap(({ replaces }) => replaces));
  return [...byId.values()].filter(({ id }) => !replaced.has(id)).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Rows of all heads, one for each study, by path. */
export function recentRows(heads: Iterable<IndexHead>): Map<string, IndexRow> {
  const rows = new Map<string, IndexRow>();
  for (const { recent } of heads) {
    for (const row of recent) {
      const known = rows.get(row.path);
      rows.set(row.path, known ? mergeRows(known, row) : row);
    }
  }
  return rows;
}

/** The union of the newest heads of all writers. */
export function mergedHead(heads: readonly IndexHead[], writer: string, id: string, publishedAt: string): IndexHead {
  return {
    writer,
    id,
    publishedAt,
    heads: Object.fromEntries(heads.map((head) => [head.writer, head.id])),
    pieces: livePieces(heads),
    recent: [...recentRows(heads).values()],
  };
}
