import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { LogRecord, SpoolLog } from './spool-log.ts';
import type { SpoolName } from './spool-name.ts';

/**
 * Copies a record of the log to `partPath`, fsynced, and renames it to `path` when it is what its name says; the folder is not
 * synced. A record that is not what its name says stays at `partPath`, with the reason.
 * Throws what the disk throws; neither file is there then.
 */
export async function unpackRecord(
  log: SpoolLog,
  record: LogRecord,
  name: SpoolName | null,
  partPath: string,
  path: string,
): Promise<{ sha256: string } | { reason: string }> {
  const whole = createHash('sha256');
  const dataSet = createHash('sha256');
  const offset = name?.dataSetOffset ?? 0;
  let headerCrc = 0;
  let at = 0;
  const file = await open(partPath, 'wx', 0o640);
  try {
    for await (const piece of log.read(record)) {
      whole.update(piece);
      const inHeader = Math.min(Math.max(offset - at, 0), piece.length);
      if (inHeader > 0) headerCrc = crc32(piece.subarray(0, inHeader), headerCrc);
      dataSet.update(inHeader === 0 ? piece : piece.subarray(inHeader));
      at += piece.length;
      await writeAll(file, piece);
    }
    await file.sync();
  } catch (error) {
    await unlink(partPath).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
  if (!name) return { reason: 'The name in the log of the spool is not one that the spool gives.' };
  const intact = at === name.size && headerCrc === name.headerCrc && dataSet.digest('hex') === name.dataSetSha256;
  if (!intact) return { reason: 'The content in the log of the spool does not match its hash.' };
  await rename(partPath, path);
  return { sha256: whole.digest('hex') };
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}
