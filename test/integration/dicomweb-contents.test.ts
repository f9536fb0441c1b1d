import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage } from '../support/small-image.ts';

type Json = Record<string, { Value?: { Alphabetic: string }[]; BulkDataURI?: string }>;

const STUDY = '1.2.826.0.8.1';
const instance = { study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.1` };
// The name's length moves the pixel data: offsets of one content are wrong in the other.
const OLDER = { patientName: 'First^Patient', value: 0x1111 };
const NEWER = { patientName: 'Second^Patient^With^A^Much^Longer^Name', value: 0x2222 };

let test: TestRouter;
let address: string;
let before: { uri: string; metadata: string };
beforeAll(async () => {
  test = await startRouter();
  address = `${test.url}/dicom-web/studies/${STUDY}/series/${instance.series}/instances/${instance.sop}`;
  const { archive } = test.router.context;
  await keepFiles(archive, [smallImage({ ...instance, ...OLDER })]);
  const metadata = await text('/metadata');
  before = { metadata, uri: uriIn(metadata) };
  await keepFiles(archive, [smallImage({ ...instance, ...NEWER })]);
});
afterAll(() => test.close());

const get = (url: string, accept: string) =>
  fetch(url, { headers: { Accept: accept, Authorization: test.basic, 'Accept-Encoding': 'identity' } });
async function text(path: string): Promise<string> {
  const answer = await get(address + path, 'application/dicom+json');
  expect(answer.status).toBe(200);
  return await answer.text();
}
const json = (body: string) => (JSON.parse(body) as Json[])[0]!;
const uriIn = (body: string) => json(body)['7FE00010']!.BulkDataURI!;
async function pixels(uri: string): Promise<number[]> {
  const answer = await get(uri, 'application/octet-stream');
  expect(answer.status).toBe(200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i));
}

it('an address out of metadata leads to the content described there, also after another came under the same UID', async () => {
  expect(await pixels(before.uri)).toEqual(Array(16).fill(OLDER.value));
  const now = await text('/metadata');
  expect(json(now)['00100010']!.Value![0]!.Alphabetic).toBe(NEWER.patientName);
  expect(uriIn(now)).not.toBe(before.uri);
  expect(await pixels(uriIn(now))).toEqual(Array(16).fill(NEWER.value));
});

it('metadata, frames and bulk data of the older content are still there by its hash', async () => {
  const content = new URL(before.uri).search;
  expect(content).toMatch(/^\?content=[0-9a-f]{64}$/);
  expect(await text(`/metadata${content}`)).toBe(before.metadata);
  expect(await pixels(`${address}/frames/1${content}`)).toEqual(Array(16).fill(OLDER.value));
  const multipart = await get(`${address}/frames/1${content}`, 'multipart/related; type="application/octet-stream"');
  expect(await multipart.text()).toContain(`Content-Location: ${address}/frames/1${content}\r\n`);
  expect((await get(`${address}/metadata?content=${'0'.repeat(64)}`, 'application/dicom+json')).status).toBe(404);
});
