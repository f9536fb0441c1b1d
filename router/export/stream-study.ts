import { createHash } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { currentEntries } from '../../storage/merge.ts';
import type { TagChange } from '../forward/forward-types.ts';
import { checkedObject, type ObjectSource } from './checked-object.ts';
import { type Corrected, CorrectionNote, exportFile } from './corrected-files.ts';
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
 * Writes objects byte for byte as one ZIP into `write`, with a DICOMDIR and SHA256SUMS, without touching a disk. A corrected
 * patient is put in on the way, which CORRECTED.TXT says. An object whose bytes are not those recorded ends it with
 * OBJECT_DAMAGED: half a ZIP opens nowhere, so nobody takes it for the whole.
 */
export async function streamStudy(
  archive: Source,
  studyInstanceUID: string,
  entries: InstanceEntry[],
  write: (bytes: Uint8Array) => Promise<void>,
  corrections: Corrected = () => [],
): Promise<void> {
  const named = nameEntries(entries);
  const writer = new ZipWriter({ write });
  const sums: string[] = [];
  const note = new CorrectionNote();
  const changed = new Map<InstanceEntry, TagChange[]>();
  for (const { entry, name } of named) {
    const changes = corrections(entry);
    const file = await exportFile(archive, entry, changes);
    if (note.add(name, file)) changed.set(entry, changes);
    if ('bytes' in file) {
      await addBytes(writer, name, file.bytes);
      sums.push(`${createHash('sha256').update(file.bytes).digest('hex')}  ${name}\n`);
      continue;
    }
    await writer.add(name, entry.size, await checkedObject(archive, entry));
    sums.push(`${entry.sha256}  ${name}\n`);
  }
  const text = note.text();
  if (text !== undefined) await addBytes(writer, 'CORRECTED.TXT', Buffer.from(text));
  const directory = await directoryEntries(archive.reading, named, (entry) => changed.get(entry) ?? []);
  const dicomdir = writeDicomdir(studyInstanceUID, directory);
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
