import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSlice, ctSliceDataSet } from '../../phantoms/ct.ts';
import {
  type DataSet,
  EXPLICIT_BE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  writeDataSet,
  writePart10,
} from '../../phantoms/part10-writer.ts';
import { type DescribedObject, describeObject, describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import { frameCount, frameRange } from '../../storage/format/frames.ts';
import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { malformedFiles, type RealFile, realFiles } from '../support/files.ts';

const DEFLATED = '1.2.840.10008.1.2.1.99';
const inflate = (deflated: Uint8Array, limit: number) =>
  inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: limit });
const describeBytes = (file: Uint8Array): DescribedObject =>
  describeObjectSync(inMemory(file), readFileMeta(file)!, inflate);
const asynchronous = (file: Uint8Array, sizes: number[] = []) => {
  return describeObject(
    {
      size: file.length,
      read: async (offset, length) => {
        sizes.push(length);
        return file.slice(offset, offset + length);
      },
    },
    readFileMeta(file)!,
  );
};
const first = (json: DicomJson, tag: string) => json[tag]?.Value?.[0];
const hasTool = (tool: string) => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const base: DataSet = {
  '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
  '00080018': ['UI', '2.25.1'],
  '00080060': ['CS', 'OT'],
  '00100010': ['PN', 'SAMPLE^Ada'],
  '0020000D': ['UI', '2.25.2'],
  '0020000E': ['UI', '2.25.3'],
};

describe('describing an object', () => {
  it.each([EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE])('gives the same metadata in every encoding (%s)', (syntax) => {
    const dataSet: DataSet = {
      ...base,
      '00080008': ['CS', 'ORIGINAL', 'PRIMARY'],
      '00080090': ['PN'],
      '00081140': ['SQ', { '00081150': ['UI', '1.2.3'], '00081155': ['UI', '1.2.4'] }, {}],
      '00180050': ['DS', 2.5],
      '00200013': ['IS', 7],
      '00280009': ['AT', '00181063'],
      '00280103': ['US', 1],
      '00280106': ['SS', -5],
      '0018602C': ['FD', 0.01],
      '00189073': ['FD', 1.5, -2],
    };
    const { metadata } = describeBytes(writePart10(dataSet, syntax, { undefinedLengths: syntax === EXPLICIT_BE }));
    expect(metadata).toEqual({
      '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY'] },
      '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.7'] },
      '00080018': { vr: 'UI', Value: ['2.25.1'] },
      '00080060': { vr: 'CS', Value: ['OT'] },
      '00080090': { vr: 'PN' },
      '00081140': {
        vr: 'SQ',
        Value: [{ '00081150': { vr: 'UI', Value: ['1.2.3'] }, '00081155': { vr: 'UI', Value: ['1.2.4'] } }, {}],
      },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'SAMPLE^Ada' }] },
      '00180050': { vr: 'DS', Value: [2.5] },
      '0018602C': { vr: 'FD', Value: [0.01] },
      '00189073': { vr: 'FD', Value: [1.5, -2] },
      '0020000D': { vr: 'UI', Value: ['2.25.2'] },
      '0020000E': { vr: 'UI', Value: ['2.25.3'] },
      '00200013': { vr: 'IS', Value: [7] },
      '00280009': { vr: 'AT', Value: ['00181063'] },
      '00280103': { vr: 'US', Value: [1] },
      '00280106': { vr: 'SS', Value: [-5] },
    });
  });

  it('never reads the pixel data', async () => {
    const file = ctSlice({ rows: 1024, columns: 1024 });
    const sizes: number[] = [];
    const described = await asynchronous(file, sizes);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(100_000);
    const layout = described.pixelData!;
    expect(layout).toMatchObject({
      kind: 'native',
      offset: file.length - 2 * 1024 * 1024,
      frameBits: 16 * 1024 * 1024,
      frames: 1,
    });
    expect(described.metadata['7FE00010']!.BulkDataURI).toBe(
      `bulk:${file.length - 2 * 1024 * 1024}:${2 * 1024 * 1024}`,
    );
  });

  it('keeps what is no number as it came', () => {
    const file = writePart10({
      ...base,
      '00180050': ['DS', new TextEncoder().encode('2.5mm\\1.5\\ 3 ')],
      '00200013': ['IS', new TextEncoder().encode('7.0')],
    });
    const { metadata } = describeBytes(file);
    expect(metadata['00180050']!.Value).toEqual(['2.5mm', 1.5, 3]);
    expect(metadata['00200013']!.Value).toEqual(['7.0']);
  });

  it('refers to large values and writes small ones', () => {
    const small = Uint8Array.from({ length: 1024 }, (_, i) => i & 255);
    const large = new Uint8Array(1026).fill(9);
    const file = writePart10({ ...base, '00420011': ['OB', large], '00091001': ['UN', small] });
    const { metadata } = describeBytes(file);
    expect(Buffer.from(metadata['00091001']!.InlineBinary!, 'base64')).toEqual(Buffer.from(small));
    const [, offset, length] = /^bulk:(\d+):(\d+)$/.exec(metadata['00420011']!.BulkDataURI!)!;
    expect([...file.subarray(Number(offset), Number(offset) + Number(length))]).toEqual([...large]);
  });

  it('turns Big Endian words round where they are written out', () => {
    const { metadata } = describeBytes(
      writePart10({ ...base, '00281201': ['OW', new Uint8Array([1, 2, 3, 4])] }, EXPLICIT_BE),
    );
    expect([...Buffer.from(metadata['00281201']!.InlineBinary!, 'base64')]).toEqual([2, 1, 4, 3]);
  });

  it('follows 400 nested sequences', () => {
    let nested: DataSet = { '00080100': ['SH', 'deep'] };
    for (let i = 0; i < 400; i++) nested = { '0040A730': ['SQ', nested] };
    for (const undefinedLengths of [true, false]) {
      const file = writePart10({ ...base, ...nested, '00400555': ['SQ'] }, EXPLICIT_LE, { undefinedLengths });
      const { metadata, notes } = describeBytes(file);
      let item = metadata;
      for (let i = 0; i < 400; i++) item = first(item, '0040A730') as DicomJson;
      expect(first(item, '00080100')).toBe('deep');
      expect(metadata['00400555']).toEqual({ vr: 'SQ' });
      expect(notes).toEqual([]);
    }
  });

  it('stops, and does not fall over, at 100,000 nested sequences', () => {
    const open = new Uint8Array([
      0x40, 0, 0x30, 0xa7, 0x53, 0x51, 0, 0, 255, 255, 255, 255, 254, 255, 0, 224, 255, 255, 255, 255,
    ]);
    const head = writePart10(base);
    const file = new Uint8Array(head.length + open.length * 100_000);
    file.set(head);
    for (let i = 0; i < 100_000; i++) file.set(open, head.length + i * open.length);
    const { notes, studyInstanceUID } = describeBytes(file);
    expect(studyInstanceUID).toBe('2.25.2');
    expect(notes.join()).toContain('nested');
  });

  it('reads sequences sent as UN of undefined length, standard and private', () => {
    const implicitItem = (content: Uint8Array) => [
      254,
      255,
      0,
      224,
      255,
      255,
      255,
      255,
      ...content,
      254,
      255,
      13,
      224,
      0,
      0,
      0,
      0,
    ];
    const end = [254, 255, 221, 224, 0, 0, 0, 0];
    const inner = writeDataSet({ '00080100': ['SH', 'X'] }, IMPLICIT_LE);
    const element = (group: number, element: number) => [
      ...[group & 255, group >> 8, element & 255, element >> 8, 0x55, 0x4e, 0, 0, 255, 255, 255, 255],
      ...implicitItem(inner),
      ...end,
    ];
    const head = writePart10(base);
    const file = new Uint8Array([
      ...head,
      ...element(0x0029, 0x1010),
      ...element(0x0040, 0x0555),
      ...writeDataSet({ '00400556': ['ST', 'after'] }),
    ]);
    const { metadata, notes } = describeBytes(file);
    for (const tag of ['00291010', '00400555']) {
      expect(metadata[tag]).toEqual({ vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['X'] } }] });
    }
    expect(first(metadata, '00400556')).toBe('after');
    expect(notes).toEqual([]);
  });

  it('understands known elements sent as UN', () => {
    const file = writePart10({
      ...base,
      '00100020': ['UN', new TextEncoder().encode('ID-1')],
      '00280010': ['UN', new Uint8Array([2, 1])],
    });
    const { metadata } = describeBytes(file);
    expect(metadata['00100020']).toEqual({ vr: 'LO', Value: ['ID-1'] });
    expect(metadata['00280010']).toEqual({ vr: 'US', Value: [258] });
  });

  it('inflates deflated data sets, and only as far as it must', async () => {
    const meta = writePart10({}, DEFLATED);
    const dataSet = { ...ctSliceDataSet({ rows: 64, columns: 64 }) };
    const file = new Uint8Array(Buffer.concat([meta, deflateRawSync(writeDataSet(dataSet))]));
    const plain = describeBytes(writePart10(dataSet));
    for (const described of [describeBytes(file), await asynchronous(file)]) {
      expect(described.pixelData).toEqual({ kind: 'deflated', frames: 1 });
      expect(described.attributes['00280010']).toEqual(plain.attributes['00280010']);
      expect(described.sopInstanceUID).toBe(plain.sopInstanceUID);
    }
    const bomb = new Uint8Array(Buffer.concat([meta, deflateRawSync(Buffer.alloc(100 * 1024 * 1024))]));
    const described = await asynchronous(bomb);
    expect(described.notes.join()).toContain('longer than is read');
  });

  it('keeps an ordinary slice small and whole', () => {
    const { attributes, notes } = describeBytes(ctSlice({ rows: 64, columns: 64 }));
    expect(JSON.stringify(attributes).length).toBeLessThan(3500);
    for (const tag of [
      '00100010',
      '00200032',
      '00200037',
      '00280030',
      '00281052',
      '00281053',
      '00281050',
      '0020000D',
    ]) {
      expect(attributes[tag]?.Value, tag).toBeDefined();
    }
    expect(notes).toEqual([]);
  });

  it('reads elements behind the pixel data', () => {
    const file = writePart10({ ...ctSliceDataSet({ rows: 16, columns: 16 }), FFFCFFFC: ['OB', new Uint8Array(8)] });
    expect(describeBytes(file).metadata['FFFCFFFC']).toBeDefined();
  });

  it('tells a mislabelled encoding', () => {
    const explicit = writePart10(base, EXPLICIT_LE);
    const { dataSetOffset } = readFileMeta(explicit)!;
    const described = describeObjectSync(inMemory(explicit), { dataSetOffset, transferSyntaxUID: IMPLICIT_LE });
    expect(described.studyInstanceUID).toBe('2.25.2');
    expect(described.notes.join()).toContain('Explicit');
    const implicit = writePart10(base, IMPLICIT_LE);
    const other = describeObjectSync(inMemory(implicit), {
      ...readFileMeta(implicit)!,
      transferSyntaxUID: EXPLICIT_LE,
    });
    expect(other.studyInstanceUID).toBe('2.25.2');
  });
});

/** At most three of a series: their headers are alike. */
function fewOfEach(files: RealFile[]): RealFile[] {
  const seen = new Map<string, number>();
  return files.filter((file) => {
    if (!file.seriesUID) return true;
    seen.set(file.seriesUID, (seen.get(file.seriesUID) ?? 0) + 1);
    return seen.get(file.seriesUID)! <= 3;
  });
}

describe('real files', () => {
  const files = fewOfEach(realFiles());
  const read = (file: RealFile) => new Uint8Array(readFileSync(file.path));

  it.skipIf(files.length === 0)('have the frames that their headers announce, inside the object', () => {
    for (const file of files) {
      const bytes = read(file);
      if (!readFileMeta(bytes)) continue;
      const { pixelData, metadata } = describeBytes(bytes);
      if (!pixelData) continue;
      const video = /MPEG|H\.264|HEVC/.test(file.transferSyntax ?? '');
      expect(frameCount(pixelData), file.name).toBe(video ? 1 : Number(first(metadata, '00280008') ?? 1));
      let previous = 0;
      for (let f = 0; f < frameCount(pixelData) && pixelData.kind !== 'deflated'; f++) {
        const { start, end } = frameRange(pixelData, f)!;
        expect(end, file.name).toBeLessThanOrEqual(bytes.length);
        expect(end - start, file.name).toBeGreaterThan(0);
        if (pixelData.kind === 'encapsulated') {
          expect(start, file.name).toBeGreaterThanOrEqual(previous);
          previous = end;
        }
      }
    }
  });

  it.skipIf(files.length === 0)('are described alike from memory and piece by piece', async () => {
    for (const file of files) {
      const bytes = read(file);
      if (!readFileMeta(bytes)) continue;
      expect(await asynchronous(bytes), file.name).toEqual(describeBytes(bytes));
    }
  });

  it('never make it fail, hang or take memory, however broken', async () => {
    for (const file of malformedFiles()) {
      const bytes = read(file);
      const known = readFileMeta(bytes);
      if (!known) continue;
      const described = await asynchronous(bytes);
      expect(described.metadata, file.name).toBeDefined();
      if (described.pixelData) expect(frameCount(described.pixelData), file.name).toBeLessThan(10_000);
    }
  });

  const numeric = new Set(['DS', 'IS', 'FL', 'FD', 'UL', 'US', 'SS', 'SL', 'UV', 'SV']);
  const plain = (value: unknown) => Number(String(value).replaceAll('\0', ''));
  /** One form for both: DCMTK writes some numbers as text, with other digits. */
  const comparable = (element: DicomJsonElement) =>
    JSON.stringify(
      (element.Value ?? []).map((value) =>
        numeric.has(element.vr) && value !== null && !Number.isNaN(plain(value))
          ? Number(plain(value).toPrecision(6))
          : value,
      ),
    );

  /** Padded to even length, as dcmodify writes it. */
  const binary = ({ InlineBinary }: DicomJsonElement) => {
    const bytes = Buffer.from(InlineBinary ?? '', 'base64');
    return Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]).toString('hex');
  };

  /** What differs from DCMTK's reading, apart from: bulk values, private VRs it knows by name, its own empty names. */
  function differences(ours: DicomJson, theirs: DicomJson, path = ''): string[] {
    const found: string[] = [];
    for (const [tag, reference] of Object.entries(theirs)) {
      if (tag.startsWith('0002') || tag.endsWith('0000') || tag === '00080005') continue;
      const element = ours[tag];
      if (!element) {
        found.push(`${path}${tag} missing`);
        continue;
      }
      if (element.BulkDataURI) continue;
      if (element.vr !== reference.vr) {
        const isPrivate = Number.parseInt(tag.slice(0, 4), 16) % 2 === 1;
        if (!isPrivate && reference.vr !== 'UN') found.push(`${path}${tag} ${element.vr} for ${reference.vr}`);
        continue;
      }
      if (reference.vr === 'SQ') {
        const [items, expected] = [(element.Value ?? []) as DicomJson[], (reference.Value ?? []) as DicomJson[]];
        if (items.length !== expected.length) found.push(`${path}${tag} ${items.length} items for ${expected.length}`);
        else
          for (const [i, item] of items.entries())
            found.push(...differences(item, expected[i]!, `${path}${tag}[${i}].`));
      } else if (binary(element) !== binary(reference)) found.push(`${path}${tag} binary`);
      else if (
        comparable(element) !== comparable(reference) &&
        !(element.Value === undefined && comparable(reference) === '[null]')
      ) {
        found.push(`${path}${tag} ${comparable(element).slice(0, 80)} for ${comparable(reference).slice(0, 80)}`);
      }
    }
    for (const tag of Object.keys(ours)) {
      if (!(tag in theirs) && tag !== '7FE00010' && tag !== 'FFFCFFFC')
        found.push(`${path}${tag} is not in the reference`);
    }
    return found;
  }

  describe.skipIf(!hasTool('dcm2json') || files.length === 0)('compared with DCMTK', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'lifeboat-describe-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** dcm2json refuses compressed pixel data: it is taken out of a copy first. null when DCMTK cannot read the file. */
    function reference(file: RealFile, encapsulated: boolean): DicomJson | null {
      let path = file.path;
      try {
        if (encapsulated) {
          path = join(folder, 'copy.dcm');
          copyFileSync(file.path, path);
          execFileSync('dcmodify', ['-q', '-nb', '-ie', '-imt', '-ea', '(7FE0,0010)', path], { stdio: 'ignore' });
        }
        const json = execFileSync('dcm2json', ['-q', path], {
          maxBuffer: 1 << 30,
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        return JSON.parse(json.toString('utf8')) as DicomJson;
      } catch {
        return null;
      }
    }

    it('says the same of every element', { timeout: 300_000 }, () => {
      const wrong: string[] = [];
      let compared = 0;
      for (const file of files) {
        const bytes = read(file);
        // DCMTK leaves names in items with their own ISO 2022 set undecoded; charset.test.ts holds the right ones.
        if (!readFileMeta(bytes) || /chrSQEncoding/.test(file.name)) continue;
        const described = describeBytes(bytes);
        const theirs = reference(file, described.pixelData?.kind === 'encapsulated');
        if (!theirs) continue;
        compared++;
        const found = differences(described.metadata, theirs);
        if (found.length > 0) wrong.push(`${file.name}: ${found.slice(0, 4).join('; ')}`);
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(files.length * 0.85);
    });
  });
});
