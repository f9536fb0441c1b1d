import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writePart10 } from '../../phantoms/part10-writer.ts';
import { exportStudy } from '../../router/export/export-study.ts';
import { importPaths } from '../../router/import/import-paths.ts';
import type { ImportOptions, ImportProgress } from '../../router/import/import-types.ts';
import { wasKeptIn } from '../../router/import/was-kept.ts';
import { openArchive } from '../../storage/archive.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { sharedSet } from '../support/files.ts';
import { buildZip } from '../support/zip-builder.ts';

let folder: string;
let archive: Archive;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-import-'));
  archive = await openArchive({
    dataDir: join(folder, 'data'),
    store: { kind: 'file', dir: join(folder, 'store') },
    database: { kind: 'sqlite', file: join(folder, 'catalogue.sqlite') },
    spoolMinFreeBytes: 0,
  });
});
afterEach(async () => {
  await archive.close();
  rmSync(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** An element of Explicit VR Little Endian. */
function element(group: number, number: number, vr: string, value: string | Buffer): Buffer {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value);
  const pad = vr === 'UI' ? 0 : 0x20;
  const body = bytes.length % 2 === 1 ? Buffer.concat([bytes, Buffer.from([pad])]) : bytes;
  const long = ['OB', 'OW', 'SQ', 'UN'].includes(vr);
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

function part10(sopClass: string, sopInstance: string, dataSet: Buffer): Buffer {
  const meta = Buffer.concat([
    element(2, 1, 'OB', Buffer.from([0, 1])),
    element(2, 2, 'UI', sopClass),
    element(2, 3, 'UI', sopInstance),
    element(2, 0x10, 'UI', '1.2.840.10008.1.2.1'),
    element(2, 0x12, 'UI', '1.2.3.4'),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element(2, 0, 'UL', length), meta, dataSet]);
}

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

function image(sop: string, series = '1.2.9.1', study = '1.2.9', pixels = Buffer.alloc(2048, 7)): Buffer {
  return part10(
    SECONDARY_CAPTURE,
    sop,
    Buffer.concat([
      element(8, 0x16, 'UI', SECONDARY_CAPTURE),
      element(8, 0x18, 'UI', sop),
      element(8, 0x60, 'CS', 'OT'),
      element(0x10, 0x10, 'PN', 'Disc^Patient'),
      element(0x10, 0x20, 'LO', 'D1'),
      element(0x20, 0x0d, 'UI', study),
      element(0x20, 0x0e, 'UI', series),
      element(0x20, 0x13, 'IS', sop.split('.').at(-1)!),
      element(0x7fe0, 0x10, 'OW', pixels),
    ]),
  );
}

function item(...elements: Buffer[]): Buffer {
  const body = Buffer.concat(elements);
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

function dicomdir(paths: string[]): Buffer {
  const records = paths.map((path) => item(element(4, 0x1430, 'CS', 'IMAGE'), element(4, 0x1500, 'CS', path)));
  const dataSet = element(4, 0x1220, 'SQ', Buffer.concat(records));
  return part10('1.2.840.10008.1.3.10', '1.2.9.99', dataSet);
}

const disc = () => {
  const path = join(folder, 'disc');
  mkdirSync(path, { recursive: true });
  return path;
};

async function imported(paths: string[], options: ImportOptions = {}): Promise<ImportProgress[]> {
  const results: ImportProgress[] = [];
  for await (const progress of importPaths(paths, archive, options)) results.push(progress);
  return results;
}
/** path within the disc → outcome */
const outcomes = (results: ImportProgress[]) =>
  Object.fromEntries(results.map(({ path, outcome }) => [path.replace(`${folder}/disc/`, ''), outcome]));

describe('import', () => {
  it('finds images by content in any folder, whatever their extension, and says what the others are', async () => {
    const root = disc();
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(root, 'a/b/IM1'), image('1.2.9.1.1'));
    writeFileSync(join(root, 'a/scan.jpg'), image('1.2.9.1.2'));
    writeFileSync(join(root, 'readme.txt'), 'Thank you for choosing our hospital. '.repeat(100));
    writeFileSync(join(root, 'empty'), '');
    writeFileSync(join(root, 'cut.dcm'), image('1.2.9.1.3').subarray(0, -700));
    const results = await imported([root]);
    expect(outcomes(results)).toEqual({
      'a/b/IM1': 'kept',
      'a/scan.jpg': 'kept',
      'readme.txt': 'not-dicom',
      empty: 'not-dicom',
      'cut.dcm': 'refused',
    });
    expect(results.find(({ path }) => path.endsWith('cut.dcm'))?.reason).toMatch(/./);
    expect(results.at(-1)).toMatchObject({ done: 5, found: 5 });
    await archive.flush();
    expect((await archive.entries('1.2.9')).map((entry) => entry.source)).toEqual([
      { via: 'import' },
      { via: 'import' },
    ]);
  });

  it('says "already" for a content that the archive or this run had before', async () => {
    const root = disc();
    writeFileSync(join(root, '1'), image('1.2.9.1.1'));
    await imported([root]);
    await archive.flush();
    writeFileSync(join(root, '2'), image('1.2.9.1.2'));
    writeFileSync(join(root, '2copy'), image('1.2.9.1.2'));
    writeFileSync(join(root, '1other'), image('1.2.9.1.1', undefined, undefined, Buffer.alloc(2048, 9)));
    const results = outcomes(await imported([root], { wasKept: wasKeptIn(archive), concurrency: 1 }));
    expect(results).toEqual({ '1': 'already', '2': 'kept', '2copy': 'already', '1other': 'kept' });
    await archive.flush();
    expect(await archive.entries('1.2.9')).toHaveLength(3);
  });

  it('goes on where it stopped, tries again what failed, and does all with `again`', async () => {
    const root = disc();
    const stateFile = join(folder, 'state/import.ndjson');
    writeFileSync(join(root, '1'), image('1.2.9.1.1'));
    writeFileSync(join(root, 'bad'), image('1.2.9.1.2').subarray(0, -500));
    await imported([root], { stateFile });
    writeFileSync(stateFile, `${readFileSync(stateFile, 'utf8')}"torn by a cra`);
    writeFileSync(join(root, 'new'), image('1.2.9.1.3'));
    expect(outcomes(await imported([root], { stateFile }))).toEqual({ '1': 'skipped', bad: 'refused', new: 'kept' });
    expect(outcomes(await imported([root], { stateFile }))).toMatchObject({ '1': 'skipped', new: 'skipped' });
    expect(outcomes(await imported([root], { stateFile, again: true }))).toMatchObject({ '1': 'kept', new: 'kept' });
  });

  it('follows links but not in circles', async () => {
    const root = disc();
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'sub/1'), image('1.2.9.1.1'));
    symlinkSync(root, join(root, 'sub/loop'));
    symlinkSync(join(root, 'sub/1'), join(root, 'same'));
    symlinkSync(join(root, 'nowhere'), join(root, 'broken'));
    const results = await imported([root, join(folder, 'not-there')]);
    expect(results.filter(({ outcome }) => outcome === 'kept')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'missing').map(({ path }) => path)).toEqual([
      join(root, 'broken'),
      join(folder, 'not-there'),
    ]);
  });

  it('imports the files a DICOMDIR refers to, reports missing ones, and stays in its folder', async () => {
    const root = disc();
    mkdirSync(join(root, 'dicom'));
    writeFileSync(join(root, 'dicom/im1'), image('1.2.9.1.1'));
    writeFileSync(join(root, 'dicom/im2'), image('1.2.9.1.2'));
    writeFileSync(join(folder, 'secret'), image('1.2.9.1.3'));
    writeFileSync(join(root, 'DICOMDIR'), dicomdir(['DICOM\\IM1', 'DICOM\\IM9', '..\\SECRET']));
    const named = await imported([join(root, 'DICOMDIR')]);
    expect(named.map(({ path, outcome }) => [path.replace(`${root}/`, ''), outcome])).toEqual([
      ['DICOMDIR', 'dicomdir'],
      ['DICOMDIR', 'refused'],
      ['DICOM/IM9', 'missing'],
      ['dicom/im1', 'kept'],
    ]);
    const whole = outcomes(await imported([root]));
    expect(whole).toMatchObject({ 'dicom/im1': 'kept', 'dicom/im2': 'kept', 'DICOM/IM9': 'missing' });
  });

  it('reads ZIP files: images, missing references of a DICOMDIR, a ZIP within noted', async () => {
    const zip = join(disc(), 'cd.bin');
    writeFileSync(
      zip,
      buildZip([
        { name: 'cd/DICOM/IM1', bytes: image('1.2.9.1.1') },
        { name: 'cd/DICOMDIR', bytes: dicomdir(['DICOM\\IM1', 'DICOM\\IM2']) },
        { name: 'cd/autorun.inf', bytes: Buffer.from('[autorun]') },
        { name: 'cd/more.zip', bytes: buildZip([{ name: 'x', bytes: image('1.2.9.1.5') }]) },
      ]),
    );
    expect(outcomes(await imported([zip]))).toEqual({
      'cd.bin!cd/DICOM/IM1': 'kept',
      'cd.bin!cd/DICOMDIR': 'dicomdir',
      'cd.bin!cd/DICOM/IM2': 'missing',
      'cd.bin!cd/autorun.inf': 'not-dicom',
      'cd.bin!cd/more.zip': 'nested-zip',
    });
  });

  it('refuses hostile members of a ZIP file and keeps the others', async () => {
    const zip = join(disc(), 'evil.zip');
    const bomb = image('1.2.9.1.7', undefined, undefined, Buffer.alloc(96 << 20));
    writeFileSync(
      zip,
      buildZip([
        { name: '../../etc/evil', bytes: image('1.2.9.1.1') },
        { name: 'C:\\evil', bytes: image('1.2.9.1.2') },
        { name: 'bomb', bytes: bomb },
        { name: 'liar', bytes: image('1.2.9.1.3'), claimedSize: 100 },
        { name: 'good', bytes: image('1.2.9.1.4') },
      ]),
    );
    const results = await imported([zip]);
    expect(outcomes(results)).toEqual({
      'evil.zip!../../etc/evil': 'refused',
      'evil.zip!C:\\evil': 'refused',
      'evil.zip!bomb': 'refused',
      'evil.zip!liar': 'refused',
      'evil.zip!good': 'kept',
    });
    expect(results.find(({ path }) => path.endsWith('bomb'))?.code).toBe('DATASET_BOMB');
    await archive.flush();
    expect(await archive.entries('1.2.9')).toHaveLength(1);
  });

  it('says that a ZIP file is cut off', async () => {
    const zip = join(disc(), 'cut.zip');
    writeFileSync(zip, buildZip([{ name: 'good', bytes: image('1.2.9.1.4') }]).subarray(0, -30));
    const results = await imported([zip]);
    expect(results).toMatchObject([{ path: zip, outcome: 'refused', reason: expect.stringContaining('damaged') }]);
  });

  it.skipIf(!sharedSet())('understands real DICOMDIRs in every encoding', async () => {
    const root = disc();
    cpSync(join(sharedSet()!, 'dicomdir'), root, { recursive: true });
    const results = await imported([root]);
    const count = (outcome: string) => results.filter((result) => result.outcome === outcome).length;
    expect(count('dicomdir')).toBeGreaterThanOrEqual(5);
    expect(count('kept')).toBeGreaterThan(10);
    expect(results.filter(({ outcome }) => outcome === 'missing')).toEqual([]);
  });
});

describe('files that no archive can file', () => {
  const unfiled = (patient: string) =>
    writePart10(
      {
        '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
        '00080018': ['UI', `1.2.6.${patient}`],
        '00100020': ['LO', patient],
        '0020000E': ['UI', '1.2.6'],
      },
      '1.2.840.10008.1.2.1',
    );

  it('are refused each with what to do, and none is kept under a UID of ours', async () => {
    const root = disc();
    for (const patient of ['1', '2']) writeFileSync(join(root, patient), unfiled(patient));
    writeFileSync(join(root, 'whole'), image('1.2.9.1.1'));
    const results = await imported([root]);
    expect(results.map(({ outcome, code }) => [outcome, code]).sort()).toEqual([
      ['kept', undefined],
      ['refused', 'DATASET_MISSING_UID'],
      ['refused', 'DATASET_MISSING_UID'],
    ]);
    const reason = results.find(({ outcome }) => outcome === 'refused')?.reason;
    expect(reason).toMatch(/no Study Instance UID.*same new one.*dcmodify -i.*send again\.$/);
    await archive.flush();
    expect(await archive.catalogue.studyUIDs()).toEqual(['1.2.9']);
  });

  it.skipIf(spawnSync('dcmodify', ['--version']).status !== 0)('are kept when the advice is followed', async () => {
    const root = disc();
    for (const patient of ['1', '2']) writeFileSync(join(root, patient), unfiled(patient));
    const files = ['1', '2'].map((name) => join(root, name));
    expect(spawnSync('dcmodify', ['-nb', '-i', '(0020,000D)=1.2.66', ...files]).status).toBe(0);
    const results = await imported([root]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['kept', 'kept']);
    await archive.flush();
    expect(await archive.entries('1.2.66')).toHaveLength(2);
  });
});

describe('export', () => {
  beforeEach(async () => {
    const root = disc();
    for (const n of [3, 1, 2]) writeFileSync(join(root, `${n}`), image(`1.2.9.1.${n}`));
    writeFileSync(join(root, 'other'), image('1.2.9.2.1', '1.2.9.2'));
    await imported([root]);
  });

  it('writes every file as it was kept, in the order of instance numbers, with checkable sums', async () => {
    const target = join(folder, 'out');
    const result = await exportStudy(archive, '1.2.9', target);
    expect(result).toMatchObject({ instances: 4, written: 4, missing: [], spoolWaiting: 0 });
    expect(readFileSync(join(target, 'DICOM/STU00001/SER00001/IMG00002'))).toEqual(image('1.2.9.1.2'));
    expect(readdirSync(join(target, 'DICOM/STU00001'))).toEqual(['SER00001', 'SER00002']);
    for (const line of readFileSync(join(target, 'SHA256SUMS'), 'utf8').trimEnd().split('\n')) {
      const [sum, name] = line.split('  ');
      expect(sha256(readFileSync(join(target, name!)))).toBe(sum);
    }
  });

  it('writes a ZIP file that an import understands', async () => {
    const target = join(folder, 'disc/study.zip');
    expect(await exportStudy(archive, '1.2.9', target)).toMatchObject({ written: 4, missing: [] });
    const results = await imported([target], { wasKept: wasKeptIn(archive) });
    expect(results.map(({ outcome }) => outcome).sort()).toEqual([
      'already',
      'already',
      'already',
      'already',
      'dicomdir',
      'not-dicom',
    ]);
    expect(readdirSync(join(folder, 'disc')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('exports one series', async () => {
    const result = await exportStudy(archive, '1.2.9', join(folder, 'out'), { seriesInstanceUID: '1.2.9.2' });
    expect(result).toMatchObject({ instances: 1, written: 1 });
  });

  it.each(['out', 'out.zip'])(
    'names what is gone or damaged in the store and leaves no half file (%s)',
    async (name) => {
      await archive.flush();
      const entries = await archive.entries('1.2.9');
      const [gone, damaged] = [entries[0]!, entries[1]!];
      rmSync(join(folder, 'store', gone.key));
      rmSync(join(folder, 'store', damaged.key));
      const bytes = Buffer.alloc(damaged.size, 1);
      writeFileSync(join(folder, 'store', damaged.key), bytes);
      const result = await exportStudy(archive, '1.2.9', join(folder, name));
      expect(result).toMatchObject({ instances: 4, written: 2 });
      expect(result.missing.map(({ sopInstanceUID, code }) => [sopInstanceUID, code]).sort()).toEqual(
        [
          [gone.sopInstanceUID, 'OBJECT_NOT_FOUND'],
          [damaged.sopInstanceUID, 'OBJECT_DAMAGED'],
        ].sort(),
      );
      const again = await imported([join(folder, name)], { wasKept: wasKeptIn(archive) });
      expect(again.filter(({ outcome }) => outcome === 'already')).toHaveLength(2);
      expect(again.filter(({ outcome }) => outcome === 'refused')).toEqual([]);
    },
  );

  it('leaves nothing behind when nothing could be written', async () => {
    await archive.flush();
    for (const { key } of await archive.entries('1.2.9')) rmSync(join(folder, 'store', key));
    const result = await exportStudy(archive, '1.2.9', join(folder, 'none.zip'));
    expect(result.written).toBe(0);
    expect(result.missing).toHaveLength(4);
    expect(existsSync(join(folder, 'none.zip'))).toBe(false);
    expect(existsSync(join(folder, 'none.zip.part'))).toBe(false);
  });

  it('refuses an unknown study and a target in use', async () => {
    await expect(exportStudy(archive, '9.9', join(folder, 'x'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(exportStudy(archive, '1.2.9', join(folder, 'disc'))).rejects.toMatchObject({ code: 'CONFLICT' });
    writeFileSync(join(folder, 'there.zip'), 'precious');
    await expect(exportStudy(archive, '1.2.9', join(folder, 'there.zip'))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readFileSync(join(folder, 'there.zip'), 'utf8')).toBe('precious');
  });
});
