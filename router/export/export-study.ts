import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { currentEntries } from '../../storage/merge.ts';
import type { TagChange } from '../forward/forward-types.ts';
import { checkedObject } from './checked-object.ts';
import { CorrectionNote, exportFile } from './corrected-files.ts';
import { writeDicomdir } from './dicomdir-writer.ts';
import { directoryEntries } from './directory-entries.ts';
import type { ExportItem, ExportOptions, ExportResult, ExportTarget } from './export-types.ts';
import { type NamedEntry, nameEntries } from './file-names.ts';
import { openFolder } from './folder-target.ts';
import { openZipTarget } from './zip-target.ts';

type Source = Pick<Archive, 'entries' | 'flush' | 'spool' | 'reading'>;

/**
 * Writes a study's objects, byte for byte as kept, into a folder or, where the target ends in `.zip`, a ZIP file, with the
 * list `SHA256SUMS` (`sha256sum -c` checks it) and a DICOMDIR of what was written. With `corrections` the corrected patient is put in
 * on the way, which CORRECTED.TXT says. Every file is read back and compared with its size and hash. Instances that could not be written are in `missing`: the export is complete only without any.
 * Throws NOT_FOUND, CONFLICT, and what writing to the target throws; when not one instance could be written the target is
 * removed again.
 */
export async function exportStudy(
  archive: Source,
  studyInstanceUID: string,
  target: string,
  options: ExportOptions = {},
): Promise<ExportResult> {
  await settleSpool(archive, options.waitForSpoolMs ?? 15_000);
  const all = await archive.entries(studyInstanceUID);
  const wanted = (options.allContents ? all : currentEntries(all)).filter(
    (entry) => !options.seriesInstanceUID || entry.seriesInstanceUID === options.seriesInstanceUID,
  );
  if (wanted.length === 0) throw new LifeboatError('NOT_FOUND', 'The archive has no instance of this study or series.');
  const path = resolve(target);
  const open = /\.zip$/i.test(path) ? openZipTarget : openFolder;
  const writer = await open(path, options.overwrite ?? false);
  try {
    const result = await writeAll(archive, writer, path, studyInstanceUID, nameEntries(wanted), options);
    if (result.written > 0) await writer.finish();
    else await writer.discard();
    return result;
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Acknowledged instances belong into the export too; those that still wait afterwards are counted in the result. */
async function settleSpool(archive: Source, waitMs: number): Promise<void> {
  if (archive.spool().entries === 0) return;
  const timeout = new AbortController();
  const waited = sleep(waitMs, undefined, { signal: timeout.signal }).catch(() => undefined);
  await Promise.race([archive.flush(), waited]);
  timeout.abort();
}

async function writeAll(
  archive: Source,
  writer: ExportTarget,
  target: string,
  studyInstanceUID: string,
  named: NamedEntry[],
  options: ExportOptions,
): Promise<ExportResult> {
  const totalBytes = named.reduce((sum, { entry }) => sum + entry.size, 0);
  const result: ExportResult = {
    target,
    instances: named.length,
    written: 0,
    bytes: 0,
    missing: [],
    corrected: 0,
    notCorrected: [],
    spoolWaiting: 0,
  };
  const sums: string[] = [];
  const written: NamedEntry[] = [];
  const note = new CorrectionNote();
  const changed = new Map<InstanceEntry, TagChange[]>();
  for (const [i, { entry, name }] of named.entries()) {
    const changes = options.corrections?.(entry) ?? [];
    let item: ExportItem | undefined;
    try {
      const file = await exportFile(archive, entry, changes);
      item =
        'bytes' in file
          ? { name, size: file.bytes.length, sha256: sha256Of(file.bytes), body: oneChunk(file.bytes) }
          : { name, size: entry.size, sha256: entry.sha256, body: await checkedObject(archive, entry) };
      if (note.add(name, file)) changed.set(entry, changes);
    } catch (thrown) {
      addMissing(result, entry, thrown);
    }
    if (item) {
      try {
        await writer.add(item);
        await verify(writer, item);
        sums.push(`${item.sha256}  ${name}\n`);
        written.push({ entry, name });
        result.written++;
        result.bytes += item.size;
      } catch (thrown) {
        // What the target's disk says concerns every file to come; what the store says only this one.
        if (!(thrown instanceof LifeboatError)) throw thrown;
        addMissing(result, entry, thrown);
      }
    }
    options.onProgress?.({ done: i + 1, total: named.length, bytes: result.bytes, totalBytes });
  }
  if (written.length > 0) {
    const directory = await directoryEntries(archive.reading, written, (entry) => changed.get(entry) ?? []);
    const dicomdir = writeDicomdir(studyInstanceUID, directory);
    const sha256 = sha256Of(dicomdir);
    await writer.add({ name: 'DICOMDIR', size: dicomdir.length, sha256, body: oneChunk(dicomdir) });
    sums.push(`${sha256}  DICOMDIR\n`);
    await writer.addText('SHA256SUMS', sums.join(''));
    const text = note.text();
    if (text !== undefined) await writer.addText('CORRECTED.TXT', text);
  }
  result.corrected = note.corrected;
  result.notCorrected = [...note.left];
  result.spoolWaiting = archive.spool().entries;
  return result;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function addMissing(result: ExportResult, entry: NamedEntry['entry'], thrown: unknown): void {
  const { code, message } = asLifeboatError(thrown);
  result.missing.push({ sopInstanceUID: entry.sopInstanceUID, key: entry.key, code, reason: message });
}

async function verify(writer: ExportTarget, { name, sha256 }: ExportItem): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of writer.readBack(name)) hash.update(chunk);
  if (hash.digest('hex') !== sha256) {
    throw new Error(`${name} was written but reads back differently: the target's disk or medium is faulty.`);
  }
}
