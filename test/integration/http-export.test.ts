import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import yauzl from 'yauzl';
import { ctSeries, ctSliceDataSet, TEST_STUDY } from '../../phantoms/ct.ts';
import { writePart10 } from '../../phantoms/part10-writer.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { usCine } from '../../phantoms/us.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const small = { rows: 32, columns: 32 };
const study = {
  ...TEST_STUDY,
  name: 'export study',
  patientName: 'Müller^Zwetschgenbaum',
  patientID: 'EXPORT-77123',
  accessionNumber: 'ACC-554433',
  birthDate: '19610203',
  description: 'Thorax for Dr Holunder',
};
const echo = { ...study, name: 'export echo' };
const uid = uidFrom(study.name);
const installed = (program: string) => spawnSync('which', [program]).status === 0;

/** Names and numbers where somebody typed them, at the top and deep inside. */
const typed = writePart10({
  ...ctSliceDataSet({ ...small, study, index: 2, of: 3 }),
  '00081048': ['PN', 'Holunder^Anna'],
  '00081080': ['LO', 'Zwetschgenbaum, suspected'],
  '00104000': ['LT', 'mother of 77123'],
  '00204000': ['LT', 'Holunder says'],
  '00091010': ['LO', 'Zwetschgenbaum private'],
  '00321060': ['LO', 'Holunder procedure'],
  '60000010': ['US', 32],
  '60000022': ['LO', 'Zwetschgenbaum overlay'],
});

async function unzip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await promisify<Buffer, yauzl.Options, yauzl.ZipFile>(yauzl.fromBuffer)(bytes, { lazyEntries: true });
  const files = new Map<string, Buffer>();
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject).on('end', resolve);
    zip.on('entry', (entry: yauzl.Entry) => {
      zip.openReadStream(entry, (error, stream) => {
        if (error) return reject(error);
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          files.set(entry.fileName, Buffer.concat(chunks));
          zip.readEntry();
        });
      });
    });
    zip.readEntry();
  });
  return files;
}

function described(file: Buffer) {
  const { transferSyntaxUID, dataSetOffset } = parseFileHeader(file, true)!;
  return describeObjectSync(inMemory(file), { transferSyntaxUID, dataSetOffset });
}
const value = (file: Buffer, tag: string) => described(file).metadata[tag]?.Value?.[0];

describe('taking a study away', () => {
  let router: TestRouter;
  let folder: string;
  let cookie: string;
  const slices = [...ctSeries(3, { ...small, study })];

  const get = async (path: string) => {
    const response = await fetch(`${router.url}/api/studies/${path}`, { headers: { cookie } });
    return { response, files: response.ok ? await unzip(Buffer.from(await response.arrayBuffer())) : new Map() };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-http-export-'));
    router = await startRouter();
    ({ cookie } = await router.login());
    const { archive } = router.router.context;
    await keepFiles(archive, [...slices.slice(0, 2), typed]);
    await keepFiles(archive, [writePart10(ctSliceDataSet({ ...small, study, seriesNumber: 2, index: 0, of: 2 }))]);
    await keepFiles(archive, [usCine({ rows: 32, columns: 32, frames: 3, study: echo })]);
  });
  afterAll(async () => {
    await router?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives a series byte for byte, with a DICOMDIR and sums that check', async () => {
    const series = uidFrom(`${study.name} series 1`);
    const { response, files } = await get(`${uid}/zip?series=${series}`);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="[^"]*\.zip"$/);
    const pictures = [...files].filter(([name]) => name.startsWith('DICOM/'));
    expect(pictures.map(([, bytes]) => bytes.toString('base64')).sort()).toEqual(
      [...slices.slice(0, 2), typed].map((bytes) => Buffer.from(bytes).toString('base64')).sort(),
    );
    for (const [name, bytes] of files) {
      await writeFile(join(folder, name.replaceAll('/', '_')), bytes);
    }
    const sums = files.get('SHA256SUMS')!.toString().replaceAll('DICOM/STU00001/SER00001/', 'DICOM_STU00001_SER00001_');
    execFileSync('sha256sum', ['-c', '--quiet'], { cwd: folder, input: sums });
    if (installed('dcmdump'))
      expect(execFileSync('dcmdump', [join(folder, 'DICOMDIR')], { encoding: 'utf8' })).toContain('IMG00003');
    const all = await get(`${uid}/zip`);
    expect([...all.files.keys()].filter((name) => name.startsWith('DICOM/'))).toHaveLength(4);
  });

  it('makes a teaching copy in which nothing of the patient, the people and the dates is left, and the pixels are', async () => {
    const { files } = await get(`${uid}/teaching`);
    const pictures = [...files].filter(([name]) => name.startsWith('DICOM/')).map(([, bytes]) => bytes);
    expect(pictures).toHaveLength(4);
    for (const bytes of files.values()) {
      const text = `${bytes.toString('latin1')} ${bytes.toString('utf8')}`;
      for (const gone of [
        'Zwetschgenbaum',
        'ller^',
        '77123',
        '554433',
        '19610203',
        'Holunder',
        '20260105',
        'Hospital',
        uid,
      ])
        expect(text).not.toContain(gone);
    }
    const source = described(Buffer.from(typed));
    const last = pictures.find((file) => value(file, '00200013') === 3)!;
    const made = described(last);
    const pixels = (file: Uint8Array, { pixelData }: ReturnType<typeof described>) => {
      if (pixelData?.kind !== 'native') throw new Error('not native');
      return Buffer.from(file).subarray(pixelData.offset, pixelData.offset + pixelData.length);
    };
    expect(pixels(last, made).equals(pixels(typed, source))).toBe(true);
    // What display and measuring need is as it was.
    for (const tag of ['00280030', '00200032', '00200037', '00281052', '00281053', '00281050', '00180050'])
      expect(made.metadata[tag]?.Value, tag).toEqual(source.metadata[tag]?.Value);
    // Pictures of one series stay together, two series apart; nothing has its old UID.
    expect(new Set(pictures.map((file) => value(file, '0020000D'))).size).toBe(1);
    expect(new Set(pictures.map((file) => value(file, '0020000E'))).size).toBe(2);
    expect(new Set(pictures.map((file) => value(file, '00080018'))).size).toBe(4);
    expect(value(last, '00120062')).toBe('YES');
    // The same patient twice is not to be recognised as the same.
    const again = [...(await get(`${uid}/teaching`)).files].filter(([name]) => name.startsWith('DICOM/'));
    expect(value(again[0]![1], '0020000D')).not.toBe(value(last, '0020000D'));
    expect(value(again[0]![1], '00100020')).not.toBe(value(last, '00100020'));
  });

  it('names the pictures in which a name may be burned in', async () => {
    const { files } = await get(`${uidFrom(echo.name)}/teaching`);
    const text = files.get('READ ME FIRST.txt')!.toString();
    expect(text).toContain('Look at every picture');
    const [name] = [...files.keys()].filter((one) => one.startsWith('DICOM/'));
    expect(text).toContain(name);
  });

  it('says what there is not, and notes who took it', async () => {
    expect((await get('1.2.3/zip')).response.status).toBe(404);
    expect((await get('x/zip')).response.status).toBe(400);
    const audit = await fetch(`${router.url}/api/audit?action=export&limit=20`, { headers: { cookie } });
    const { rows } = (await audit.json()) as { rows: { object: string; detail: string; user: string }[] };
    expect(
      rows.some((row) => row.object === uid && row.detail.startsWith('teaching, 4 files') && row.user === 'admin'),
    ).toBe(true);
  });
});
