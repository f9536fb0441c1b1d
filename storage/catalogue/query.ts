import { sql } from 'kysely';
import type { DicomJson } from '../format/manifest.ts';
import type { Query, QueryResult } from './catalogue-types.ts';
import { all, type Condition, type Flavour } from './flavour.ts';
import { type Asked, askedBy } from './keys.ts';
import type { Database, InstanceTable, StudyTable } from './tables.ts';
import { unlist } from './values.ts';

type StudyPart = Pick<StudyTable, 'uid' | 'modalities' | 'sop_classes' | 'series_count' | 'instance_count'> & {
  study_attributes: string;
};
type SeriesPart = StudyPart & {
  series_uid: string;
  series_instances: number;
  series_attributes: string;
};
type InstancePart = SeriesPart &
  Pick<InstanceTable, 'sop_uid' | 'sop_class' | 'transfer_syntax' | 'number'> & { instance_attributes: string };

const STUDY_COLUMNS = sql`study.uid, study.modalities, study.sop_classes, study.series_count, study.instance_count,
  study_detail.attributes as study_attributes`;
const SERIES_COLUMNS = sql`series.uid as series_uid, series.instance_count as series_instances,
  series.attributes as series_attributes`;
const INSTANCE_COLUMNS = sql`instance.sop_uid, instance.sop_class, instance.transfer_syntax, instance.number,
  instance.attributes as instance_attributes`;

/**
 * QIDO-RS search (PS3.18 10.6). Studies come newest first, series and instances below them by number and UID; the order is
 * total, so pages neither repeat nor skip.
 */
export async function runQuery(db: Database, flavour: Flavour, query: Query): Promise<QueryResult> {
  const asked = askedBy(flavour, query);
  const { terms } = asked.studies;
  if (query.level === 'study' && terms.length > 0) {
    const rows = query.limit + query.offset + 1;
    const gauge = await flavour.gauge?.(db, asked.studies, { descending: true, rows });
    if (gauge?.way === 'walk' && gauge.bound !== null) {
      // conditions beside the terms may leave little of what they find: the walk ends early and all matches are gathered
      const bounded = { ...asked.studies, rankFrom: Math.max(gauge.bound, asked.studies.rankFrom ?? 0) };
      const walked = await search(db, query, { ...asked, studies: bounded }, flavour.studies(bounded, true, gauge));
      if (walked.more) return walked;
    }
    return search(db, query, asked, flavour.studies(asked.studies, true, gauge && { ...gauge, way: 'gather' }));
  }
  return search(db, query, asked, flavour.studies(asked.studies, true));
}

async function search(
  db: Database,
  query: Query,
  asked: Asked,
  { from, rank }: { from: Condition; rank: Condition },
): Promise<QueryResult> {
  const page = sql`limit ${query.limit + 1} offset ${query.offset}`;
  const below = (conditions: Condition[]) => (conditions.length > 0 ? sql` and ${all(conditions)}` : sql``);
  const seriesOfStudies = sql`(select study.id as study_number, ${rank} as study_rank ${from}) as found
    join series on series.study_id = found.study_number${below(asked.series)}`;
  const details = sql`join study on study.id = paged.study_number join study_detail on study_detail.id = study.id`;
  const rows = await (query.level === 'study'
    ? sql<StudyPart>`
        with paged as (select study.id as study_number, ${rank} as study_rank ${from} order by ${rank} desc ${page})
        select ${STUDY_COLUMNS} from paged ${details} order by paged.study_rank desc`
    : query.level === 'series'
      ? sql<SeriesPart>`
        with paged as (
          select found.study_number, found.study_rank, series.id as series_number from ${seriesOfStudies}
          order by found.study_rank desc, coalesce(series.number, 2147483647), series.uid ${page})
        select ${STUDY_COLUMNS}, ${SERIES_COLUMNS} from paged ${details}
          join series on series.id = paged.series_number
          order by paged.study_rank desc, coalesce(series.number, 2147483647), series.uid`
      : sql<InstancePart>`
        with paged as (
          select found.study_number, found.study_rank, series.id as series_number, instance.sop_uid,
            instance.data_set_sha256
          from ${seriesOfStudies}
          join instance on instance.series_id = series.id and instance.current = 1${below(asked.instances)}
          order by found.study_rank desc, coalesce(series.number, 2147483647), series.uid,
            coalesce(instance.number, 2147483647), instance.sop_uid ${page})
        select ${STUDY_COLUMNS}, ${SERIES_COLUMNS}, ${INSTANCE_COLUMNS} from paged ${details}
          join series on series.id = paged.series_number
          join instance on instance.series_id = paged.series_number and instance.sop_uid = paged.sop_uid
            and instance.data_set_sha256 = paged.data_set_sha256
          order by paged.study_rank desc, coalesce(series.number, 2147483647), series.uid,
            coalesce(instance.number, 2147483647), instance.sop_uid`
  ).execute(db);
  const answer = rows.rows.slice(0, query.limit).map((row) => toDicomJson(row));
  return {
    rows: answer,
    more: rows.rows.length > query.limit,
    ...(asked.ignoredKeys.length > 0 ? { ignoredKeys: asked.ignoredKeys } : {}),
  };
}

const element = (vr: string, values: unknown[]) => (values.length > 0 ? { vr, Value: values } : { vr });

function toDicomJson(row: StudyPart | SeriesPart | InstancePart): DicomJson {
  const json: DicomJson = {
    ...(JSON.parse(row.study_attributes) as DicomJson),
    '00080005': element('CS', ['ISO_IR 192']),
    '00080056': element('CS', ['ONLINE']),
    '00080061': element('CS', unlist(row.modalities)),
    '00080062': element('UI', unlist(row.sop_classes)),
    '0020000D': element('UI', [row.uid]),
    '00201206': element('IS', [row.series_count]),
    '00201208': element('IS', [row.instance_count]),
  };
  if (!('series_uid' in row)) return json;
  Object.assign(json, JSON.parse(row.series_attributes), {
    '0020000E': element('UI', [row.series_uid]),
    '00201209': element('IS', [row.series_instances]),
  });
  if (!('sop_uid' in row)) return json;
  return Object.assign(json, JSON.parse(row.instance_attributes), {
    '00080005': element('CS', ['ISO_IR 192']),
    '00080016': element('UI', [row.sop_class]),
    '00080018': element('UI', [row.sop_uid]),
    '00083002': element('UI', [row.transfer_syntax]),
  });
}

/** Study of a series or SOP instance UID; the one last received when a UID occurs in several. */
export async function findStudyOf(
  db: Database,
  uid: { seriesInstanceUID?: string; sopInstanceUID?: string },
): Promise<string | null> {
  let select = db
    .selectFrom('series')
    .innerJoin('study', 'study.id', 'series.study_id')
    .select('study.uid')
    .orderBy('study.last_received', 'desc')
    .orderBy('study.uid');
  if (uid.seriesInstanceUID !== undefined) select = select.where('series.uid', '=', uid.seriesInstanceUID);
  const sop = uid.sopInstanceUID;
  if (sop !== undefined) {
    select = select.where('series.id', 'in', (eb) =>
      eb.selectFrom('instance').select('instance.series_id').where('instance.sop_uid', '=', sop),
    );
  }
  if (uid.seriesInstanceUID === undefined && sop === undefined) return null;
  return (await select.executeTakeFirst())?.uid ?? null;
}
