import { extractFrame, frameRange } from '../../../../../storage/format/frames.ts';
import type { PixelDataLayout } from '../../../../../storage/format/manifest.ts';
import type { ReadBulk } from './bulk-value.ts';
import { DecodeError, type PixelFormat } from './decode-types.ts';
import { swapWords } from './native.ts';

const bigEndian = '1.2.840.10008.1.2.2';

/**
 * Whether cells smaller than a word lie in words whose bytes are turned: Explicit VR Big Endian, 1 or 8 bits, and Pixel Data
 * is OW (PS3.5 7.3, 8.1.1). In OB they lie in their order.
 */
async function isInSwappedWords(layout: PixelDataLayout, format: PixelFormat, read: ReadBulk): Promise<boolean> {
  if (format.transferSyntaxUID !== bigEndian || layout.kind !== 'native' || format.bitsAllocated > 8) return false;
  const header = await read(layout.offset - 12, layout.offset);
  return header[4] === 0x4f && header[5] === 0x57;
}

/**
 * Bytes of one frame: compressed, or native cells in the object's byte order; cells smaller than a word in theirs. Whole words
 * are read where words are turned: the last byte of an odd frame shares its word with the next frame or the padding.
 * @throws DecodeError when there is no such frame
 */
export async function readFrame(
  layout: PixelDataLayout,
  frame: number,
  format: PixelFormat,
  read: ReadBulk,
): Promise<Uint8Array> {
  const span = frameRange(layout, frame);
  if (!span) throw new DecodeError(`the object has no frame ${frame + 1}`);
  if (layout.kind !== 'native' || !(await isInSwappedWords(layout, format, read)))
    return extractFrame(layout, frame, await read(span.start, span.end));
  const { offset, length } = layout;
  const from = offset + Math.floor((span.start - offset) / 2) * 2;
  const to = Math.min(offset + length, offset + Math.ceil((span.end - offset) / 2) * 2);
  return extractFrame(layout, frame, swapWords(await read(from, to), 2).subarray(span.start - from));
}
