import type { Database } from './tables.ts';

const PAGE = 500;

/**
 * Every row as a line of JSON, studies by UID, below each its series and their contents. Internal numbers (rank, id) are
 * left out: two catalogues of the same entries give the same lines.
 */
export async function* dumpCatalogue(db: Database): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    let page = db
      .selectFrom('study')
      .innerJoin('study_detail', 'study_detail.id', 'study.id')
      .selectAll('study')
      .select(['study_detail.newest', 'study_detail.attributes'])
      .orderBy('study.uid')
      .limit(PAGE);
    if (after !== undefined) page = page.where('study.uid', '>', after);
    const studies = await page.execute();
    for (const { rank: _, id, ...study } of studies) {
      yield line('study', study);
      yield* dumpSeries(db, id);
    }
    if (studies.length < PAGE) return;
    after = studies.at(-1)!.uid;
  }
}

async function* dumpSeries(db: Database, studyId: number): AsyncGenerator<string> {
  const rows = await db.selectFrom('series').selectAll().where('study_id', '=', studyId).orderBy('uid').execute();
  for (const { id, study_id: _, ...series } of rows) {
    yield line('series', series);
    const instances = await db
      .selectFrom('instance')
      .selectAll()
      .where('series_id', '=', id)
      .orderBy('sop_uid')
      .orderBy('data_set_sha256')
      .execute();
    for (const { series_id: __, ...instance } of instances) yield line('instance', instance);
  }
}

function line(kind: string, row: object): string {
  const sorted = Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ kind, ...sorted });
}
