import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { partsOf, storeRequest } from '../support/dicomweb.ts';
import { imageFile } from '../support/image-file.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const STUDY = '1.2.3.500';
const SERIES = `${STUDY}.1`;
const ONE = `studies/${STUDY}/series/${SERIES}/instances/${SERIES}.1`;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What users of other servers and viewers complained of, asked as those viewers ask. */
describe('DICOMweb as foreign viewers use it', () => {
  let router: TestRouter;

  beforeAll(async () => {
    router = await startRouter();
    const files: Uint8Array[] = [1, 2, 3].map((n) =>
      smallImage({
        study: STUDY,
        series: SERIES,
        sop: `${SERIES}.${n}`,
        patientID: 'A1',
        patientName: 'Doe^Jane',
        instanceNumber: n,
        value: n,
      }),
    );
    // The same SOP Instance UID in another series of the study, and the same patient ID from two hospitals.
    files.push(
      smallImage({
        study: STUDY,
        series: `${STUDY}.2`,
        sop: `${SERIES}.1`,
        patientID: 'A1',
        patientName: 'Doe^Jane',
        value: 99,
      }),
    );
    for (const [i, issuer] of ['NORTH', 'SOUTH'].entries()) {
      const extra = {
        '00080020': ['DA', '20260105'],
        '00100010': ['PN', i === 0 ? 'Doe^Janet' : ''],
        '00100020': ['LO', 'SAME'],
        '00100021': ['LO', issuer],
        '0020000D': ['UI', `1.2.3.51${i}`],
        '0020000E': ['UI', `1.2.3.51${i}.1`],
      } as const;
      files.push(
        imageFile({
          rows: 512,
          columns: 512,
          frames: 4,
          pixels: new Uint8Array(4 * 512 * 512).map((_, at) => at >> 18),
          extra,
        }),
      );
    }
    const { body, contentType } = storeRequest(files);
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { Authorization: router.basic, 'Content-Type': contentType },
      body,
    });
    expect(answer.status).toBe(200);
    await router.router.context.archive.flush();
  });
  afterAll(() => router?.close());

  const get = (path: string, accept = 'application/dicom+json', more: RequestInit = {}) =>
    fetch(path.startsWith('http') ? path : `${router.url}/dicom-web/${path}`, {
      ...more,
      headers: { Authorization: router.basic, Accept: accept, ...(more.headers as Record<string, string>) },
    });
  const search = async (path: string) => {
    const answer = await get(path);
    expect([path, answer.status]).toEqual([path, 200]);
    return (await answer.json()) as DicomJson[];
  };
  const studies = async (query: string) =>
    (await search(`studies?${query}`)).map((row) => String(row['0020000D']!.Value![0])).sort();

  it('answers a search without matches with an empty list, not with an error', async () => {
    expect(await search('studies?PatientID=NOBODY')).toEqual([]);
    expect(await search('studies?PatientName=')).toHaveLength(3);
  });

  it('answers 404 for what is not there, on every level, also for a series of another study', async () => {
    for (const path of [
      'studies/9.9.9/metadata',
      `studies/${STUDY}/series/9.9/metadata`,
      `studies/${STUDY}/series/${SERIES}/instances/9.9/metadata`,
      `studies/1.2.3.510/series/${SERIES}/metadata`,
      `${ONE}/frames/2`,
    ]) {
      expect([path, (await get(path, '*/*')).status]).toEqual([path, 404]);
    }
  });

  it.each([
    ['keyword', 'PatientID=SAME', 2],
    ['tag', '00100020=SAME', 2],
    ['tag in small letters', '0020000d=1.2.3.510', 1],
    ['several UIDs by comma', `StudyInstanceUID=1.2.3.510,${STUDY}`, 2],
    ['several UIDs by backslash', `StudyInstanceUID=1.2.3.510%5C${STUDY}`, 2],
    ['issuer of the patient ID', 'PatientID=SAME&IssuerOfPatientID=SOUTH', 1],
    ['name in other case', 'PatientName=dOe^jAnE', 1],
    ['family name with wildcard', 'PatientName=Doe*', 2],
    ['one letter wildcard', 'PatientName=Doe%5EJan?', 1],
    ['fuzzy, given name first', 'PatientName=jane doe&fuzzymatching=true', 2],
    ['date', 'StudyDate=20260105', 2],
    ['open range', 'StudyDate=20260105-', 2],
    ['range up to', 'StudyDate=-20260104', 1],
    ['modality of the study', 'ModalitiesInStudy=CT', 1],
    ['a cache breaker', 'PatientID=SAME&_=12345', 2],
    ['a key that matches everything', 'PatientID=*', 3],
  ])('finds studies by %s', async (_what, query, count) => {
    expect(await studies(query)).toHaveLength(count);
  });

  it('does not mind a slash at the end of an address', async () => {
    expect(await search('studies/?PatientID=SAME')).toHaveLength(2);
    expect(await search(`studies/${STUDY}/series/`)).toHaveLength(2);
    expect((await get(`studies/${STUDY}/metadata/`)).status).toBe(200);
  });

  it('never answers null, empty Value lists or numbers as text, on which viewers fall', async () => {
    for (const path of [
      'studies?includefield=all',
      'series?includefield=all',
      'instances?includefield=all',
      `studies/1.2.3.511/metadata`,
    ]) {
      for (const row of await search(path)) {
        for (const [tag, element] of Object.entries(row)) {
          expect([path, tag, tag]).toEqual([path, tag, tag.toUpperCase()]);
          expect(element.vr, `${path} ${tag}`).toMatch(/^[A-Z]{2}$/);
          if (element.Value === undefined) continue;
          expect(element.Value.length, `${path} ${tag}`).toBeGreaterThan(0);
          if (['IS', 'US', 'UL', 'SS'].includes(element.vr))
            expect(typeof element.Value[0], `${path} ${tag}`).toBe('number');
        }
      }
    }
  });

  it('counts series and instances, and tells frames, rows and columns in a search for instances', async () => {
    const [study] = await search(`studies?StudyInstanceUID=${STUDY}&includefield=00201206,00201208`);
    expect([study!['00201206']!.Value, study!['00201208']!.Value]).toEqual([[2], [4]]);
    const [instance] = await search('instances?StudyInstanceUID=1.2.3.510');
    expect(['00280008', '00280010', '00280011'].map((tag) => instance![tag]?.Value)).toEqual([[4], [512], [512]]);
  });

  it('keeps two series apart that share a SOP Instance UID', async () => {
    const other = `studies/${STUDY}/series/${STUDY}.2/instances/${SERIES}.1`;
    const [first, second] = await Promise.all(
      [ONE, other].map(
        async (path) =>
          new Uint16Array(await (await get(`${path}/frames/1`, 'application/octet-stream')).arrayBuffer()),
      ),
    );
    expect([first![0], second![0]]).toEqual([1, 99]);
    expect(await search(`studies/${STUDY}/instances`)).toHaveLength(4);
  });

  it.each([
    ['OHIF', 'multipart/related; type=application/octet-stream; transfer-syntax=*'],
    ['dicomweb-client', 'multipart/related; type="application/octet-stream"'],
    [
      'dicomweb-client, several',
      'multipart/related; type="image/jls"; transfer-syntax=1.2.3, multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
    ],
    ['a script', '*/*'],
  ])('gives frames in order and as often as asked to %s', async (_who, accept) => {
    const answer = await get(
      `studies/1.2.3.510/series/1.2.3.510.1/instances/${await sopOf('1.2.3.510')}/frames/3,1,3`,
      accept,
    );
    expect(answer.status).toBe(200);
    const parts = partsOf(answer.headers.get('content-type')!, Buffer.from(await answer.arrayBuffer()));
    expect(parts.map(({ body }) => [body.length, body[0]])).toEqual([
      [512 * 512, 2],
      [512 * 512, 0],
      [512 * 512, 2],
    ]);
  });

  const sopOf = async (study: string) =>
    String((await search(`instances?StudyInstanceUID=${study}`))[0]!['00080018']!.Value![0]);

  it.each([
    ['as Weasis and Orthanc ask', 'multipart/related; type=application/dicom; transfer-syntax=*'],
    ['quoted', 'multipart/related; type="application/dicom"; transfer-syntax="*"'],
    ['anything', '*/*'],
  ])('gives a whole study %s', async (_how, accept) => {
    const answer = await get(`studies/${STUDY}`, accept);
    const parts = partsOf(answer.headers.get('content-type')!, Buffer.from(await answer.arrayBuffer()));
    expect(parts).toHaveLength(4);
    for (const { body } of parts) expect(body.toString('latin1', 128, 132)).toBe('DICM');
  });

  it('a hundred requests at once get whole frames, each its own', async () => {
    const sop = await sopOf('1.2.3.510');
    const frames = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const answer = await get(
          `studies/1.2.3.510/series/1.2.3.510.1/instances/${sop}/frames/${(i % 4) + 1}`,
          'application/octet-stream',
        );
        return [answer.status, sha256(Buffer.from(await answer.arrayBuffer()))];
      }),
    );
    const expected = [0, 1, 2, 3].map((value) => sha256(Buffer.alloc(512 * 512, value)));
    for (const [i, frame] of frames.entries()) expect(frame).toEqual([200, expected[i % 4]]);
  }, 60_000);

  it('answers HEAD like GET without the body, and 304 to who has it already', async () => {
    for (const [path, accept] of [
      [ONE, 'application/dicom; transfer-syntax=*'],
      [`${ONE}/frames/1`, 'application/octet-stream'],
      [`${ONE}/metadata`, 'application/dicom+json'],
      [`${ONE}/rendered`, 'image/jpeg'],
    ] as const) {
      const whole = await get(path, accept);
      await whole.arrayBuffer();
      const head = await get(path, accept, { method: 'HEAD' });
      expect([path, head.status, head.headers.get('content-type'), (await head.arrayBuffer()).byteLength]).toEqual([
        path,
        200,
        whole.headers.get('content-type'),
        0,
      ]);
      const etag = whole.headers.get('etag')!;
      expect([path, (await get(path, accept, { headers: { 'If-None-Match': etag } })).status]).toEqual([path, 304]);
    }
  });

  it('pages without losing or doubling a row, and beyond the end there is nothing', async () => {
    const seen: string[] = [];
    for (let offset = 0; ; offset++) {
      const page = await search(`instances?limit=1&offset=${offset}`);
      if (page.length === 0) break;
      seen.push(`${page[0]!['0020000E']!.Value![0]} ${page[0]!['00080018']!.Value![0]}`);
    }
    expect([seen.length, new Set(seen).size]).toEqual([6, 6]);
  });
});
