import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A real DICOM file to test with; fields beyond `path` are known only for the large set. */
export interface RealFile {
  /** Absolute path. */
  path: string;
  /** Path relative to its set. */
  name: string;
  sha256?: string;
  sopClass?: string;
  transferSyntax?: string;
  modality?: string;
  /** rows x columns x frames */
  shape?: string;
  bits?: string;
  photometric?: string;
  charset?: string;
  seriesUID?: string;
  note?: string;
  malformed: boolean;
}

const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const largeSet = process.env.LIFEBOAT_TEST_DICOM ?? resolve(projectRoot, '../shared/dicom');
const pydicomSet = '/usr/lib/python3/dist-packages/pydicom/data';

/** Folder of the large set of real files (`manifest.tsv` inside), or null where it is absent. */
export function sharedSet(): string | null {
  return existsSync(join(largeSet, 'manifest.tsv')) ? largeSet : null;
}

function largeSetFiles(): RealFile[] {
  const [head, ...lines] = readFileSync(join(largeSet, 'manifest.tsv'), 'utf8').trimEnd().split('\n');
  const columns = head!.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    const cell = (name: string) => cells[columns.indexOf(name)] || undefined;
    const name = cell('path')!;
    return {
      path: join(largeSet, name),
      name,
      sha256: cell('sha256'),
      sopClass: cell('sop_class'),
      transferSyntax: cell('transfer_syntax'),
      modality: cell('modality'),
      shape: cell('rows_x_cols_x_frames'),
      bits: cell('bits'),
      photometric: cell('photometric'),
      charset: cell('charset'),
      seriesUID: cell('series_uid'),
      note: cell('note'),
      malformed: (cell('note') ?? '').startsWith('MALFORMED'),
    };
  });
}

/** Names among pydicom's own test files that are broken on purpose or are no DICOM files. */
const pydicomMalformed =
  /(no_meta|NoMeta|bad_?[sV]|truncated|meta_missing|empty_charset|UN_sequence|priv_SQ|rtstruct|too_short|embedded-sequence|MR_small_padded|reportsi_with|SC_rgb_jpeg\.dcm|dicomdirtests|DICOMDIR|\.(txt|py|zip|gz|json|xml|tif|md))/i;

function pydicomFiles(): RealFile[] {
  const found: RealFile[] = [];
  for (const folder of ['test_files', 'charset_files']) {
    const base = join(pydicomSet, folder);
    if (!existsSync(base)) continue;
    for (const entry of readdirSync(base, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      if (!entry.name.endsWith('.dcm') && pydicomMalformed.test(entry.name)) continue;
      if (!entry.name.endsWith('.dcm')) continue;
      found.push({
        path: join(base, entry.name),
        name: `${folder}/${entry.name}`,
        malformed: pydicomMalformed.test(entry.name),
      });
    }
  }
  return found;
}

/** All real files on this machine: the large set where it is, else those Debian's python3-pydicom brings, else none. */
export function allFiles(): RealFile[] {
  return sharedSet() ? largeSetFiles() : pydicomFiles();
}

/** Well-formed real files. */
export function realFiles(): RealFile[] {
  return allFiles().filter((f) => !f.malformed);
}

/** Broken, odd or hostile real files. */
export function malformedFiles(): RealFile[] {
  return allFiles().filter((f) => f.malformed);
}

/** Says what a test run leaves out on this machine; printed by the test script. */
export function describeSets(): string {
  if (sharedSet()) return 'real files: large set';
  const n = pydicomFiles().length;
  return n > 0
    ? `real files: ${n} of python3-pydicom only (the large set is absent)`
    : 'real files: none (large set and python3-pydicom absent)';
}
