import { sql } from 'kysely';
import type { Flavour } from './flavour.ts';
import type { Database } from './tables.ts';

/** Takes a study out of the catalogue in one transaction; nothing happens where it is unknown. Its segments stay known. */
export async function removeStudyRows(db: Database, flavour: Flavour, studyInstanceUID: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await flavour.lock(trx);
    const study = await trx.selectFrom('study').selectAll().where('uid', '=', studyInstanceUID).executeTakeFirst();
    if (!study) return;
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
  });
}
