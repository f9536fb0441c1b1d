import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import {
  HEADS,
  headKey,
  type IndexHead,
  livePieces,
  type PieceInfo,
  recentRows,
  unpackHead,
} from '../format/lifeboat-index-head.ts';
import { newestHeads } from '../format/lifeboat-index-heads.ts';
import type { IndexRow } from '../format/lifeboat-index-row.ts';
import type { ObjectStore } from '../object-store.ts';

/** The newest head of every writer, read again only where there is a newer one. */
export class KnownHeads {
  readonly #store: ObjectStore;
  readonly #onProblem: (error: LifeboatError) => void;
  #heads = new Map<string, IndexHead>();

  constructor(store: ObjectStore, onProblem: (error: LifeboatError) => void) {
    this.#store = store;
    this.#onProblem = onProblem;
  }

  /**
   * Looks at the list. A head that is damaged is told of and left out: whatever it alone knew is missing from the index until the
   * next comparison with the manifests.
   * @returns whether anything was new
   * @throws STORE_UNAVAILABLE
   */
  async refresh(): Promise<boolean> {
    const keys: string[] = [];
    for await (const { key } of this.#store.list(HEADS)) keys.push(key);
    const newest = newestHeads(keys);
    const heads = new Map<string, IndexHead>();
    let changed = newest.size !== this.#heads.size;
    for (const [writer, id] of newest) {
      const known = this.#heads.get(writer);
      if (known && known.id >= id) {
        heads.set(writer, known);
        continue;
      }
      changed = true;
      const key = headKey(writer, id);
      try {
        heads.set(writer, unpackHead(await this.#store.get(key), key));
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (error.code !== 'MANIFEST_DAMAGED' && error.code !== 'OBJECT_NOT_FOUND') throw error;
        if (error.code === 'MANIFEST_DAMAGED') this.#onProblem(error);
        if (known) heads.set(writer, known);
      }
    }
    this.#heads = heads;
    return changed;
  }

  /** What this process has just written. */
  put(head: IndexHead): void {
    this.#heads.set(head.writer, head);
  }

  get(writer: string): IndexHead | undefined {
    return this.#heads.get(writer);
  }

  all(): IndexHead[] {
    return [...this.#heads.values()];
  }

  live(): PieceInfo[] {
    return livePieces(this.#heads.values());
  }

  recent(): IndexRow[] {
    return [...recentRows(this.#heads.values()).values()];
  }
}
