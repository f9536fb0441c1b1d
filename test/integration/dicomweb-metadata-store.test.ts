import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { contents, storeRequest } from '../support/dicomweb.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const BOUNDARY = 'metadata-and-bulk';
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
const hasDcmtk = spawnSync('dcmdump', ['--version']).status === 0;

interface BulkPart {
  location: string;
  type?: string;
  bytes: Uint8Array;
}

function request(metadata: unknown, bulk: readonly BulkPart[] = []): { body: Buffer; contentType: string } {
  const pieces: Uint8Array[] = [
    Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/dicom+json\r\n\r\n${JSON.stringify(metadata)}\r\n`),
  ];
  for (const { location, type = 'application/octet-stream', bytes } of bulk) {
    const head = `--${BOUNDARY}\r\nContent-Type: ${type}\r\nContent-Location: ${location}\r\n\r\n`;
    pieces.push(Buffer.from(head), bytes, Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${BOUNDARY}--\r\n`));
  return {
    body: Buffer.concat(pieces),
    contentType: `multipart/related; type="application/dicom+json"; boundary=${BOUNDARY}`,
  };
}

let made = 0;
/** Metadata of an 8-bit image of 4 x 3 pixels. */
function image(more: DicomJson = {}): DicomJson {
  const us = (value: number) => ({ vr: 'US', Value: [value] });
  return {
    '00080016': { vr: 'UI', Value: [SECONDARY_CAPTURE] },
    '00080018': { vr: 'UI', Value: [`1.2.3.88.${++made}`] },
    '00080060': { vr: 'CS', Value: ['OT'] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Wang^XiaoDong', Ideographic: '王^小東' }] },
    '00100020': { vr: 'LO', Value: ['M1'] },
    '0020000D': { vr: 'UI', Value: ['1.2.3.88'] },
    '0020000E': { vr: 'UI', Value: ['1.2.3.88.0'] },
    '00280002': us(1),
    '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
    '00280010': us(3),
    '00280011': us(4),
    '00280100': us(8),
    '00280101': us(8),
    '00280102': us(7),
    '00280103': us(0),
    '7FE00010': { vr: 'OW', BulkDataURI: `bulk/${made}` },
    ...more,
  };
}

describe('STOW-RS of metadata and bulk data apart', () => {
  let router: TestRouter;
  beforeAll(async () => {
    router = await startRouter();
  });
  afterAll(() => router?.close());

  async function store(metadata: unknown, bulk?: readonly BulkPart[]) {
    const { body, contentType } = request(metadata, bulk);
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { Authorization: router.basic, 'Content-Type': contentType },
      body: Uint8Array.from(body),
    });
    await router.router.context.archive.flush();
    return { status: answer.status, json: (await answer.json()) as DicomJson & { code?: string; message?: string } };
  }
  const get = (path: string, accept: string) =>
    fetch(path.startsWith('http') ? path : `${router.url}/dicom-web/${path}`, {
      headers: { Authorization: router.basic, Accept: accept },
    });
  const items = (json: DicomJson, sequence: string) => (json[sequence]?.Value ?? []) as DicomJson[];
  const pathOf = (json: DicomJson) =>
    `studies/${json['0020000D']!.Value![0]}/series/${json['0020000E']!.Value![0]}/instances/${json['00080018']!.Value![0]}`;
  const metadataOf = async (path: string) =>
    ((await (await get(`${path}/metadata`, 'application/dicom+json')).json()) as [DicomJson])[0];

  it('keeps an object of every kind of element as it was described, and any DICOM tool reads it', async () => {
    const sent = image({
      '00080008': { vr: 'CS', Value: ['DERIVED', 'SECONDARY'] },
      '00081140': {
        vr: 'SQ',
        Value: [
          { '00081150': { vr: 'UI', Value: [SECONDARY_CAPTURE] }, '00081155': { vr: 'UI', Value: ['1.2.3'] } },
          { '00081155': { vr: 'UI', Value: ['1.2.4'] } },
        ],
      },
      '0008103E': { vr: 'LO', Value: ['Größe ≥ 3'] },
      '00180050': { vr: 'DS', Value: [0.1234567890123] },
      '00200013': { vr: 'IS', Value: [7] },
      '00280009': { vr: 'AT', Value: ['00181063'] },
      '00280106': { vr: 'US', Value: [300] },
      '00281050': { vr: 'DS', Value: [40, 400] },
      '00090010': { vr: 'LO', Value: ['TEST'] },
      '00091001': { vr: 'FD', Value: [1.5, -2.25] },
      '00091002': { vr: 'SL', Value: [-5] },
      '00091003': { vr: 'OB', InlineBinary: 'AQIDBA==' },
      '00091004': { vr: 'SV', Value: ['-9007199254740993'] },
      '00204000': { vr: 'LT' },
    });
    const pixels = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const { status, json } = await store([sent], [{ location: `bulk/${made}`, bytes: pixels }]);
    expect([status, items(json, '00081199').length]).toEqual([200, 1]);
    const kept = await metadataOf(pathOf(sent));
    const value = (tag: string) => kept[tag]?.Value;
    expect(value('00100010')).toEqual(sent['00100010']!.Value);
    expect(value('0008103E')).toEqual(['Größe ≥ 3']);
    expect(value('00081140')).toEqual(sent['00081140']!.Value);
    expect(value('00180050')).toEqual([0.1234567890123]);
    for (const tag of ['00080008', '00280009', '00280106', '00281050', '00091001', '00091002']) {
      expect([tag, value(tag)]).toEqual([tag, sent[tag]!.Value]);
    }
    expect(kept['00091003']).toMatchObject({ vr: 'OB', InlineBinary: 'AQIDBA==' });
    expect(kept['00204000']?.Value).toBeUndefined();
    const frame = await get(`${pathOf(sent)}/frames/1`, 'application/octet-stream');
    expect(Buffer.from(await frame.arrayBuffer())).toEqual(pixels);
    if (!hasDcmtk) return;
    const file = join(router.dataDir, 'made.dcm');
    writeFileSync(file, Buffer.from(await (await get(pathOf(sent), 'application/dicom')).arrayBuffer()));
    const dump = execFileSync('dcmdump', ['+U8', '-q', file], { encoding: 'utf8' });
    expect(dump).toContain('ISO_IR 192');
    expect(dump).toContain('Wang^XiaoDong=王^小東');
    expect(dump).toContain('-9007199254740993');
  });

  const real = realFiles().filter((file) => /(CT_small|SC_rgb_jpeg_gdcm|color3d_jpeg_baseline)\.dcm$/.test(file.name));
  it.skipIf(real.length === 0)(
    'real objects, taken apart by WADO-RS and sent again, have the same pixels',
    async () => {
      const seen: string[] = [];
      for (const [i, bytes] of (await contents(real.map((file) => file.path))).entries()) {
        const { body, contentType } = storeRequest([bytes]);
        const first = await fetch(`${router.url}/dicom-web/studies`, {
          method: 'POST',
          headers: { Authorization: router.basic, 'Content-Type': contentType },
          body,
        });
        const stored = items((await first.json()) as DicomJson, '00081199')[0]!;
        await router.router.context.archive.flush();
        const url = String(stored['00081190']!.Value![0]);
        const metadata = await metadataOf(url);
        const frames = Number(metadata['00280008']?.Value?.[0] ?? 1);
        const parts: BulkPart[] = [];
        const original: Buffer[] = [];
        const asStored = /jpeg/.test(real[i]!.name) ? 'image/jpeg; transfer-syntax=*' : 'application/octet-stream';
        for (let n = 1; n <= frames; n++) {
          const raw = Buffer.from(await (await get(`${url}/frames/${n}`, asStored)).arrayBuffer());
          original.push(raw);
        }
        const compressed = original[0]![0] === 0xff && original[0]![1] === 0xd8;
        const location = `pixels/${i}`;
        if (compressed) parts.push(...original.map((one) => ({ location, type: 'image/jpeg', bytes: one })));
        else parts.push({ location, bytes: Buffer.concat(original) });
        const copy: DicomJson = { ...metadata, '7FE00010': { vr: 'OW', BulkDataURI: location } };
        copy['00080018'] = { vr: 'UI', Value: [`1.2.3.89.${i}`] };
        for (const [tag, element] of Object.entries(copy)) {
          if (tag !== '7FE00010' && element.BulkDataURI) {
            const bulk = await get(element.BulkDataURI, 'application/octet-stream');
            parts.push({ location: element.BulkDataURI, bytes: Buffer.from(await bulk.arrayBuffer()) });
          }
        }
        const { status } = await store([copy], parts);
        expect([real[i]!.name, status]).toEqual([real[i]!.name, 200]);
        for (let n = 1; n <= frames; n++) {
          const again = await get(`${pathOf(copy)}/frames/${n}`, asStored);
          const bytes = Buffer.from(await again.arrayBuffer());
          // Fragments are padded to even length.
          expect(bytes.subarray(0, original[n - 1]!.length).equals(original[n - 1]!)).toBe(true);
        }
        seen.push(compressed ? 'jpeg' : 'native');
      }
      expect(seen).toContain('native');
    },
  );

  it('keeps what is complete and says of each other instance what it lacks', async () => {
    const whole = image();
    const noPart = image();
    const short = image();
    const noSeries = image({ '0020000E': { vr: 'UI' } });
    const badValue = image({ '00280106': { vr: 'US', Value: ['many'] } });
    const pixels = Buffer.alloc(12, 7);
    const at = (json: DicomJson) => json['7FE00010']!.BulkDataURI!;
    const { status, json } = await store(
      [whole, noPart, short, noSeries, badValue],
      [
        { location: at(whole), bytes: pixels },
        { location: at(short), bytes: pixels.subarray(0, 10) },
        { location: at(noSeries), bytes: pixels },
        { location: at(badValue), bytes: pixels },
        { location: 'bulk/nobody', bytes: pixels },
      ],
    );
    expect(status).toBe(202);
    expect(items(json, '00081199').map((item) => item['00081155']!.Value![0])).toEqual([whole['00080018']!.Value![0]]);
    const failed = items(json, '00081198').map((item) => [
      item['00081155']!.Value![0],
      item['00081197']!.Value![0],
      String(item['00091001']!.Value![0]),
    ]);
    const sop = (of: DicomJson) => of['00080018']!.Value![0];
    expect(failed).toEqual([
      [sop(noPart), 0xc000, expect.stringContaining(at(noPart))],
      [sop(short), 0xc000, expect.stringMatching(/10 bytes.*12/)],
      [sop(noSeries), 0xc000, expect.stringContaining('Series Instance UID')],
      [sop(badValue), 0xc000, expect.stringContaining('(0028,0106)')],
    ]);
    const [orphan] = items(json, '0008119A');
    expect(String(orphan?.['00091001']?.Value?.[0])).toContain('bulk/nobody');
    expect((await get(`${pathOf(short)}/metadata`, 'application/dicom+json')).status).toBe(404);
  });

  it('takes compressed frames one part each, and refuses an object of which one is missing', async () => {
    const frames = (count: number) => image({ '00280008': { vr: 'IS', Value: [count] } });
    const rle = (value: number) => {
      const bytes = Buffer.alloc(68);
      bytes.writeUInt32LE(1, 0);
      bytes.writeUInt32LE(64, 4);
      bytes[64] = 256 - 11;
      bytes[65] = value;
      return bytes;
    };
    const whole = frames(2);
    const lacking = frames(3);
    const part = (json: DicomJson, value: number) => ({
      location: json['7FE00010']!.BulkDataURI!,
      type: 'image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5',
      bytes: rle(value),
    });
    const { status, json } = await store(
      [whole, lacking],
      [part(whole, 50), part(lacking, 1), part(whole, 60), part(lacking, 2)],
    );
    expect(status).toBe(202);
    expect(String(items(json, '00081198')[0]!['00091001']!.Value![0])).toMatch(/3 frames are announced, 2 came/);
    const second = await get(`${pathOf(whole)}/frames/2`, 'application/octet-stream');
    expect([...new Uint8Array(await second.arrayBuffer())]).toEqual(new Array(12).fill(60));
    expect((await get(pathOf(whole), 'application/dicom; transfer-syntax=1.2.840.10008.1.2.5')).status).toBe(200);
  });

  it('says with the reason of the standard when a transfer syntax is not understood', async () => {
    const json = image();
    const type = 'application/octet-stream; transfer-syntax=1.2.3.4.5.6';
    const { status, json: answer } = await store(
      [json],
      [{ location: json['7FE00010']!.BulkDataURI!, type, bytes: Buffer.alloc(12) }],
    );
    expect([status, items(answer, '00081198')[0]!['00081197']!.Value]).toEqual([409, [0xc122]]);
  });

  it('warns of elements that it left out', async () => {
    const json = image({ '00020010': { vr: 'UI', Value: ['1.2.840.10008.1.2.5'] } });
    const { status, json: answer } = await store(
      [json],
      [{ location: json['7FE00010']!.BulkDataURI!, bytes: Buffer.alloc(12) }],
    );
    expect([status, items(answer, '00081199')[0]!['00081196']!.Value]).toEqual([200, [0xb006]]);
  });

  it('never fetches an address that metadata names', async () => {
    let asked = 0;
    const stranger = createServer((_req, res) => {
      asked++;
      res.end('secret');
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const uri = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/pixels`;
    const { status } = await store([image({ '7FE00010': { vr: 'OW', BulkDataURI: uri } })]);
    stranger.close();
    expect([status, asked]).toEqual([409, 0]);
  });

  it.each([
    ['no JSON', '{', 400],
    ['bulk data first', null, 400],
  ])('refuses a request with %s as a whole', async (_what, text, status) => {
    const head =
      text === null
        ? 'Content-Type: application/octet-stream\r\nContent-Location: a'
        : 'Content-Type: application/dicom+json';
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { Authorization: router.basic, 'Content-Type': request([]).contentType },
      body: `--${BOUNDARY}\r\n${head}\r\n\r\n${text ?? 'x'}\r\n--${BOUNDARY}--\r\n`,
    });
    expect(answer.status).toBe(status);
  });

  it('leaves nothing behind on the disk', () => {
    const folder = join(router.dataDir, 'bulk');
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  });
});
