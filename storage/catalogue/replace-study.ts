import { sql } from 'kysely';
import type { InstanceEntry } from '../format/manifest.ts';
import { contentId } from '../merge.ts';
import { addEntries } from './apply.ts';
import type { Flavour } from './flavour.ts';
import type { Database, StudyTable, Trx } from './tables.ts';

/**
 * Puts a study in anew in one transaction; its segments stay known.
 * @param shown `contentId`s that the study is thought to have
 * @returns false, and nothing changes, when it has others, as when an image came meanwhile
 */
export async function replaceStudyRows(
  db: Database,
  flavour: Flavour,
  studyInstanceUID: string,
  shown: ReadonlySet<string>,
  entries: InstanceEntry[],
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    await flavour.lock(trx);
    const study = await trx.selectFrom('study').selectAll().where('uid', '=', studyInstanceUID).executeTakeFirst();
    const has = study ? await contentsOf(trx, study.id) : [];
    if (has.length !== shown.size || has.some((id) => !shown.has(id))) return false;
    if (study) await removeRows(trx, flavour, study);
    await addEntries(trx, flavour, entries);
    return true;
  });
}

async function contentsOf(trx: Trx, studyId: number): Promise<string[]> {
  const rows = await trx
    .selectFrom('instance')
    .innerJoin('series', 'series.id', 'instance.series_id')
    .where('series.study_id', '=', studyId)
    .select(['instance.sop_uid as sopInstanceUID', 'instance.data_set_sha256 as dataSetSha256'])
    .execute();
  return [...new Set(rows.map(contentId))];
}

async function removeRows(trx: Trx, flavour: Flavour, study: StudyTable): Promise<void> {
  const series = trx.selectFrom('series').select('id').where('study_id', '=', study.id);
  await trx.deleteFrom('instance').where('series_id', 'in', series).execute();
  await trx.deleteFrom('series').where('study_id', '=', study.id).execute();
  await trx.deleteFrom('study_detail').where('id', '=', study.id).execute();
  await trx.deleteFrom('study').where('id', '=', study.id).execute();
  if (flavour.kind === 'sqlite') await sql`delete from study_terms where rowid = ${study.rank}`.execute(trx);
  else
    for (const table of ['study_postings', 'study_sample'])
      await sql`delete from ${sql.table(table)} where rank = ${study.rank}`.execute(trx);
  await sql`update totals set studies = studies - 1, series = series - ${study.series_count},
    instances = instances - ${study.instance_count}, bytes = bytes - ${study.bytes},
    conflicts = conflicts - ${study.conflicts}`.execute(trx);
}
