import { type RawBuilder, sql } from 'kysely';
import { gaugePostgres, IS_SAMPLE } from './postgres-sample.ts';
import type { CatalogueTables, Database, StudyTable, Trx } from './tables.ts';
import { encodeTerm, type Term } from './terms.ts';

export type Condition = RawBuilder<unknown>;

/** What is asked of studies: every group of terms must have one that matches, rank within, every condition true. */
export interface Selection {
  terms: Term[][];
  rankFrom?: number;
  rankTo?: number;
  where: Condition[];
}

export interface PostingChange {
  before: { rank: number } | null;
  after: { rank: number; terms: string[] };
}

/** Which part of the answer is wanted: the first so many rows from one end. */
export interface GaugeWindow {
  descending: boolean;
  rows: number;
}

/** What is known of a selection before it is asked. */
export interface Gauge {
  /** More than 10,000 studies match. */
  over: boolean;
  /** About so many match. */
  matches: number;
  /** Cheapest way to the first rows by rank: along the ranks past what does not match, or all matches and then sorted. */
  way: 'walk' | 'gather';
  /** By group of terms: whether the index finds its matches, or it is checked on what the others find. */
  indexed: boolean[];
  /** A walk that has not found enough up to this rank is a wrong one; null: that is beyond the last study. */
  bound: number | null;
}

/** The few things SQLite and PostgreSQL say differently. */
export interface Flavour {
  readonly kind: 'sqlite' | 'postgres';
  /** `*` any run, `?` one character; case-sensitive. */
  wildcard(column: Condition, pattern: string): Condition;
  /** Column has `part` somewhere. */
  contains(column: Condition, part: string): Condition;
  /** True when some Value of the attribute satisfies the test on its text; a person name's groups count each. */
  someValue(json: Condition, tag: string, test: (value: Condition) => Condition): Condition;
  /**
   * `from … where …` of the matching studies, to be ordered by `rank`. Columns of `study` may be used only with `columns`:
   * without them the posting lists alone answer, and no row is looked up that is not shown.
   */
  studies(selection: Selection, columns: boolean, gauge?: Gauge): { from: Condition; rank: Condition };
  /** Where the database's own plans cannot be trusted. The selection has terms. */
  gauge?(db: Database, selection: Selection, window: GaugeWindow): Promise<Gauge>;
  /** Keeps the posting lists of changed studies. */
  writePostings(trx: Trx, changes: PostingChange[]): Promise<void>;
  /** Empties these tables and the posting lists. */
  empty(trx: Trx, tables: (keyof CatalogueTables)[]): Promise<void>;
  /** Serialises writers within the transaction. */
  lock(trx: Trx): Promise<void>;
}

const ranges = (rank: Condition, { rankFrom, rankTo }: Selection): Condition[] => [
  ...(rankFrom === undefined ? [] : [sql`${rank} >= ${rankFrom}`]),
  ...(rankTo === undefined ? [] : [sql`${rank} <= ${rankTo}`]),
];

/** Conditions joined with `and`; true when there are none. */
export function all(conditions: Condition[]): Condition {
  return conditions.length > 0 ? sql.join(conditions, sql` and `) : sql`1 = 1`;
}

/** Conditions joined with `or`, in brackets; false when there are none. */
export function any(conditions: Condition[]): Condition {
  if (conditions.length === 0) return sql`1 = 0`;
  return sql`(${sql.join(conditions, sql` or `)})`;
}

/** The terms checked on the row itself, for walking studies in an order that posting lists do not have. */
export function termsInRow(flavour: Flavour, terms: Term[][]): Condition[] {
  return terms.map((group) =>
    any(
      group.map((term) => {
        if (term.kind === 'conflict') return sql`study.conflicts > 0`;
        if (term.kind === 'modality') return flavour.contains(sql`study.modalities`, `\\${term.value}\\`);
        if (term.kind === 'ae') return flavour.contains(sql`study.calling_aes`, `\\${term.value}\\`);
        return sql`(${flavour.contains(sql`study.name_words`, ` ${term.value}`)}
          or ${flavour.contains(sql`study.other_words`, ` ${term.value}`)})`;
      }),
    ),
  );
}

const CHUNK = 400;

export const sqliteFlavour: Flavour = {
  kind: 'sqlite',
  wildcard: (column, pattern) => sql`${column} glob ${pattern.replaceAll('[', '[[]')}`,
  contains: (column, part) => sql`instr(${column}, ${part}) > 0`,
  someValue: (json, tag, test) => sql`exists (
    select 1 from json_tree(${json}, ${`$."${tag}".Value`}) as tree
    where tree.atom is not null and ${test(sql`cast(tree.atom as text)`)})`,
  studies(selection, columns) {
    if (selection.terms.length === 0) {
      const where = all([...ranges(sql`study.rank`, selection), ...selection.where]);
      const narrow = columns || selection.where.length > 0 ? sql`` : sql`indexed by study_ranks`;
      return { from: sql`from study ${narrow} where ${where}`, rank: sql`study.rank` };
    }
    const match = selection.terms
      .map((group) => {
        const parts = group.map((term) => `"${encodeTerm(term)}"${term.kind === 'word' ? ' *' : ''}`);
        return `(${parts.join(' OR ')})`;
      })
      .join(' AND ');
    const rank = sql`study_terms.rowid`;
    const where = all([sql`study_terms match ${match}`, ...ranges(rank, selection), ...selection.where]);
    if (!columns && selection.where.length === 0) return { from: sql`from study_terms where ${where}`, rank };
    return { from: sql`from study_terms cross join study on study.rank = study_terms.rowid where ${where}`, rank };
  },
  async writePostings(trx, changes) {
    // FTS5 writes out what it has gathered whenever a row id is lower than the one before.
    const gone = changes.flatMap(({ before }) => (before ? [before.rank] : [])).sort((a, b) => a - b);
    for (let i = 0; i < gone.length; i += CHUNK) {
      await sql`delete from study_terms where rowid in (${sql.join(gone.slice(i, i + CHUNK))})`.execute(trx);
    }
    const ascending = changes.toSorted((a, b) => a.after.rank - b.after.rank);
    for (let i = 0; i < ascending.length; i += CHUNK) {
      const chunk = ascending.slice(i, i + CHUNK);
      await trx
        .insertInto('study_terms')
        .values(chunk.map(({ after }) => ({ rowid: after.rank, terms: after.terms.join(' ') })))
        .execute();
    }
  },
  async empty(trx, tables) {
    for (const table of tables) await trx.deleteFrom(table).execute();
    await sql`insert into study_terms (study_terms) values ('delete-all')`.execute(trx);
  },
  async lock() {},
};

/** Each group of terms as a tsquery. */
function tsqueries(groups: Term[][]): string[] {
  return groups.map((group) => {
    const parts = group.map((term) => `${lexeme(encodeTerm(term))}${term.kind === 'word' ? ':*' : ''}`);
    return `(${parts.join(' | ')})`;
  });
}

/** A lexeme in a tsquery or tsvector literal. */
const lexeme = (term: string) => `'${term.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;

export const postgresFlavour: Flavour = {
  kind: 'postgres',
  wildcard: (column, pattern) =>
    sql`${column} like ${pattern
      .replace(/[\\%_]/g, '\\$&')
      .replaceAll('*', '%')
      .replaceAll('?', '_')}`,
  contains: (column, part) => sql`strpos(${column}, ${part}) > 0`,
  someValue: (json, tag, test) => sql`exists (
    select 1 from jsonb_path_query(${json}::jsonb, ${`strict $."${tag}".Value.**`}::jsonpath, '{}', true) as node
    where jsonb_typeof(node) in ('string', 'number') and ${test(sql`(node #>> '{}')`)})`,
  studies(selection, columns, gauge) {
    if (selection.terms.length === 0) {
      const where = all([...ranges(sql`study.rank`, selection), ...selection.where]);
      return { from: sql`from study where ${where}`, rank: sql`study.rank` };
    }
    const queries = tsqueries(selection.terms);
    const inIndex = (some: string[]) => sql`study_postings.terms @@ ${some.join(' & ')}::tsquery`;
    // the function, unlike the operator, is never answered by the index
    const onRow = (some: string[]) => sql`ts_match_vq(study_postings.terms, ${some.join(' & ')}::tsquery)`;
    const found = queries.filter((_, i) => gauge?.way !== 'walk' && (gauge?.indexed[i] ?? true));
    const checked = queries.filter((query) => !found.includes(query));
    const matches = [...(found.length > 0 ? [inIndex(found)] : []), ...(checked.length > 0 ? [onRow(checked)] : [])];
    if (gauge?.way === 'walk' && selection.where.length > 0) {
      // `offset 0` keeps the database from beginning with the conditions on the study, which it takes for rarer than they are
      const walked = sql`(select rank from study_postings where ${all([...matches, ...ranges(sql`rank`, selection)])}
        order by rank desc offset 0) as study_postings`;
      const looked = sql`lateral (select * from study where study.rank = study_postings.rank offset 0) as study`;
      return {
        from: sql`from ${walked} cross join ${looked} where ${all(selection.where)}`,
        rank: sql`study_postings.rank`,
      };
    }
    // `+ 0` keeps the database from walking by rank
    const rank = gauge?.way === 'gather' ? sql`(study_postings.rank + 0)` : sql`study_postings.rank`;
    const where = all([...matches, ...ranges(sql`study_postings.rank`, selection), ...selection.where]);
    if (!columns && selection.where.length === 0) return { from: sql`from study_postings where ${where}`, rank };
    return { from: sql`from study_postings join study on study.rank = study_postings.rank where ${where}`, rank };
  },
  gauge: (db, selection, window) => gaugePostgres(db, tsqueries(selection.terms), selection, window),
  async writePostings(trx, changes) {
    for (let i = 0; i < changes.length; i += CHUNK) {
      const chunk = changes.slice(i, i + CHUNK);
      const gone = chunk.flatMap(({ before }) => (before ? [before.rank] : []));
      if (gone.length > 0) await trx.deleteFrom('study_postings').where('rank', 'in', gone).execute();
      const rows = chunk.map(({ after }) => sql`(${after.rank}, ${after.terms.map(lexeme).join(' ')}::tsvector)`);
      await sql`insert into study_postings (rank, terms) values ${sql.join(rows)}`.execute(trx);
      const now = sql.join(chunk.map(({ after }) => after.rank));
      if (gone.length > 0) await trx.deleteFrom('study_sample').where('rank', 'in', gone).execute();
      await sql`insert into study_sample select rank, terms from study_postings
        where rank in (${now}) and ${sql.raw(IS_SAMPLE)}`.execute(trx);
    }
  },
  async empty(trx, tables) {
    // Not row by row: a million studies would take longer than a statement may.
    await sql`truncate ${sql.join([...tables, 'study_postings', 'study_sample'].map((table) => sql.table(table)))}`.execute(
      trx,
    );
  },
  async lock(trx) {
    await sql`select pg_advisory_xact_lock(7237128889)`.execute(trx);
  },
};

/** Whether posting lists have to be written again. */
export function postingsDiffer(before: StudyTable, after: StudyTable): boolean {
  return (
    before.rank !== after.rank ||
    before.name_words !== after.name_words ||
    before.other_words !== after.other_words ||
    before.modalities !== after.modalities ||
    before.calling_aes !== after.calling_aes ||
    before.conflicts > 0 !== after.conflicts > 0
  );
}
