/**
 * Searching an archive with nothing but its store: storage/README.md, "The search index". Every piece of the index that counts is
 * asked; what cannot be read is said, never left out in silence. Runs in the browser too.
 */
import { asLifeboatError } from '../../contract/errors.ts';
import { readArchive } from './lifeboat-archive.ts';
import { type IndexState, readIndexState } from './lifeboat-index-heads.ts';
import { type KeyedRow, TableReader } from './lifeboat-index-piece.ts';
import { planSearch, type SearchPlan } from './lifeboat-index-plan.ts';
import {
  hitOf,
  type IndexRow,
  indexPath,
  mergeRows,
  type TableName,
  tableKey,
  tableValues,
} from './lifeboat-index-row.ts';
import type {
  LifeboatHit,
  LifeboatIndex,
  LifeboatResult,
  LifeboatSearch,
  LifeboatSource,
  LifeboatStudyAnswer,
} from './lifeboat-index-types.ts';

export type {
  LifeboatHit,
  LifeboatIndex,
  LifeboatResult,
  LifeboatSearch,
  LifeboatSource,
  LifeboatStudyAnswer,
} from './lifeboat-index-types.ts';

/** How long heads that were read count, ms. */
const FRESH_MS = 30_000;
/** And the signed description. */
const DESCRIPTION_MS = 5 * 60_000;
/** A search for something rare ends with what it found after so many rounds of requests; `next` goes on. */
const MOST_ROUNDS = 3;

interface Stream {
  peek(): KeyedRow | undefined;
  next(): void;
  hungry: boolean;
  fetch(most?: number): Promise<void>;
}

/** Rows of a head, as though they were a piece. */
function recentStream(rows: readonly IndexRow[], table: TableName, from: string, to: string): Stream {
  const sorted = rows
    .flatMap((row) => tableValues(table, row).map((value) => ({ key: tableKey(table, value, row), row })))
    .filter(({ key }) => key >= from && key < to)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  let at = 0;
  return { peek: () => sorted[at], next: () => void at++, hungry: false, fetch: async () => undefined };
}

interface Scan {
  rows: IndexRow[];
  /** First key that was not looked at; undefined at the end of the stretch. */
  next: string | undefined;
  problems: string[];
  /** A piece was not there: its place may have been taken by another one. */
  gone: boolean;
}

/** Walks one table through all pieces at once. */
async function scan(source: LifeboatSource, state: IndexState, plan: SearchPlan, limit: number): Promise<Scan> {
  const problems: string[] = [];
  let gone = false;
  let streams: Stream[] = [
    recentStream(state.recent, plan.table, plan.from, plan.to),
    ...state.pieces.map((piece) => new TableReader(source, piece, plan.table, plan.from, plan.to)),
  ];
  const found = new Map<string, IndexRow>();
  const feed = async (rounds: { left: number }): Promise<void> => {
    while (streams.some((stream) => stream.hungry) && rounds.left-- > 0) {
      const failed = new Set<Stream>();
      const hungry = streams.filter((stream) => stream.hungry);
      await Promise.all(
        hungry.map((stream) =>
          stream.fetch().catch((thrown: unknown) => {
            const { code, message } = asLifeboatError(thrown);
            if (code === 'OBJECT_NOT_FOUND') gone = true;
            problems.push(code === 'OBJECT_NOT_FOUND' ? 'A part of the search index is not in the store.' : message);
            failed.add(stream);
          }),
        ),
      );
      streams = streams.filter((stream) => !failed.has(stream));
    }
  };
  const rounds = { left: MOST_ROUNDS };
  let passed = plan.from;
  for (;;) {
    await feed(rounds);
    const least = streams.reduce<KeyedRow | undefined>((lowest, stream) => {
      const row = stream.peek();
      return row && (!lowest || row.key < lowest.key) ? row : lowest;
    }, undefined);
    if (streams.some((stream) => stream.hungry)) return { rows: [...found.values()], next: passed, problems, gone };
    if (!least) return { rows: [...found.values()], next: undefined, problems, gone };
    let row: IndexRow | undefined;
    if (found.size >= limit && !found.has(least.row.path))
      return { rows: [...found.values()], next: least.key, problems, gone };
    for (const stream of streams) {
      const other = stream.peek();
      if (other?.key !== least.key) continue;
      row = row ? mergeRows(row, other.row) : other.row;
      stream.next();
    }
    passed = `${least.key}\u0000`;
    const known = found.get(row!.path);
    const merged = known ? mergeRows(known, row!) : row!;
    if (merged.instances === 0) {
      // it was removed from the archive
      found.delete(merged.path);
      continue;
    }
    const value = least.key.slice(0, least.key.indexOf('\t'));
    if (known || plan.counts(merged, value)) found.set(merged.path, merged);
  }
}

/** Of two times, either of which may not be known. */
const laterOf = (a: string | undefined, b: string | undefined) =>
  a === undefined || (b !== undefined && b > a) ? b : a;

const unique = (problems: string[]) => [...new Set(problems)];

/**
 * Opens the index of a store. Never rejects for what is missing or damaged: results say `complete: false` and why.
 * The heads are read again when they are older than half a minute.
 */
export async function openLifeboatIndex(source: LifeboatSource): Promise<LifeboatIndex> {
  let [state, archive] = await Promise.all([readIndexState(source), readArchive((key) => source.get(key))]);
  let readAt = Date.now();
  let describedAt = readAt;
  const refresh = async () => {
    const again = Date.now() - describedAt > DESCRIPTION_MS;
    [state, archive] = await Promise.all([
      readIndexState(source),
      again ? readArchive((key) => source.get(key)) : archive,
    ]);
    readAt = Date.now();
    if (again) describedAt = readAt;
  };
  const ask = async (plan: SearchPlan, limit: number): Promise<Scan> => {
    if (Date.now() - readAt > FRESH_MS) await refresh();
    const first = await scan(source, state, plan, limit);
    if (!first.gone) return first;
    await refresh();
    return scan(source, state, plan, limit);
  };
  const findStudy = async (studyInstanceUID: string): Promise<LifeboatStudyAnswer> => {
    const path = indexPath(studyInstanceUID);
    const plan: SearchPlan = { table: 'study', from: `${path}/\t`, to: `${path}/\t\uffff`, counts: () => true };
    const { rows, problems } = await ask(plan, 1);
    const all = unique([...state.problems, ...problems]);
    const row = rows[0];
    return { hit: row && hitOf(row), complete: all.length === 0, problems: all };
  };
  return {
    get archive() {
      return archive;
    },
    search: async (search: LifeboatSearch): Promise<LifeboatResult> => {
      const plan = planSearch(search);
      const from = search.after;
      const done = plan && (await ask(from ? { ...plan, from } : plan, Math.max(1, search.limit)));
      const problems = unique([...state.problems, ...(done?.problems ?? [])]);
      const hits: LifeboatHit[] = (done?.rows ?? []).map(hitOf);
      return {
        hits,
        ...(done?.next !== undefined && { next: done.next }),
        complete: problems.length === 0,
        problems,
        newestPieceAt: state.newestPieceAt,
        asOf: laterOf(state.newestPieceAt, archive.signature === 'invalid' ? undefined : archive.facts?.publishedAt),
      };
    },
    study: async (uid) => (await findStudy(uid)).hit,
    findStudy,
  };
}
