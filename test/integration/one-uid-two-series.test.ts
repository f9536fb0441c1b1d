import { afterAll, beforeAll, expect, it } from 'vitest';
import { verify } from '../../storage/verify.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage } from '../support/small-image.ts';

const STUDY = '1.2.826.0.7.1';
const SERIES = [`${STUDY}.1`, `${STUDY}.2`] as const;
const SOP = `${STUDY}.9`;
const files = SERIES.map((series, i) => smallImage({ study: STUDY, series, sop: SOP, value: i + 1 }));

let test: TestRouter;
beforeAll(async () => {
  test = await startRouter();
  await keepFiles(test.router.context.archive, files);
});
afterAll(() => test.close());

const get = (path: string, accept: string) =>
  fetch(`${test.url}/dicom-web/studies/${STUDY}${path}`, { headers: { Accept: accept, Authorization: test.basic } });
const json = async (path: string) =>
  (await (await get(path, 'application/dicom+json')).json()) as Record<string, { Value: unknown[] }>[];

it('one SOP Instance UID in two series is two instances: neither hides the other', async () => {
  expect((await json('/instances')).map((row) => row['0020000E']?.Value[0]).sort()).toEqual(SERIES);
  const metadata = await json('/metadata');
  expect(metadata.map((row) => row['0020000E']?.Value[0]).sort()).toEqual(SERIES);
  for (const row of metadata) {
    const text = JSON.stringify(row['7FE00010']);
    expect(text).toContain(`/series/${String(row['0020000E']?.Value[0])}/instances/${SOP}/bulkdata/`);
  }
  for (const [i, series] of SERIES.entries()) {
    const answer = await get(`/series/${series}/instances/${SOP}`, 'application/dicom; transfer-syntax=*');
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(files[i]!)).toBe(true);
    expect((await json(`/series/${series}/metadata`)).map((row) => row['0020000E']?.Value[0])).toEqual([series]);
  }
  const { archive } = test.router.context;
  const manifest = await archive.manifest(STUDY);
  expect(manifest?.series.map(({ instances }) => instances.map(({ superseded }) => superseded))).toEqual([
    [undefined],
    [undefined],
  ]);
  expect(await archive.catalogue.totals()).toMatchObject({ series: 2, instances: 2, conflicts: 0 });
  const run = verify({ store: archive.store, catalogue: archive.catalogue });
  for await (const finding of run) expect(finding).toBeUndefined();
});
