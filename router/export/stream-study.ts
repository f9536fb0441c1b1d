import { createHash } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { currentEntries } from '../../storage/merge.ts';
import { checkedObject, type ObjectSource } from './checked-object.ts';
import { writeDicomdir } from './dicomdir-writer.ts';
import { directoryEntries } from './directory-entries.ts';
import { nameEntries } from './file-names.ts';
import { ZipWriter } from './zip-writer.ts';

type Source = Pick<Archive, 'entries'> & ObjectSource;

/** The newest contents of a study or one of its series. Throws NOT_FOUND where there are none. */
export async function entriesToExport(
  archive: Pick<Archive, 'entries'>,
  studyInstanceUID: string,
  seriesInstanceUID?: string,
): Promise<InstanceEntry[]> {
  const all = currentEntries(await archive.entries(studyInstanceUID));
  const wanted = all.filter((entry) => !seriesInstanceUID || entry.seriesInstanceUID === seriesInstanceUID);
  if (wanted.length === 0) throw new LifeboatError('NOT_FOUND', 'The archive has no instance of this study or series.');
  return wanted;
}

/**
 * Writes objects byte for byte as one ZIP into `write`, with a DICOMDIR and SHA256SUMS, without touching a disk. An object whose
 * bytes are not those recorded ends it with OBJECT_DAMAGED: half a ZIP opens nowhere, so nobody takes it for the whole.
 */
export async function streamStudy(
  archive: Source,
  studyInstanceUID: string,
  entries: InstanceEntry[],
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const named = nameEntries(entries);
  const writer = new ZipWriter({ write });
  const sums: string[] = [];
  for (const { entry, name } of named) {
    await writer.add(name, entry.size, await checkedObject(archive, entry));
    sums.push(`${entry.sha256}  ${name}\n`);
  }
  const dicomdir = writeDicomdir(studyInstanceUID, await directoryEntries(archive.reading, named));
  sums.push(`${createHash('sha256').update(dicomdir).digest('hex')}  DICOMDIR\n`);
  await addBytes(writer, 'DICOMDIR', dicomdir);
  await addBytes(writer, 'SHA256SUMS', Buffer.from(sums.join('')));
  await writer.finish();
}

/** One small file. */
export async function addBytes(writer: ZipWriter, name: string, bytes: Uint8Array): Promise<void> {
  await writer.add(
    name,
    bytes.length,
    (async function* () {
      yield bytes;
    })(),
  );
}
