import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { type PieceInfo, pieceKey } from '../format/lifeboat-index-head.ts';
import type { IndexRow } from '../format/lifeboat-index-row.ts';
import type { ObjectStore } from '../object-store.ts';
import { lackingStudies, listedStudies, rowsOf } from './compare.ts';
import type { IndexWriter } from './index-writer.ts';
import { mergedStudies } from './row-stream.ts';

export interface CatchUpIndexOptions {
  store: ObjectStore;
  writer: IndexWriter;
  onProblem(error: LifeboatError): void;
  onProgress?(studies: number): void;
  signal?: AbortSignal;
  /** Everything is read anew, whatever the index knows. */
  rebuild?: boolean;
}

/** A killed rebuild loses no more than the studies of one such piece. */
const PIECE_STUDIES = 50_000;
/** Fewer than this go the way of fresh ones. */
const FEW = 500;

/**
 * Compares the index with the manifests and adds what it lacks: after a restart, an outage, for an archive older than the index,
 * or when a part of it was lost.
 * @returns studies added, or read anew
 * @throws STORE_UNAVAILABLE; what was added before counts
 */
export async function catchUpIndex(options: CatchUpIndexOptions): Promise<number> {
  try {
    return await readLacking(options);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    if (options.rebuild || !['MANIFEST_DAMAGED', 'OBJECT_NOT_FOUND'].includes(error.code)) throw error;
    // a piece is damaged or gone: the manifests say all that it said
    options.onProblem(error);
    return readLacking({ ...options, rebuild: true });
  }
}

async function readLacking(options: CatchUpIndexOptions): Promise<number> {
  const { store, writer, onProblem, onProgress, signal, rebuild } = options;
  await writer.heads.refresh();
  const before = writer.heads.live();
  if (!rebuild) for (const piece of before) await checkWhole(store, piece);
  const listed = listedStudies(store);
  const lacking = rebuild ? listed : lackingStudies(listed, mergedStudies(store, before, writer.heads.recent()));
  const rows = rowsOf(store, lacking, onProblem);
  let added = 0;
  let pieces = 0;
  for (let done = false; !done && !signal?.aborted; ) {
    const few: IndexRow[] = [];
    while (few.length < FEW && !done) {
      const next = await rows.next();
      if (next.done) done = true;
      else few.push(next.value);
    }
    added += few.length;
    if (done) {
      if (few.length > 0) await (rebuild ? writer.publishPiece(few) : writer.publish(few));
      break;
    }
    await writer.publishPiece(
      (async function* () {
        yield* few;
        for (let count = few.length; count < PIECE_STUDIES && !signal?.aborted; count++) {
          const next = await rows.next();
          if (next.done) {
            done = true;
            return;
          }
          added++;
          if (added % 1000 === 0) onProgress?.(added);
          yield next.value;
        }
      })(),
    );
    pieces++;
    onProgress?.(added);
  }
  await rows.return(undefined);
  if (signal?.aborted) return added;
  if (rebuild) await writer.replace(before);
  else if (pieces > 1) await writer.merge(true);
  return added;
}

/** @throws OBJECT_NOT_FOUND, MANIFEST_DAMAGED when it is cut off, STORE_UNAVAILABLE */
async function checkWhole(store: ObjectStore, { id, size }: PieceInfo): Promise<void> {
  const found = await store.head(pieceKey(id));
  if (!found) throw new LifeboatError('OBJECT_NOT_FOUND', `: ${pieceKey(id)}`);
  if (found.size !== size) throw new LifeboatError('MANIFEST_DAMAGED', `: ${pieceKey(id)}: it has another size`);
}
