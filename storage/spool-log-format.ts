import { crc32 } from 'node:zlib';
import { z } from 'zod';

/** Unit of the log: every record starts and ends at a multiple of it, and every page is as long. */
export const PAGE_BYTES = 4096;
/** The log is a row of segments; each is written from its start, by one reception at a time, and emptied as a whole. */
export const SEGMENT_BYTES = 8 * 1024 * 1024;
export const GENERATION_BYTES = 16;

const SEGMENT_MAGIC = Buffer.from('LBLOGSEG');
const RECORD_MAGIC = Buffer.from('LBLOGREC');
const CRC_AT = 8 + GENERATION_BYTES;
const LENGTH_AT = CRC_AT + 4;
const TEXT_AT = LENGTH_AT + 4;

/** One instance in the log: a whole Part 10 file at `start`, followed, at the next page boundary, by the page that says so. */
export interface RecordPage {
  /** First byte in the segment; a multiple of PAGE_BYTES. */
  start: number;
  /** Bytes of the Part 10 file. */
  size: number;
  /** File name in the spool (spool-name.ts): all that recovery needs. */
  name: string;
}

const recordSchema = z.object({
  start: z.int().min(PAGE_BYTES).max(SEGMENT_BYTES),
  size: z.int().min(1).max(SEGMENT_BYTES),
  name: z.string(),
});

export function pageAlign(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Page at the start of a segment in use. The generation is random and new each time the segment is begun. */
export function writeSegmentPage(page: Buffer, generation: Buffer): void {
  write(page, SEGMENT_MAGIC, generation, '');
}

/** The generation of a segment in use; null when the segment is empty (or its first page was torn, when nothing in it was acknowledged). */
export function readSegmentPage(page: Buffer): Buffer | null {
  if (read(page, SEGMENT_MAGIC) === null) return null;
  return Buffer.from(page.subarray(8, CRC_AT));
}

export function writeRecordPage(page: Buffer, generation: Buffer, record: RecordPage): void {
  write(page, RECORD_MAGIC, generation, JSON.stringify(record));
}

/** null when this page ends no record of this generation. Image data cannot pass for one: the sender does not know the generation. */
export function readRecordPage(page: Buffer, generation: Buffer): RecordPage | null {
  if (!page.subarray(8, CRC_AT).equals(generation)) return null;
  const text = read(page, RECORD_MAGIC);
  if (!text) return null;
  try {
    const parsed = recordSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** magic (8) | generation (16) | CRC-32 of generation and text (4, LE) | length of the text (4, LE) | text, UTF-8 | zeros */
function write(page: Buffer, magic: Buffer, generation: Buffer, text: string): void {
  const bytes = Buffer.from(text);
  page.fill(0, 0, PAGE_BYTES);
  page.set(magic, 0);
  page.set(generation, 8);
  page.writeUInt32LE(crc32(bytes, crc32(generation)), CRC_AT);
  page.writeUInt32LE(bytes.length, LENGTH_AT);
  page.set(bytes, TEXT_AT);
}

function read(page: Buffer, magic: Buffer): string | null {
  if (!page.subarray(0, 8).equals(magic)) return null;
  const length = page.readUInt32LE(LENGTH_AT);
  if (length > PAGE_BYTES - TEXT_AT) return null;
  const text = page.subarray(TEXT_AT, TEXT_AT + length);
  return crc32(text, crc32(page.subarray(8, CRC_AT))) === page.readUInt32LE(CRC_AT) ? text.toString() : null;
}
