import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';
import { exportStudy } from '../../router/export/export-study.ts';
import { nameEntries } from '../../router/export/file-names.ts';
import { importPaths } from '../../router/import/import-paths.ts';
import { openArchive } from '../../storage/archive.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { realFiles } from '../support/files.ts';
import { imageFile } from '../support/image-file.ts';

const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const hasDcmtk = works('dcmdump', '--version');
const python = '/usr/bin/python3';
const hasPydicom = works(python, '-c', 'import pydicom.fileset');

let folder: string;
let archive: Archive;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-dicomdir-'));
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

async function keep(file: Uint8Array): Promise<void> {
  const reception = archive.beginFile({ via: 'import' });
  await reception.write(file);
  await reception.finish();
}

/** Images of two series and a structured report, the patient's name in two scripts. */
async function keepStudy(): Promise<void> {
  const study = {
    '00080005': ['CS', 'ISO_IR 192'],
    '00080020': ['DA', '20260304'],
    '00080030': ['TM', '101500'],
    '00080050': ['SH', 'ACC7'],
    '00081030': ['LO', 'Schädel ½'],
    '00100010': ['PN', 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
    '00100020': ['LO', 'P77'],
    '0020000D': ['UI', '1.2.777'],
    '00200010': ['SH', 'S7'],
  } as const;
  for (const [series, sops] of [
    [1, 3],
    [2, 1],
  ] as const) {
    for (let n = 1; n <= sops; n++) {
      const extra = {
        ...study,
        '00080018': ['UI', `1.2.777.${series}.${n}`],
        '0020000E': ['UI', `1.2.777.${series}`],
        '00200011': ['IS', String(series)],
        ...(series === 1 && { '00200013': ['IS', String(n)] as const }),
      } as const;
      await keep(imageFile({ rows: 4, columns: 4, pixels: new Uint8Array(16).fill(n), extra }));
    }
  }
  await keep(
    writePart10(
      {
        ...study,
        '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.88.11'],
        '00080018': ['UI', '1.2.777.3.1'],
        '00080023': ['DA', '20260304'],
        '00080033': ['TM', '110000'],
        '00080060': ['CS', 'SR'],
        '0020000E': ['UI', '1.2.777.3'],
        '00200011': ['IS', '3'],
        '00200013': ['IS', '1'],
        '0040A040': ['CS', 'CONTAINER'],
        '0040A043': [
          'SQ',
          { '00080100': ['SH', '11528-7'], '00080102': ['SH', 'LN'], '00080104': ['LO', 'Radiology Report'] },
        ],
        '0040A491': ['CS', 'COMPLETE'],
        '0040A493': ['CS', 'UNVERIFIED'],
      },
      EXPLICIT_LE,
    ),
  );
  await archive.flush();
}

/** All files below a folder, as paths with `/`. */
function filesOf(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((found) => {
    const path = below ? `${below}/${found.name}` : found.name;
    return found.isDirectory() ? filesOf(root, path) : [path];
  });
}

/** What pydicom reads out of a DICOMDIR and the files behind it. */
const READER = `
import json, sys
from pydicom import dcmread
from pydicom.fileset import FileSet
directory = dcmread(sys.argv[1])
files = FileSet(directory)
rows = []
for one in files:
    real = one.load()
    rows.append([one.PatientID, str(one.PatientName), one.StudyInstanceUID, one.StudyID, one.AccessionNumber, one.StudyDescription,
        one.SeriesInstanceUID, one.Modality, int(one.SeriesNumber), int(one.InstanceNumber), one.SOPInstanceUID,
        one.SOPInstanceUID == real.SOPInstanceUID, str(one.PatientName) == str(real.PatientName)])
json.dump({"id": files.ID, "rows": rows, "types": [r.DirectoryRecordType for r in directory.DirectoryRecordSequence]}, sys.stdout)
`;

/** Walks every DICOMDIR as its records are linked and compares each file's own words with them. */
const COMPARE = `
import glob, json, sys
from pydicom import dcmread
from pydicom.fileset import FileSet
wrong = []
count = 0
for path in sorted(glob.glob(sys.argv[1] + '/out*/DICOMDIR')):
    for one in FileSet(path):
        count += 1
        real = one.load()
        for name in ('PatientName', 'PatientID', 'SOPInstanceUID', 'SeriesInstanceUID'):
            there, here = str(real.get(name, '') or ''), str(getattr(one, name, '') or '')
            if there.rstrip('=^ ') != here.rstrip('=^ '): wrong.append([path, name, there, here])
json.dump({'files': count, 'wrong': wrong}, sys.stdout)
`;

describe('DICOMDIR of an export', () => {
  it.skipIf(!hasPydicom)(
    'is read by pydicom: every record, right names in every script, every file behind it',
    async () => {
      await keepStudy();
      const target = join(folder, 'out');
      await exportStudy(archive, '1.2.777', target);
      const read = JSON.parse(execFileSync(python, ['-c', READER, join(target, 'DICOMDIR')], { encoding: 'utf8' }));
      const row = (series: number, modality: string, number: number, instance: number, sop: string) => [
        ...['P77', 'Yamada^Tarou=山田^太郎=やまだ^たろう', '1.2.777', 'S7', 'ACC7', 'Schädel ½'],
        ...[`1.2.777.${series}`, modality, number, instance, sop, true, true],
      ];
      expect(read.id).toBe('LIFEBOAT');
      expect(read.rows).toEqual([
        row(1, 'OT', 1, 1, '1.2.777.1.1'),
        row(1, 'OT', 1, 2, '1.2.777.1.2'),
        row(1, 'OT', 1, 3, '1.2.777.1.3'),
        row(2, 'OT', 2, 1, '1.2.777.2.1'),
        row(3, 'SR', 3, 1, '1.2.777.3.1'),
      ]);
      expect(read.types).toEqual([
        'PATIENT',
        'STUDY',
        'SERIES',
        'IMAGE',
        'IMAGE',
        'IMAGE',
        'SERIES',
        'IMAGE',
        'SERIES',
        'SR DOCUMENT',
      ]);
    },
  );

  it.skipIf(!hasDcmtk)('is read by DCMTK without a complaint, and dcmmkdir can add to it', async () => {
    await keepStudy();
    const target = join(folder, 'out');
    await exportStudy(archive, '1.2.777', target);
    const dump = spawnSync('dcmdump', ['+U8', '+L', join(target, 'DICOMDIR')], { encoding: 'utf8' });
    expect([dump.status, dump.stderr]).toEqual([0, '']);
    expect(dump.stdout).toContain('山田^太郎');
    expect(dump.stdout).toContain('DICOM\\STU00001\\SER00001\\IMG00003');
    expect(dump.stdout).toContain('Radiology Report');
    mkdirSync(join(target, 'MORE'));
    const extra = { '00080018': ['UI', '1.2.778.1'], '0020000D': ['UI', '1.2.778'], '00200010': ['SH', 'S8'] } as const;
    const dated = {
      '00080020': ['DA', '20260101'],
      '00080030': ['TM', '1000'],
      '00200011': ['IS', '1'],
      '00200013': ['IS', '1'],
    } as const;
    const added = imageFile({ rows: 4, columns: 4, pixels: new Uint8Array(16), extra: { ...extra, ...dated } });
    writeFileSync(join(target, 'MORE/IMG1'), added);
    const append = spawnSync('dcmmkdir', ['+A', '+D', 'DICOMDIR', 'MORE/IMG1'], { cwd: target, encoding: 'utf8' });
    expect([append.status, append.stderr.replace(/^W:.*\n?/gm, '')]).toEqual([0, '']);
    const again = execFileSync('dcmdump', ['+U8', '+P', '0004,1500', join(target, 'DICOMDIR')], { encoding: 'utf8' });
    expect(again.match(/0004,1500/g)).toHaveLength(6);
  });

  it('leads an import to every file, from the folder and from a ZIP file', async () => {
    await keepStudy();
    await exportStudy(archive, '1.2.777', join(folder, 'out'));
    await exportStudy(archive, '1.2.777', join(folder, 'out.zip'));
    for (const target of [join(folder, 'out/DICOMDIR'), join(folder, 'out.zip')]) {
      const outcomes: string[] = [];
      for await (const step of importPaths([target], archive)) outcomes.push(step.outcome);
      expect(outcomes.filter((one) => one === 'kept')).toHaveLength(5);
      expect(outcomes.filter((one) => one === 'dicomdir')).toHaveLength(1);
      expect(outcomes.filter((one) => ['missing', 'refused'].includes(one))).toEqual([]);
    }
  });

  it('names only files that were written, under names that every disc takes', async () => {
    await keepStudy();
    const gone = (await archive.entries('1.2.777'))[0]!;
    rmSync(join(folder, 'store', gone.key));
    const target = join(folder, 'out');
    await exportStudy(archive, '1.2.777', target);
    const names = filesOf(target);
    const dicomdir = readFileSync(join(target, 'DICOMDIR')).toString('latin1');
    for (const name of names.filter((one) => one.startsWith('DICOM/'))) {
      for (const part of name.split('/')) expect(part).toMatch(/^[A-Z0-9_]{1,8}$/);
      expect(dicomdir).toContain(name.replaceAll('/', '\\'));
    }
    expect(dicomdir.match(/DICOM\\STU00001/g)).toHaveLength(4);
    expect(dicomdir).not.toContain(gone.sopInstanceUID);
    expect(existsSync(join(target, 'SHA256SUMS'))).toBe(true);
  });

  it('gives the hundred thousandth image of a series a name of eight characters that no other has', async () => {
    await keepStudy();
    const [entry] = await archive.entries('1.2.777');
    const names = nameEntries(
      Array.from({ length: 100_001 }, (_, i) => ({ ...entry!, sopInstanceUID: `1.${i}`, attributes: {} })),
    ).map(({ name }) => name.split('/').at(-1)!);
    expect(Math.max(...names.map((name) => name.length))).toBe(8);
    expect(new Set(names).size).toBe(100_001);
  });

  const small = realFiles().filter((file) => !file.malformed && statSync(file.path).size < 60_000);
  it.skipIf(small.length === 0 || !hasPydicom)(
    'of real files of every kind and character set says what pydicom reads in the files',
    async () => {
      for (const file of small) await keep(readFileSync(file.path)).catch(() => undefined);
      await archive.flush();
      const studies = await archive.catalogue.studyUIDs();
      expect(studies.length).toBeGreaterThan(20);
      for (const [i, study] of studies.entries()) {
        const { missing } = await exportStudy(archive, study, join(folder, `out${i}`));
        expect([study, missing]).toEqual([study, []]);
      }
      const report = execFileSync(python, ['-W', 'ignore', '-c', COMPARE, folder], { encoding: 'utf8' });
      const { files, wrong } = JSON.parse(report) as { files: number; wrong: unknown[] };
      expect(wrong).toEqual([]);
      expect(files).toBeGreaterThan(studies.length);
    },
    180_000,
  );
});
