import type { PieceInfo } from '../format/lifeboat-index-head.ts';
import { type KeyedRow, TableReader } from '../format/lifeboat-index-piece.ts';
import { type IndexRow, mergeRows, tableKey } from '../format/lifeboat-index-row.ts';
import type { LifeboatSource } from '../format/lifeboat-index-types.ts';
import type { ObjectStore } from '../object-store.ts';

/** An object store as the readers of the index want it. */
export function sourceOf(store: ObjectStore): LifeboatSource {
  return {
    get: (key, range) => store.get(key, range && { start: range.first, end: range.last + 1 }),
    list: async (prefix) => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      return keys;
    },
  };
}

const studyKey = (row: IndexRow) => tableKey('study', `${row.path}/`, row);

/**
 * Studies of pieces and of fresh rows, each once, in the order in which a list of manifests has them.
 * @throws what the store says, and MANIFEST_DAMAGED: nothing is left out in silence
 */
export async function* mergedStudies(
  store: ObjectStore,
  pieces: readonly PieceInfo[],
  recent: Iterable<IndexRow>,
): AsyncGenerator<IndexRow> {
  const source = sourceOf(store);
  const readers = pieces.map((piece) => new TableReader(source, piece, 'study', '', '\uffff'));
  const fresh = [...recent]
    .map((row): KeyedRow => ({ key: studyKey(row), row }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  let at = 0;
  for (;;) {
    for (const reader of readers) while (reader.hungry) await reader.fetch();
    let least = fresh[at]?.key;
    for (const reader of readers) {
      const key = reader.peek()?.key;
      if (key !== undefined && (least === undefined || key < least)) least = key;
    }
    if (least === undefined) return;
    let row: IndexRow | undefined;
    for (; fresh[at]?.key === least; at++) row = row ? mergeRows(row, fresh[at]!.row) : fresh[at]!.row;
    for (const reader of readers) {
      const other = reader.peek();
      if (other?.key !== least) continue;
      row = row ? mergeRows(row, other.row) : other.row;
      reader.next();
    }
    yield row!;
  }
}
