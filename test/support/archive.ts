import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LifeboatError } from '../../contract/errors.ts';
import { type ArchiveOptions, openArchive } from '../../storage/archive.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { ReceivedInstance } from '../../storage/receive-types.ts';
import { CT, ctDataSet } from './build-data-set.ts';

export const STUDY = '1.2.826.0.1.3680043.10.1.1';
export const SERIES = `${STUDY}.1`;

export interface ArchiveFolder {
  dir: string;
  problems: LifeboatError[];
  options: ArchiveOptions;
  /** Opens the archive kept in the folder; may be called again after a close or a crash. */
  open(options?: Partial<ArchiveOptions>): Promise<Archive>;
  remove(): void;
}

export function archiveOptions(dir: string): ArchiveOptions {
  return {
    dataDir: dir,
    store: { kind: 'file', dir: join(dir, 'store') },
    database: { kind: 'sqlite', file: join(dir, 'catalogue.sqlite') },
    spoolMinFreeBytes: 0,
  };
}

/** A throw-away data folder with embedded store and SQLite. */
export function archiveFolder(): ArchiveFolder {
  const dir = mkdtempSync(join(tmpdir(), 'lifeboat-archive-'));
  const problems: LifeboatError[] = [];
  const options = { ...archiveOptions(dir), onProblem: (error: LifeboatError) => problems.push(error) };
  return {
    dir,
    problems,
    options,
    open: (more = {}) => openArchive({ ...options, ...more }),
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** One small CT slice as C-STORE brings it; `pixel` makes the content. */
export function slice(number: number, pixel = number, study = STUDY): { sop: string; bytes: Buffer } {
  const sop = `${study}.1.${number}`;
  const pixels = Buffer.alloc(32, pixel & 0xff);
  pixels.writeUInt16LE(pixel & 0xffff);
  const bytes = ctDataSet({
    studyInstanceUID: study,
    seriesInstanceUID: `${study}.1`,
    sopInstanceUID: sop,
    rows: 4,
    columns: 4,
    pixels,
  });
  return { sop, bytes };
}

export async function receive(
  archive: Archive,
  { sop, bytes }: { sop: string; bytes: Uint8Array },
): Promise<ReceivedInstance> {
  const reception = archive.beginDataSet(
    { via: 'c-store', callingAE: 'CT1', address: '192.0.2.1' },
    { transferSyntaxUID: '1.2.840.10008.1.2.1', sopClassUID: CT, sopInstanceUID: sop },
  );
  await reception.write(bytes);
  return reception.finish();
}

export async function lines(source: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of source) found.push(line);
  return found;
}

export async function storedKeys(archive: Pick<Archive, 'store'>, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of archive.store.list(prefix)) keys.push(key);
  return keys;
}
