/** Finding the heads of the search index in a store, with and without a list. Runs in the browser too. */
import { asLifeboatError } from '../../contract/errors.ts';
import {
  HEADS,
  headKey,
  headOfKey,
  type IndexHead,
  livePieces,
  MERGED_HEAD,
  type PieceInfo,
  recentRows,
  unpackHead,
} from './lifeboat-index-head.ts';
import type { IndexRow } from './lifeboat-index-row.ts';
import type { LifeboatSource } from './lifeboat-index-types.ts';

export interface IndexState {
  pieces: PieceInfo[];
  recent: IndexRow[];
  problems: string[];
  newestPieceAt: string | undefined;
}

/** Newest head of each writer, by the keys that a list gave. */
export function newestHeads(keys: Iterable<string>): Map<string, string> {
  const newest = new Map<string, string>();
  for (const key of keys) {
    const head = headOfKey(key);
    if (head && head.id > (newest.get(head.writer) ?? '')) newest.set(head.writer, head.id);
  }
  return newest;
}

async function readHead(
  source: LifeboatSource,
  key: string,
  problems: string[],
): Promise<IndexHead | 'missing' | null> {
  try {
    return unpackHead(await source.get(key), key);
  } catch (thrown) {
    const { code, message } = asLifeboatError(thrown);
    if (code === 'OBJECT_NOT_FOUND') return 'missing';
    problems.push(message);
    return null;
  }
}

/** What the index is made of now. Never throws: what cannot be read is said in `problems`. */
export async function readIndexState(source: LifeboatSource): Promise<IndexState> {
  const problems: string[] = [];
  const mergedProblems: string[] = [];
  const [merged, listed] = await Promise.all([
    readHead(source, MERGED_HEAD, mergedProblems),
    source.list?.(HEADS).catch((thrown: unknown) => {
      problems.push(`The search index may be older than it could be: ${asLifeboatError(thrown).message}`);
      return undefined;
    }),
  ]);
  const heads: IndexHead[] = [];
  const held = merged !== null && merged !== 'missing' ? (merged.heads ?? {}) : {};
  if (merged !== null && merged !== 'missing') heads.push(merged);
  if (listed) {
    const lacking = [...newestHeads(listed)].filter(([writer, id]) => (held[writer] ?? '') < id);
    const found = await Promise.all(
      lacking.map(async ([writer, id]) => {
        const head = await readHead(source, headKey(writer, id), problems);
        if (head !== 'missing') return head;
        // a newer head of this writer took its place just now
        const again = newestHeads((await source.list?.(`${HEADS}${writer}/`).catch(() => [])) ?? []).get(writer);
        const newer = again && again > id ? await readHead(source, headKey(writer, again), problems) : 'missing';
        if (newer !== 'missing') return newer;
        problems.push('A part of the search index is not in the store.');
        return null;
      }),
    );
    heads.push(...found.filter((head) => head !== null));
  } else {
    problems.push(...mergedProblems);
  }
  if (heads.length === 0 && problems.length === 0) problems.push('There is no search index in the store.');
  const pieces = livePieces(heads);
  const times = heads.map(({ publishedAt }) => publishedAt).sort();
  return { pieces, recent: [...recentRows(heads).values()], problems, newestPieceAt: times.at(-1) };
}
