import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryOf, text } from '../support/catalogue-entries.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const STUDIES = 6_300;

type Row = Record<string, { Value?: unknown[] }>;

describe('QIDO-RS over thousands of studies', () => {
  let router: TestRouter;

  beforeAll(async () => {
    router = await startRouter();
    const entries = Array.from({ length: STUDIES }, (_, i) =>
      entryOf({ study: `1.2.900.${i}`, attributes: { '00100020': text('LO', `P${i % 7}`) } }),
    );
    const { catalogue } = router.router.context.archive;
    for (let i = 0; i < entries.length; i += 500) await catalogue.apply(entries.slice(i, i + 500));
  });
  afterAll(() => router?.close());

  async function page(query: string): Promise<{ rows: Row[]; warning: string | null }> {
    const answer = await fetch(`${router.url}/dicom-web/studies?${query}`, {
      headers: { Authorization: router.basic },
    });
    expect(answer.status).toBe(200);
    return { rows: (await answer.json()) as Row[], warning: answer.headers.get('warning') };
  }
  const uids = (rows: Row[]) => rows.map((row) => String(row['0020000D']!.Value![0]));

  it('pages through every study once, past 5,000, and says when there is no more', async () => {
    const seen: string[] = [];
    for (let offset = 0; ; ) {
      const { rows, warning } = await page(`limit=700&offset=${offset}`);
      seen.push(...uids(rows));
      offset += rows.length;
      if (warning === null) break;
      expect(warning).toContain(`offset=${offset}`);
    }
    expect(seen).toHaveLength(STUDIES);
    expect(new Set(seen).size).toBe(STUDIES);
  });

  it('cuts an answer without limit, says so, and gives all when asked for all', async () => {
    const cut = await page('');
    expect(cut.rows.length).toBeLessThan(STUDIES);
    expect(cut.warning).toMatch(/^299 .*more results/);
    const all = await page('limit=10000');
    expect(new Set(uids(all.rows)).size).toBe(STUDIES);
    expect(all.warning).toBeNull();
  });

  it('pages within a match', async () => {
    const { rows, warning } = await page('PatientID=P3&limit=1000');
    expect(rows).toHaveLength(STUDIES / 7);
    expect(warning).toBeNull();
    expect((await page(`PatientID=P3&offset=${STUDIES}`)).rows).toEqual([]);
  });
});
