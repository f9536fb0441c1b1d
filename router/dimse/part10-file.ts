import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { LifeboatError } from '../../contract/errors.ts';
import type { OutgoingInstance } from './storage-scu.ts';

const PREAMBLE = 128;
const META_START = PREAMBLE + 4;
/** File meta information longer than this is refused; it holds a dozen short elements. */
const MAX_META = 64 * 1024;
const READ_SIZE = 256 * 1024;
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

const MEDIA_STORAGE_SOP_CLASS_UID = 0x0002;
const MEDIA_STORAGE_SOP_INSTANCE_UID = 0x0003;
const TRANSFER_SYNTAX_UID = 0x0010;

/**
 * Opens a DICOM Part 10 file for sending: reads its file meta information (PS3.10 7.1, Explicit VR Little Endian), not its
 * data set, which is streamed later. Throws NOT_DICOM.
 */
export async function part10File(path: string): Promise<OutgoingInstance> {
  const file = await open(path, 'r');
  let head: Buffer;
  let size: number;
  try {
    size = (await file.stat()).size;
    head = Buffer.alloc(Math.min(size, META_START + MAX_META));
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    head = head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
  const { values, end } = parseFileMeta(head);
  const sopClassUID = values.get(MEDIA_STORAGE_SOP_CLASS_UID);
  const sopInstanceUID = values.get(MEDIA_STORAGE_SOP_INSTANCE_UID);
  const transferSyntaxUID = values.get(TRANSFER_SYNTAX_UID);
  if (!sopClassUID || !sopInstanceUID || !transferSyntaxUID) {
    throw new LifeboatError(
      'NOT_DICOM',
      'The file meta information lacks a SOP Class, Instance or Transfer Syntax UID.',
    );
  }
  return {
    name: path,
    sopClassUID,
    sopInstanceUID,
    transferSyntaxUID,
    size: size - end,
    open: () => createReadStream(path, { start: end, highWaterMark: READ_SIZE }),
  };
}

function parseFileMeta(head: Buffer): { values: Map<number, string>; end: number } {
  if (head.length < META_START || head.toString('latin1', PREAMBLE, META_START) !== 'DICM') {
    throw new LifeboatError('NOT_DICOM');
  }
  const values = new Map<number, string>();
  let at = META_START;
  while (at + 8 <= head.length && head.readUInt16LE(at) === 0x0002) {
    const element = head.readUInt16LE(at + 2);
    const isLong = LONG_VRS.has(head.toString('latin1', at + 4, at + 6));
    if (isLong && at + 12 > head.length) throw new LifeboatError('NOT_DICOM');
    const length = isLong ? head.readUInt32LE(at + 8) : head.readUInt16LE(at + 6);
    const start = at + (isLong ? 12 : 8);
    if (start + length > head.length)
      throw new LifeboatError('NOT_DICOM', 'The file ends within its meta information.');
    values.set(
      element,
      head
        .toString('latin1', start, start + length)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: UIDs are padded with NUL
        .replace(/[\x00 ]+$/, ''),
    );
    at = start + length;
  }
  return { values, end: at };
}
