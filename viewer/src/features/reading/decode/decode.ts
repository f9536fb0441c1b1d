import type { PixelDataLayout } from '../../../../../storage/format/manifest.ts';
import type { Codecs } from './codec-types.ts';
import { colourFrame, expand422, paletteFrame, toRgb } from './colour.ts';
import { type DecodedFrame, DecodeError, type PixelFormat } from './decode-types.ts';
import { cellsOf, floatsOf, storedValues, swapWords, unpackBits } from './native.ts';
import { embeddedPlane } from './overlay-plane.ts';

const rleLossless = '1.2.840.10008.1.2.5';
const bigEndian = '1.2.840.10008.1.2.2';

/** True for the transfer syntaxes whose frames are plain cells (PS3.5 Annex A.1 to A.3 and A.5). */
export function isNative(transferSyntaxUID: string): boolean {
  return (
    /^1\.2\.840\.10008\.1\.2(\.[12]|\.1\.99)?$/.test(transferSyntaxUID) || transferSyntaxUID === '1.2.840.113619.5.2'
  );
}

/**
 * Whether a frame is plain cells: by its transfer syntax, or because the object's pixels are not encapsulated though the
 * transfer syntax says so; what is there counts.
 */
export function hasNativeFrames(layout: PixelDataLayout, transferSyntaxUID: string): boolean {
  return layout.kind === 'native' || isNative(transferSyntaxUID);
}

function fromCells(
  cells: Uint8Array | Uint16Array | Uint32Array,
  format: PixelFormat,
  planar: boolean,
  rgb: boolean,
): DecodedFrame {
  if (format.samplesPerPixel > 1) {
    if (format.samplesPerPixel !== 3 || /^(HSV|ARGB|CMYK)$/.test(format.photometricInterpretation))
      throw new DecodeError(`its colours (${format.photometricInterpretation}) cannot be shown here`);
    return colourFrame(cells, format, planar, rgb);
  }
  const values = storedValues(cells, format);
  const { palette, rows, columns } = format;
  const isPalette = format.photometricInterpretation === 'PALETTE COLOR';
  if (isPalette && !palette) throw new DecodeError('its colour palette is missing or incomplete');
  const frame: DecodedFrame =
    isPalette && palette
      ? paletteFrame(values, format, palette)
      : { kind: 'gray', rows, columns, pixels: values, ...(palette && { supplement: palette }) };
  if (format.embeddedBits?.length)
    frame.embedded = Object.fromEntries(format.embeddedBits.map((bit) => [bit, embeddedPlane(cells, bit)]));
  return frame;
}

/**
 * Decodes one native frame (PS3.5 8.1, 8.2). In Big Endian the words of OW are swapped, 16 bits each, whatever Bits
 * Allocated is: a 32-bit pixel is two words, the less significant first (PS3.5 Annex D).
 * @param bytes of the frame as `readFrame` gives them; 1-bit pixels start at bit 0 of the first byte
 */
export function decodeNative(bytes: Uint8Array, format: PixelFormat): DecodedFrame {
  const pixels = format.rows * format.columns;
  const { rows, columns } = format;
  const swap = format.transferSyntaxUID === bigEndian;
  if (format.sampleKind !== 'integer') {
    const size = format.sampleKind === 'float' ? 4 : 8;
    return {
      kind: 'gray',
      rows,
      columns,
      pixels: floatsOf(swap ? swapWords(bytes, size) : bytes, format.sampleKind, pixels),
    };
  }
  if (format.bitsAllocated === 1) {
    if (bytes.length * 8 < pixels) throw new DecodeError('the image has fewer bytes of pixels than it says');
    const bits = unpackBits(bytes, pixels);
    return fromCells(bits, { ...format, bitsStored: 1, highBit: 0, pixelRepresentation: 0 }, false, false);
  }
  if (![8, 16, 32].includes(format.bitsAllocated))
    throw new DecodeError(`it has ${format.bitsAllocated} bits a pixel, which cannot be shown here`);
  if (format.samplesPerPixel === 3 && format.bitsAllocated === 8 && /_42[02]$/.test(format.photometricInterpretation)) {
    const rgba = expand422(bytes, pixels);
    toRgb(rgba, format.photometricInterpretation);
    return { kind: 'colour', rows, columns, rgba };
  }
  const ordered = swap && format.bitsAllocated > 8 ? swapWords(bytes, 2) : bytes;
  const cells = cellsOf(ordered, format.bitsAllocated, pixels * format.samplesPerPixel);
  return fromCells(cells, format, format.planarConfiguration === 1, false);
}

/**
 * Decodes one frame of an encapsulated object (PS3.5 A.4).
 * @throws DecodeError with a sentence for the reader
 */
export async function decodeEncapsulated(
  frame: Uint8Array,
  format: PixelFormat,
  codecs: Codecs,
): Promise<DecodedFrame> {
  if (format.transferSyntaxUID === rleLossless) {
    const { decodeRle } = await import('./rle.ts');
    const pixels = format.rows * format.columns;
    const bytes = decodeRle(frame, pixels, format.samplesPerPixel, Math.ceil(format.bitsAllocated / 8));
    const cells = cellsOf(bytes, format.bitsAllocated, pixels * format.samplesPerPixel);
    return fromCells(cells, format, true, false);
  }
  const { decompress } = await import('./compressed.ts');
  const raw = await decompress(frame, format, codecs);
  const shape = { ...format, rows: raw.rows || format.rows, columns: raw.columns || format.columns };
  const cellBits = raw.bitsPerSample <= 8 ? 8 : 16;
  const cells = cellsOf(raw.bytes, cellBits, shape.rows * shape.columns * raw.samplesPerPixel);
  const stored = Math.min(format.bitsStored || cellBits, cellBits);
  return fromCells(
    cells,
    {
      ...shape,
      samplesPerPixel: raw.samplesPerPixel,
      bitsAllocated: cellBits,
      bitsStored: stored,
      highBit: stored - 1,
      embeddedBits: format.embeddedBits?.filter((bit) => bit < raw.bitsPerSample),
    },
    raw.planar,
    raw.rgb,
  );
}
