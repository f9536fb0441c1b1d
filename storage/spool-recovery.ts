import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { LifeboatError } from '../contract/errors.ts';
import { DataSetIntake } from './data-set-intake.ts';
import { parseFileHeader } from './format/part10.ts';
import { transferSyntax } from './format/transfer-syntaxes.ts';
import { markNotes, notesOf, readUids } from './received-identity.ts';
import type { SpoolName } from './spool-name.ts';
import type { SpoolEntry } from './spool-types.ts';
import { rawIdentity } from './waiting.ts';

const READ_BYTES = 1024 * 1024;

/**
 * Reads a spool file after a restart, compares size and hashes with its name, scans it again for its UIDs and notes and
 * fsyncs it (the process may have died between rename and fsync). A file that is not what its name says yields the reason.
 * Throws only what the disk throws.
 */
export async function verifySpoolFile(
  path: string,
  name: SpoolName,
): Promise<{ entry: SpoolEntry } | { reason: string }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size !== name.size) return { reason: `The file is torn: ${size} of ${name.size} bytes.` };
    const head = Buffer.alloc(name.dataSetOffset);
    await file.read(head, 0, head.length, 0);
    const header = parseFileHeader(head, true);
    if (!header || header.dataSetOffset !== name.dataSetOffset) {
      return { reason: 'The file header is damaged.' };
    }
    const syntax = transferSyntax(header.transferSyntaxUID);
    const whole = createHash('sha256').update(head);
    const dataSet = createHash('sha256');
    const intake = new DataSetIntake(syntax);
    const block = Buffer.allocUnsafe(READ_BYTES);
    for (let at = name.dataSetOffset; at < size; ) {
      const { bytesRead } = await file.read(block, 0, block.length, at);
      if (bytesRead === 0) return { reason: `The file is torn: it ends at byte ${at} of ${size}.` };
      const chunk = block.subarray(0, bytesRead);
      whole.update(chunk);
      dataSet.update(chunk);
      await intake.push(chunk);
      at += bytesRead;
    }
    if (crc32(head) !== name.headerCrc || dataSet.digest('hex') !== name.dataSetSha256) {
      return { reason: 'The content does not match the hash in the file name.' };
    }
    const scan = await intake.end();
    const uids = readUids(scan, header.sopClassUID);
    await file.sync();
    const entry: SpoolEntry = {
      ...uids,
      id: name.id,
      path,
      size,
      sha256: whole.digest('hex'),
      dataSetOffset: name.dataSetOffset,
      dataSetSha256: name.dataSetSha256,
      transferSyntaxUID: syntax.uid,
      source: name.source,
      receivedAt: new Date(name.receivedAtMs).toISOString(),
      identity: rawIdentity(scan.values),
      notes: [...notesOf(scan, syntax, uids), ...markNotes(name.marks ?? '')],
    };
    return { entry };
  } catch (error) {
    if (error instanceof LifeboatError) return { reason: error.message };
    throw error;
  } finally {
    await file.close();
  }
}
