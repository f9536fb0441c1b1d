import { sql } from 'kysely';
import type { DicomJson, InstanceEntry } from '../format/manifest.ts';
import { type Flavour, type PostingChange, postingsDiffer } from './flavour.ts';
import { rankCandidates, rankFits } from './rank.ts';
import { instanceRow, type PreparedEntry, prepare, seriesValues, studyValues } from './rows.ts';
import type { Database, SeriesTable, StudyTable, TotalsTable, Trx } from './tables.ts';
import { studyTerms } from './terms.ts';
import { list, unlist } from './values.ts';

/** Entries per round of statements; the event loop breathes between rounds. */
const ROUND = 200;
/** Rows per statement: stays below the parameter limits of both databases. */
const ROWS = 100;

/**
 * Adds entries in one transaction. Every stored value is a function of the set of entries seen, whatever their order:
 * of two receptions of one content the newest stays, study and series values come from the newest entry, counts are
 * counted again. The segments count as read once the transaction is through.
 */
export async function applyEntries(
  db: Database,
  flavour: Flavour,
  entries: InstanceEntry[],
  segments: string[],
): Promise<void> {
  if (entries.length === 0 && segments.length === 0) return;
  await db.transaction().execute(async (trx) => {
    await flavour.lock(trx);
    await addEntries(trx, flavour, entries);
    for (let i = 0; i < segments.length; i += ROWS) {
      const rows = segments.slice(i, i + ROWS).map((key) => ({ key }));
      await trx
        .insertInto('segment')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  });
}

/** The same within a transaction that holds the lock. */
export async function addEntries(trx: Trx, flavour: Flavour, entries: InstanceEntry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += ROUND) {
    await applyRound(trx, flavour, entries.slice(i, i + ROUND).map(prepare));
  }
}

async function applyRound(trx: Trx, flavour: Flavour, prepared: PreparedEntry[]): Promise<void> {
  const studies = await loadStudies(trx, prepared);
  const series = await loadSeries(trx, studies, prepared);
  await upsertInstances(trx, series, prepared);
  await recountSeries(trx, [...series.values()]);
  await upsertSeries(trx, [...series.values()]);
  await finishStudies(trx, flavour, [...studies.values()]);
}

interface StudyWork {
  id: number;
  uid: string;
  before: StudyTable | null;
  newest: string;
  /** Set when a newer entry came. */
  attributes: DicomJson | null;
}
type SeriesWork = SeriesTable & { isNew: boolean };

async function nextId(trx: Trx, table: 'study_detail' | 'series'): Promise<number> {
  const row = await trx
    .selectFrom(table)
    .select(({ fn }) => fn.max('id').as('max'))
    .executeTakeFirst();
  return Number(row?.max ?? 0) + 1;
}

async function loadStudies(trx: Trx, prepared: PreparedEntry[]): Promise<Map<string, StudyWork>> {
  const uids = [...new Set(prepared.map(({ entry }) => entry.studyInstanceUID))];
  const rows = await trx.selectFrom('study').selectAll().where('uid', 'in', uids).execute();
  const ids = rows.map((row) => row.id);
  const details =
    ids.length > 0
      ? await trx.selectFrom('study_detail').select(['id', 'newest']).where('id', 'in', ids).execute()
      : [];
  const detailOf = new Map(details.map((detail) => [detail.id, detail]));
  const works = new Map<string, StudyWork>();
  for (const before of rows) {
    const detail = detailOf.get(before.id);
    works.set(before.uid, { id: before.id, uid: before.uid, before, newest: detail?.newest ?? '', attributes: null });
  }
  let id = works.size < uids.length ? await nextId(trx, 'study_detail') : 0;
  for (const uid of uids) {
    if (works.has(uid)) continue;
    works.set(uid, { id: id++, uid, before: null, newest: '', attributes: null });
  }
  for (const { entry, version, levels } of prepared) {
    const work = works.get(entry.studyInstanceUID)!;
    const mark = `${version} ${entry.sopInstanceUID}`;
    if (mark <= work.newest) continue;
    work.newest = mark;
    work.attributes = levels.study;
  }
  return works;
}

const seriesKey = (studyUID: string, seriesUID: string) => `${studyUID} ${seriesUID}`;

async function loadSeries(
  trx: Trx,
  studies: Map<string, StudyWork>,
  prepared: PreparedEntry[],
): Promise<Map<string, SeriesWork>> {
  const studyOf = new Map([...studies.values()].map((study) => [study.id, study.uid]));
  const uids = [...new Set(prepared.map(({ entry }) => entry.seriesInstanceUID))];
  const rows = await trx
    .selectFrom('series')
    .selectAll()
    .where('study_id', 'in', [...studyOf.keys()])
    .where('uid', 'in', uids)
    .execute();
  const works = new Map<string, SeriesWork>();
  for (const row of rows) works.set(seriesKey(studyOf.get(row.study_id)!, row.uid), { ...row, isNew: false });
  let id = 0;
  for (const { entry, version, levels } of prepared) {
    const key = seriesKey(entry.studyInstanceUID, entry.seriesInstanceUID);
    let work = works.get(key);
    const mark = `${version} ${entry.sopInstanceUID}`;
    if (work && mark <= work.newest) continue;
    if (!work && id === 0) id = await nextId(trx, 'series');
    work = {
      ...(work ?? emptySeries(id++, studies.get(entry.studyInstanceUID)!.id)),
      ...seriesValues(entry.seriesInstanceUID, levels.series),
      newest: mark,
      attributes: JSON.stringify(levels.series),
    };
    works.set(key, work);
  }
  return works;
}

function emptySeries(id: number, studyId: number): SeriesWork {
  return {
    isNew: true,
    id,
    study_id: studyId,
    ...seriesValues('', {}),
    sop_classes: '',
    calling_aes: '',
    instance_count: 0,
    content_count: 0,
    bytes: 0,
    first_received: '',
    last_received: '',
    conflicts: 0,
    newest: '',
    attributes: '{}',
  };
}

async function upsertInstances(trx: Trx, series: Map<string, SeriesWork>, prepared: PreparedEntry[]): Promise<void> {
  const newest = new Map<string, PreparedEntry>();
  for (const each of prepared) {
    const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, dataSetSha256 } = each.entry;
    const key = `${seriesKey(studyInstanceUID, seriesInstanceUID)} ${sopInstanceUID} ${dataSetSha256}`;
    const other = newest.get(key);
    if (!other || other.version < each.version) newest.set(key, each);
  }
  const rows = [...newest.values()].map((each) => {
    const { studyInstanceUID, seriesInstanceUID } = each.entry;
    return instanceRow(series.get(seriesKey(studyInstanceUID, seriesInstanceUID))!.id, each);
  });
  for (let i = 0; i < rows.length; i += ROWS) {
    await trx
      .insertInto('instance')
      .values(rows.slice(i, i + ROWS))
      .onConflict((conflict) =>
        conflict
          .columns(['series_id', 'sop_uid', 'data_set_sha256'])
          .doUpdateSet(({ ref }) => ({
            version: ref('excluded.version'),
            sop_class: ref('excluded.sop_class'),
            number: ref('excluded.number'),
            object_key: ref('excluded.object_key'),
            size: ref('excluded.size'),
            sha256: ref('excluded.sha256'),
            transfer_syntax: ref('excluded.transfer_syntax'),
            received_at: ref('excluded.received_at'),
            calling_ae: ref('excluded.calling_ae'),
            source: ref('excluded.source'),
            attributes: ref('excluded.attributes'),
          }))
          .whereRef('instance.version', '<', 'excluded.version'),
      )
      .execute();
  }
}

/** Counts of the series from its instances; decides which content of a SOP Instance UID is current. */
async function recountSeries(trx: Trx, works: SeriesWork[]): Promise<void> {
  const ids = works.map((work) => work.id);
  const inSeries = sql`series_id in (${sql.join(ids)})`;
  const counts = await sql<{
    series_id: number;
    contents: number;
    instances: number;
    bytes: number;
    first: string;
    last: string;
  }>`select series_id, count(*) as contents, count(distinct sop_uid) as instances, cast(sum(size) as bigint) as bytes,
    min(received_at) as first, max(received_at) as last from instance where ${inSeries} group by series_id`.execute(
    trx,
  );
  const kinds = await sql<{ series_id: number; sop_class: string; calling_ae: string }>`
    select distinct series_id, sop_class, calling_ae from instance where ${inSeries}`.execute(trx);
  const byId = new Map(works.map((work) => [work.id, work]));
  for (const row of counts.rows) {
    const work = byId.get(row.series_id)!;
    work.content_count = row.contents;
    work.instance_count = row.instances;
    work.bytes = row.bytes;
    work.first_received = row.first;
    work.last_received = row.last;
  }
  const classes = Map.groupBy(kinds.rows, (row) => row.series_id);
  for (const [id, rows] of classes) {
    const work = byId.get(id)!;
    work.sop_classes = list(rows.map((row) => row.sop_class));
    work.calling_aes = list(rows.map((row) => row.calling_ae));
  }
  const doubled = works.filter((work) => work.content_count > work.instance_count);
  if (doubled.length === 0) return;
  const inDoubled = sql`series_id in (${sql.join(doubled.map((work) => work.id))})`;
  await sql`update instance set current = case when exists (
      select 1 from instance as newer where newer.series_id = instance.series_id and newer.sop_uid = instance.sop_uid
        and newer.version > instance.version) then 0 else 1 end
    where ${inDoubled}`.execute(trx);
  const conflicts = await sql<{ series_id: number; conflicts: number }>`
    select series_id, count(*) as conflicts from (
      select series_id, sop_uid from instance where ${inDoubled} group by series_id, sop_uid having count(*) > 1
    ) as doubled group by series_id`.execute(trx);
  for (const row of conflicts.rows) byId.get(row.series_id)!.conflicts = row.conflicts;
}

async function upsertSeries(trx: Trx, works: SeriesWork[]): Promise<void> {
  const gone = works.filter((work) => !work.isNew).map((work) => work.id);
  if (gone.length > 0) await trx.deleteFrom('series').where('id', 'in', gone).execute();
  const rows = works.map(({ isNew: _, ...row }) => row);
  for (let i = 0; i < rows.length; i += ROWS) {
    await trx
      .insertInto('series')
      .values(rows.slice(i, i + ROWS))
      .execute();
  }
}

async function finishStudies(trx: Trx, flavour: Flavour, works: StudyWork[]): Promise<void> {
  const ids = works.map((work) => work.id);
  const seriesRows = await trx
    .selectFrom('series')
    .select(['study_id', 'modality', 'sop_classes', 'calling_aes', 'instance_count', 'content_count', 'bytes'])
    .select(['first_received', 'last_received', 'conflicts'])
    .where('study_id', 'in', ids)
    .execute();
  const seriesOf = Map.groupBy(seriesRows, (row) => row.study_id);
  const rows: StudyTable[] = [];
  const changes: PostingChange[] = [];
  const totals = { studies: 0, series: 0, instances: 0, bytes: 0, conflicts: 0 };
  const values = new Map(
    works.map((work) => [
      work,
      !work.attributes && work.before ? work.before : studyValues(work.uid, work.attributes ?? {}),
    ]),
  );
  const ranks = await chooseRanks(trx, works, values);
  for (const work of works) {
    const series = seriesOf.get(work.id) ?? [];
    const sum = (pick: (row: (typeof series)[number]) => number) => series.reduce((total, row) => total + pick(row), 0);
    const after: StudyTable = {
      ...values.get(work)!,
      id: work.id,
      rank: ranks.get(work)!,
      modalities: list(series.map((row) => row.modality)),
      sop_classes: list(series.flatMap((row) => unlist(row.sop_classes))),
      calling_aes: list(series.flatMap((row) => unlist(row.calling_aes))),
      series_count: series.length,
      instance_count: sum((row) => row.instance_count),
      content_count: sum((row) => row.content_count),
      bytes: sum((row) => row.bytes),
      first_received: series.map((row) => row.first_received).sort()[0] ?? '',
      last_received:
        series
          .map((row) => row.last_received)
          .sort()
          .at(-1) ?? '',
      conflicts: sum((row) => row.conflicts),
    };
    rows.push(after);
    if (!work.before || postingsDiffer(work.before, after)) {
      changes.push({ before: work.before, after: { rank: after.rank, terms: studyTerms(after) } });
    }
    totals.studies += work.before ? 0 : 1;
    totals.series += after.series_count - (work.before?.series_count ?? 0);
    totals.instances += after.instance_count - (work.before?.instance_count ?? 0);
    totals.bytes += after.bytes - (work.before?.bytes ?? 0);
    totals.conflicts += after.conflicts - (work.before?.conflicts ?? 0);
  }
  const gone = works.filter((work) => work.before).map((work) => work.id);
  if (gone.length > 0) await trx.deleteFrom('study').where('id', 'in', gone).execute();
  for (let i = 0; i < rows.length; i += ROWS) {
    await trx
      .insertInto('study')
      .values(rows.slice(i, i + ROWS))
      .execute();
  }
  await replaceDetails(
    trx,
    works.filter((work) => work.attributes),
  );
  await flavour.writePostings(trx, changes);
  await addTotals(trx, totals);
}

type Dated = Pick<StudyTable, 'study_date' | 'study_time'>;

/** A free rank for each study: kept where date and time stayed, else the first free candidate. */
async function chooseRanks(
  trx: Trx,
  works: StudyWork[],
  dated: Map<StudyWork, Dated>,
): Promise<Map<StudyWork, number>> {
  const ranks = new Map<StudyWork, number>();
  const open: { work: StudyWork; candidates: Generator<number>; rank: number }[] = [];
  for (const work of works) {
    const { study_date, study_time } = dated.get(work)!;
    if (work.before && rankFits(work.before.rank, study_date, study_time)) {
      ranks.set(work, work.before.rank);
      continue;
    }
    const candidates = rankCandidates(study_date, study_time, work.uid);
    open.push({ work, candidates, rank: nextCandidate(candidates) });
  }
  const taken = new Set<number>();
  for (let rest = open; rest.length > 0; ) {
    const wanted = rest.map(({ rank }) => rank);
    const others = await trx.selectFrom('study').select('rank').where('rank', 'in', wanted).execute();
    for (const { rank } of others) taken.add(rank);
    const again: typeof open = [];
    for (const each of rest) {
      if (taken.has(each.rank)) {
        each.rank = nextCandidate(each.candidates);
        again.push(each);
      } else {
        taken.add(each.rank);
        ranks.set(each.work, each.rank);
      }
    }
    rest = again;
  }
  return ranks;
}

function nextCandidate(candidates: Generator<number>): number {
  const next = candidates.next();
  if (next.done) throw new Error('more studies within one second than a rank can tell apart');
  return next.value;
}

async function replaceDetails(trx: Trx, works: StudyWork[]): Promise<void> {
  const known = works.filter((work) => work.before).map((work) => work.id);
  if (known.length > 0) await trx.deleteFrom('study_detail').where('id', 'in', known).execute();
  for (let i = 0; i < works.length; i += ROWS) {
    const rows = works.slice(i, i + ROWS).map(({ id, newest, attributes }) => ({
      id,
      newest,
      attributes: JSON.stringify(attributes),
    }));
    await trx.insertInto('study_detail').values(rows).execute();
  }
}

async function addTotals(trx: Trx, add: Omit<TotalsTable, 'singleton'>): Promise<void> {
  await trx
    .updateTable('totals')
    .set((eb) => ({
      studies: eb('studies', '+', add.studies),
      series: eb('series', '+', add.series),
      instances: eb('instances', '+', add.instances),
      bytes: eb('bytes', '+', add.bytes),
      conflicts: eb('conflicts', '+', add.conflicts),
    }))
    .execute();
}
