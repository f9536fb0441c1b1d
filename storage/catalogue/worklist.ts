import { type RawBuilder, sql } from 'kysely';
import { LifeboatError } from '../../contract/errors.ts';
import type { WorklistQuery, WorklistRow } from './catalogue-types.ts';
import { all, type Condition, type Flavour, type Gauge, type Selection, termsInRow } from './flavour.ts';
import { rankOfDayEnd, rankOfDayStart } from './rank.ts';
import type { Database, StudyTable } from './tables.ts';
import { searchWords } from './terms.ts';
import { unlist } from './values.ts';

/** Beyond this the answer says "more": nobody reads on, and counting is what costs most. */
const COUNT_LIMIT = 10_000;
/** Studies arrive about in the order of their dates: a walk by arrival reads neighbouring rows and pays earlier. */
const GATHER_LIMIT = { sqlite: 10_000, postgres: 3_000 };
const GATHER_LIMIT_BY_ARRIVAL = { sqlite: 2_500, postgres: 500 };
/** Rows looked at in sort order before matches are gathered and sorted instead. */
const WALK_LIMIT = 60_000;

const SORT_COLUMNS: Record<string, RawBuilder<unknown>> = {
  studyDate: sql`study.rank`,
  studyTime: sql`study.rank`,
  patientName: sql`study.name_alphabetic`,
  patientID: sql`study.patient_id`,
  accessionNumber: sql`study.accession`,
  patientBirthDate: sql`study.birth_date`,
  studyDescription: sql`study.description`,
  modalities: sql`study.modalities`,
  seriesCount: sql`study.series_count`,
  instanceCount: sql`study.instance_count`,
  bytes: sql`study.bytes`,
  firstReceivedAt: sql`study.first_received`,
  lastReceivedAt: sql`study.last_received`,
  callingAEs: sql`study.calling_aes`,
  conflicts: sql`study.conflicts`,
};

/** Names by which a worklist can be sorted. */
export const WORKLIST_SORTS = Object.keys(SORT_COLUMNS);

type Row = Omit<StudyTable, 'name_words' | 'other_words'>;

const COLUMNS = sql`study.uid, study.name, study.patient_id, study.issuer, study.birth_date, study.sex,
  study.accession, study.study_date, study.study_time, study.description, study.modalities, study.series_count,
  study.instance_count, study.bytes, study.first_received, study.last_received, study.calling_aes, study.conflicts`;

/**
 * A page of the worklist. Three ways, by what is cheapest: newest first comes straight from posting lists or ranks; few
 * matches are gathered and sorted; many matches are found by walking the sort column's index.
 */
export async function runWorklist(
  db: Database,
  flavour: Flavour,
  query: WorklistQuery,
): Promise<{ rows: WorklistRow[]; more: boolean; count: number }> {
  const selection = selectionOf(query);
  const { column, descending, byRank } = sortOf(query.sort ?? '-studyDate');
  const window = { limit: query.limit + 1, offset: query.offset };
  const gauge =
    selection.terms.length > 0
      ? await flavour.gauge?.(db, selection, { descending, rows: window.limit + window.offset })
      : undefined;
  let over = gauge?.over === true;
  if (gauge && !over && byRank) {
    const whole = await pageOfFew(db, flavour, selection, descending, window, gauge);
    if (whole.count <= COUNT_LIMIT) return answerOf(whole.rows, query.limit, whole.count);
    over = true;
  }
  const count = over ? COUNT_LIMIT + 1 : await countOf(db, flavour, selection, gauge);
  let rows: Row[];
  if (count === 0 || (count <= COUNT_LIMIT && window.offset >= count)) rows = [];
  else if (byRank) rows = await pageByRank(db, flavour, selection, descending, window, gauge);
  else rows = await pageBySort(db, flavour, selection, column, descending, count, window, gauge);
  return answerOf(rows, query.limit, count);
}

function answerOf(rows: Row[], limit: number, count: number) {
  return { rows: rows.slice(0, limit).map(toRow), more: rows.length > limit, count };
}

interface Window {
  limit: number;
  offset: number;
}

function sortOf(sort: string): { column: Condition; descending: boolean; byRank: boolean } {
  const descending = sort.startsWith('-');
  const name = descending ? sort.slice(1) : sort;
  const column = Object.hasOwn(SORT_COLUMNS, name) ? SORT_COLUMNS[name] : undefined;
  if (!column) {
    throw new LifeboatError('BAD_REQUEST', `The worklist cannot be sorted by this; use ${WORKLIST_SORTS.join(', ')}.`);
  }
  return { column, descending, byRank: column === SORT_COLUMNS.studyDate || column === SORT_COLUMNS.studyTime };
}

function selectionOf(query: WorklistQuery): Selection {
  const selection: Selection = { terms: [], where: [] };
  for (const value of searchWords(query.search ?? '')) selection.terms.push([{ kind: 'word', value }]);
  if (query.modalities && query.modalities.length > 0) {
    selection.terms.push(query.modalities.map((value) => ({ kind: 'modality', value })));
  }
  if (query.callingAE) selection.terms.push([{ kind: 'ae', value: query.callingAE }]);
  if (query.conflicts) selection.terms.push([{ kind: 'conflict' }]);
  if (query.dateFrom) selection.rankFrom = rankOfDayStart(query.dateFrom);
  if (query.dateTo) {
    selection.rankTo = rankOfDayEnd(query.dateTo);
    // Studies without a date rank lowest and belong to no period.
    selection.rankFrom ??= rankOfDayStart('18581118');
  }
  return selection;
}

async function countOf(db: Database, flavour: Flavour, selection: Selection, gauge?: Gauge): Promise<number> {
  const { from, rank } = flavour.studies(selection, false, gathered(gauge));
  // without a column PostgreSQL counts from the index alone where a page of the table has not changed lately
  const column = flavour.kind === 'postgres' ? sql`` : rank;
  const counted = await sql<{ count: number }>`
    select count(*) as count from (select ${column} ${from} limit ${COUNT_LIMIT + 1}) as counted`.execute(db);
  return counted.rows[0]!.count;
}

/** For what needs all matches, or no order. */
const gathered = (gauge: Gauge | undefined): Gauge | undefined => gauge && { ...gauge, way: 'gather' };

/** All matches gathered once, for their number and for the page; right only when there are no more than COUNT_LIMIT. */
async function pageOfFew(
  db: Database,
  flavour: Flavour,
  selection: Selection,
  descending: boolean,
  { limit, offset }: Window,
  gauge: Gauge,
): Promise<{ rows: Row[]; count: number }> {
  const { from, rank } = flavour.studies(selection, false, gathered(gauge));
  const direction = descending ? sql`desc` : sql`asc`;
  const { rows } = await sql<Row & { matches: number }>`
    with found as materialized (select ${rank} as found_rank ${from} limit ${COUNT_LIMIT + 1}),
    counted as (select count(*) as matches from found),
    paged as (select found_rank from found order by found_rank ${direction} limit ${limit} offset ${offset})
    select counted.matches, ${COLUMNS} from counted left join paged on true left join study on study.rank = paged.found_rank
    order by paged.found_rank ${direction}`.execute(db);
  return { rows: rows.filter((row) => row.uid !== null), count: rows[0]?.matches ?? 0 };
}

async function pageByRank(
  db: Database,
  flavour: Flavour,
  selection: Selection,
  descending: boolean,
  { limit, offset }: Window,
  gauge?: Gauge,
): Promise<Row[]> {
  const { from, rank } = flavour.studies(selection, false, gauge);
  const direction = descending ? sql`desc` : sql`asc`;
  const rows = await sql<Row>`
    with paged as (select ${rank} as page_rank ${from} order by ${rank} ${direction} limit ${limit} offset ${offset})
    select ${COLUMNS} from paged join study on study.rank = paged.page_rank
    order by paged.page_rank ${direction}`.execute(db);
  return rows.rows;
}

async function pageBySort(
  db: Database,
  flavour: Flavour,
  selection: Selection,
  column: Condition,
  descending: boolean,
  count: number,
  { limit, offset }: Window,
  gauge?: Gauge,
): Promise<Row[]> {
  const direction = descending ? sql`desc` : sql`asc`;
  const order = sql`${column} ${direction}, study.rank ${direction}`;
  const page = sql`order by ${order} limit ${limit} offset ${offset}`;
  const fetch = (ranks: Condition) =>
    sql<Row>`select ${COLUMNS} from (${ranks}) as paged join study on study.rank = paged.rank order by ${order}`.execute(
      db,
    );
  const filters = termsInRow(flavour, selection.terms);
  // `+ 0` keeps the database from walking by rank and sorting afterwards.
  if (selection.rankFrom !== undefined) filters.push(sql`study.rank + 0 >= ${selection.rankFrom}`);
  if (selection.rankTo !== undefined) filters.push(sql`study.rank + 0 <= ${selection.rankTo}`);
  if (filters.length === 0) return (await fetch(sql`select study.rank from study ${page}`)).rows;
  const byArrival = column === SORT_COLUMNS['firstReceivedAt'] || column === SORT_COLUMNS['lastReceivedAt'];
  if (Math.max(count, gauge?.matches ?? 0) > (byArrival ? GATHER_LIMIT_BY_ARRIVAL : GATHER_LIMIT)[flavour.kind]) {
    const walked = await fetch(sql`select study.rank from study
      where ${all([...filters, await walkBound(db, column, descending)])} ${page}`);
    if (walked.rows.length === limit) return walked.rows;
  }
  const { from } = flavour.studies(selection, true, gathered(gauge));
  return (await fetch(sql`select study.rank ${from} ${page}`)).rows;
}

const BOUND_AGE_MS = 60_000;
const bounds = new WeakMap<Database, Map<string, { at: number; bound: Condition }>>();

/**
 * Ends a walk along a sort column after about WALK_LIMIT rows, whatever they hold: matches may all lie at the other end. A
 * bound on the key, not a `limit` around the walk, lets the database stop as soon as the page is full. It is looked up once
 * a minute: where exactly it lies changes no answer.
 */
async function walkBound(db: Database, column: Condition, descending: boolean): Promise<Condition> {
  const ofDatabase = bounds.get(db) ?? new Map<string, { at: number; bound: Condition }>();
  bounds.set(db, ofDatabase);
  const name = `${Object.values(SORT_COLUMNS).indexOf(column as RawBuilder<unknown>)} ${descending}`;
  const known = ofDatabase.get(name);
  if (known && performance.now() - known.at < BOUND_AGE_MS) return known.bound;
  const direction = descending ? sql`desc` : sql`asc`;
  const end = await sql<{ value: unknown; rank: number }>`select ${column} as value, study.rank from study
    order by ${column} ${direction}, study.rank ${direction} limit 1 offset ${WALK_LIMIT}`.execute(db);
  const row = end.rows[0];
  const bound = row
    ? sql`(${column}, study.rank) ${descending ? sql`>=` : sql`<=`} (${row.value}, ${row.rank})`
    : sql`1 = 1`;
  ofDatabase.set(name, { at: performance.now(), bound });
  return bound;
}

function toRow(row: Row): WorklistRow {
  const groups = row.name.split('=').filter(Boolean);
  return {
    studyInstanceUID: row.uid,
    patientName: groups[0] ?? '',
    patientNameGroups: groups,
    patientID: row.patient_id,
    issuerOfPatientID: row.issuer,
    patientBirthDate: row.birth_date,
    patientSex: row.sex,
    accessionNumber: row.accession,
    studyDate: row.study_date,
    studyTime: row.study_time.replace(/\.0*$/, ''),
    studyDescription: row.description,
    modalities: unlist(row.modalities),
    seriesCount: row.series_count,
    instanceCount: row.instance_count,
    bytes: row.bytes,
    firstReceivedAt: row.first_received,
    lastReceivedAt: row.last_received,
    callingAEs: unlist(row.calling_aes),
    conflicts: row.conflicts,
  };
}
