import { LifeboatError } from '../../contract/errors.ts';
import { inMemory } from '../../storage/format/byte-window.ts';
import { describeObjectSync } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';

const MEDIA_STORAGE_DIRECTORY = '1.2.840.10008.1.3.10';
/** Larger than any directory of a full disc. */
export const MAX_DICOMDIR_BYTES = 256 * 1024 * 1024;

/** Whether a file is a DICOMDIR (PS3.10 8.6), from its first bytes. */
export function isDicomdir(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 1024));
  if (bytes.length < 132 || bytes.toString('latin1', 128, 132) !== 'DICM') return false;
  const at = bytes.indexOf(MEDIA_STORAGE_DIRECTORY, 132, 'latin1');
  const next = bytes[at + MEDIA_STORAGE_DIRECTORY.length];
  return at > 0 && (next === undefined || next < 0x2e);
}

/**
 * Components of every path that a DICOMDIR refers to (Referenced File ID of its directory records, PS3.3 F.3.2.2).
 * Throws DATASET_UNREADABLE. References that would leave the folder are kept out and counted.
 */
export function referencedFiles(bytes: Uint8Array): { paths: string[][]; outside: number } {
  const meta = readFileMeta(bytes);
  if (!meta) throw new LifeboatError('DATASET_UNREADABLE', 'The DICOMDIR cannot be read.');
  const { metadata } = describeObjectSync(inMemory(bytes), meta);
  const paths: string[][] = [];
  let outside = 0;
  for (const record of metadata['00041220']?.Value ?? []) {
    const path = (record as DicomJson)['00041500']?.Value?.map((part) => String(part).trim()).filter(Boolean) ?? [];
    if (path.length === 0) continue;
    if (path.some((part) => part === '..' || part === '.' || /[\\/\0]/.test(part))) outside++;
    else paths.push(path);
  }
  return { paths, outside };
}
