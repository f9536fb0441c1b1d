import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { StudyManifest } from '../../storage/format/manifest.ts';
import { imageFile } from '../support/image-file.ts';
import { eventually, isLit, paneSum, type ReadingPage, startReadingPage } from '../support/reading-page.ts';
import type { Browser } from '../support/router.ts';

const STUDY = '1.2.3';
const SIDE = 256;
let reading: ReadingPage;
let person: Browser;
/** Keys of what was fetched from the store, since it was last emptied. */
let fetched: string[] = [];

const fromRenditions = () => fetched.filter((key) => key.startsWith('renditions/')).length;
const fromObjects = () => fetched.filter((key) => key.startsWith('objects/')).length;

/** Opens the study with this wish and gives what the first pane shows, once it shows it. */
async function look(renditions: 'always' | 'never'): Promise<number> {
  expect((await person.send('PUT', '/api/preferences', { renditions })).status).toBe(204);
  fetched = [];
  await reading.open(STUDY);
  await eventually(() => isLit(reading.page)).toBe(true);
  return await paneSum(reading.page);
}

beforeAll(async () => {
  reading = await startReadingPage({ env: { LIFEBOAT_RENDITIONS: 'true' } });
  const { router, page } = reading;
  person = await router.login();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/objects/')) fetched.push(pathname.slice('/objects/'.length));
  });
  for (let n = 0; n < 3; n++) {
    const pixels = Uint16Array.from({ length: SIDE * SIDE }, (_, i) => ((i % SIDE) * 9 + (i >> 8) * (n + 1)) & 0x0fff);
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/dicom',
        Accept: 'application/dicom+json',
        Authorization: router.basic,
      },
      body: imageFile({ rows: SIDE, columns: SIDE, pixels, bitsStored: 12 }) as Uint8Array<ArrayBuffer>,
    });
    expect(answer.status).toBe(200);
  }
  await vi.waitFor(
    async () => {
      const manifest = await person.json<StudyManifest>(`/api/studies/${STUDY}/manifest`);
      const instances = manifest.series.flatMap((series) => series.instances);
      expect(instances.filter(({ rendition }) => rendition).length).toBe(3);
    },
    { timeout: 60_000, interval: 500 },
  );
}, 120_000);
afterAll(() => reading.close());

test('what is drawn from renditions is what the objects show; one that was altered is not drawn', async () => {
  const plain = await look('never');
  await eventually(fromObjects).toBe(3);
  expect(fromRenditions()).toBe(0);

  expect(await look('always')).toBe(plain);
  await eventually(fromRenditions).toBe(3);
  expect(fromObjects()).toBe(0);

  await reading.page.route('**/objects/renditions/**', async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    body[body.length >> 1]! ^= 1;
    await route.fulfill({ response: answer, body });
  });
  expect(await look('always')).toBe(plain);
  await eventually(fromObjects).toBe(3);
  expect(fromRenditions()).toBe(3);
  expect(reading.complaints).toEqual([]);
}, 120_000);
