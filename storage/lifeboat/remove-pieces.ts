import { z } from 'zod';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { PIECES, type PieceInfo, pieceKey } from '../format/lifeboat-index-head.ts';
import { TableReader } from '../format/lifeboat-index-piece.ts';
import { TABLES } from '../format/lifeboat-index-row.ts';
import type { ObjectStore } from '../object-store.ts';
import type { KnownHeads } from './index-state.ts';
import { TRAILER_DIGITS } from './piece-builder.ts';
import { mergedStudies, sourceOf } from './row-stream.ts';

/** Readers may still hold a head that names a piece, ms. */
const GRACE_MS = 3_600_000;

const root = z.object({
  levels: z.union([z.literal(1), z.literal(2)]),
  blocks: z.array(z.tuple([z.string(), z.number(), z.number()])),
});
const description = z.object({
  studies: z.number(),
  instances: z.number(),
  tables: z.object(
    Object.fromEntries(TABLES.map((table) => [table, root])) as Record<(typeof TABLES)[number], typeof root>,
  ),
});

/** What a piece says of itself at its end. @throws MANIFEST_DAMAGED, OBJECT_NOT_FOUND, STORE_UNAVAILABLE */
async function describePiece(store: ObjectStore, id: string, size: number): Promise<PieceInfo> {
  try {
    const length = Number((await store.get(pieceKey(id), { start: size - TRAILER_DIGITS })).toString('latin1'));
    const text = await store.get(pieceKey(id), { start: size - TRAILER_DIGITS - length, end: size - TRAILER_DIGITS });
    return { id, createdAt: '', size, replaces: [], ...description.parse(JSON.parse(text.toString('utf8'))) };
  } catch (error) {
    if (error instanceof LifeboatError && error.code !== 'BAD_REQUEST') throw error;
    throw new LifeboatError('MANIFEST_DAMAGED', `: ${pieceKey(id)}`, { cause: error });
  }
}

/**
 * Deletes pieces that do not count any more, in the end. A piece goes when this process has seen for an hour that none of the
 * heads leads to it, and every study in it, with every segment, was just found again in what counts.
 */
export class PieceRemover {
  readonly #store: ObjectStore;
  readonly #graceMs: number;
  readonly #idleSince = new Map<string, number>();

  constructor(store: ObjectStore, graceMs = GRACE_MS) {
    this.#store = store;
    this.#graceMs = graceMs;
  }

  /** @returns ids of what was deleted. @throws STORE_UNAVAILABLE, MANIFEST_DAMAGED: nothing was deleted then */
  async run(heads: KnownHeads): Promise<string[]> {
    await heads.refresh();
    const live = new Set(heads.live().map(({ id }) => id));
    const due: { id: string; size: number }[] = [];
    const listed = new Set<string>();
    for await (const { key, size } of this.#store.list(PIECES)) {
      const id = key.slice(PIECES.length, -'.lbx'.length);
      listed.add(id);
      if (live.has(id)) this.#idleSince.delete(id);
      else if (!this.#idleSince.has(id)) this.#idleSince.set(id, Date.now());
      if (!live.has(id) && Date.now() - this.#idleSince.get(id)! >= this.#graceMs) due.push({ id, size });
    }
    for (const id of this.#idleSince.keys()) if (!listed.has(id)) this.#idleSince.delete(id);
    if (due.length === 0) return [];
    const removed = await this.#contained(heads, due);
    for (const id of removed) await this.#store.delete(pieceKey(id));
    return removed;
  }

  async #contained(heads: KnownHeads, due: { id: string; size: number }[]): Promise<string[]> {
    const source = sourceOf(this.#store);
    let olds: { id: string; reader: TableReader }[] = [];
    for (const { id, size } of due) {
      const piece = await this.#readable(describePiece(this.#store, id, size));
      if (piece) olds.push({ id, reader: new TableReader(source, piece, 'study', '', '\uffff') });
    }
    const there = mergedStudies(this.#store, heads.live(), heads.recent());
    let other = await there.next();
    const done: string[] = [];
    while (olds.length > 0) {
      for (const old of [...olds]) {
        while (old.reader.hungry) {
          if ((await this.#readable(old.reader.fetch().then(() => true))) !== null) continue;
          olds = olds.filter((each) => each !== old);
          break;
        }
        if (!old.reader.hungry && !old.reader.peek()) {
          done.push(old.id);
          olds = olds.filter((each) => each !== old);
        }
      }
      const least = olds.map(({ reader }) => reader.peek()!.key).sort()[0] ?? '\uffff';
      while (!other.done && `${other.value.path}/\t\t${other.value.path}` < least) other = await there.next();
      const segments = other.done ? new Set<string>() : new Set(other.value.segments);
      for (const { reader } of olds) {
        const old = reader.peek()!;
        if (old.key !== least) continue;
        const found =
          !other.done && other.value.path === old.row.path && old.row.segments.every((name) => segments.has(name));
        if (!found) olds = olds.filter((each) => each.reader !== reader);
        reader.next();
      }
    }
    await there.return(undefined);
    return done;
  }

  /** null: this piece is damaged or gone, and stays as it is. */
  async #readable<T>(read: Promise<T>): Promise<T | null> {
    try {
      return await read;
    } catch (thrown) {
      if (['MANIFEST_DAMAGED', 'OBJECT_NOT_FOUND'].includes(asLifeboatError(thrown).code)) return null;
      throw thrown;
    }
  }
}
