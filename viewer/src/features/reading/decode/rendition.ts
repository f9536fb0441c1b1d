import { sha256Of } from '../../../../../storage/format/sha256.ts';
import type { Codecs } from './codec-types.ts';
import { highThroughput } from './compressed.ts';
import { decodeNative } from './decode.ts';
import { type DecodedFrame, DecodeError, type PixelFormat } from './decode-types.ts';

/**
 * Decodes one frame of a lossless rendition (storage/README.md, "Renditions") to the cells that stand in the object, and these as the
 * object's own.
 * @param sha256 of the codestream, lower-case hex
 * @param format of the object
 * @throws DecodeError when hash, size or number of bits are not as promised, or the codec refuses
 */
export async function decodeRendition(
  codestream: Uint8Array,
  sha256: string,
  format: PixelFormat,
  codecs: Codecs,
): Promise<DecodedFrame> {
  if ((await sha256Of(codestream)) !== sha256) throw new DecodeError('the rendition is not the one that was made');
  const raw = await highThroughput(codestream, codecs, format);
  const { rows, columns, samplesPerPixel, bitsAllocated } = format;
  if (
    raw.rows !== rows ||
    raw.columns !== columns ||
    raw.samplesPerPixel !== samplesPerPixel ||
    raw.bitsPerSample !== bitsAllocated ||
    raw.bytes.length !== (rows * columns * samplesPerPixel * bitsAllocated) / 8
  )
    throw new DecodeError('the rendition is of another image');
  return decodeNative(new Uint8Array(raw.bytes), format);
}
