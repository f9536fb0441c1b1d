import { DecodeError, type GrayPixels, type PixelFormat } from './decode-types.ts';

/** Unpacks 1-bit pixels (PS3.5 8.1.1: first pixel in the least significant bit). */
export function unpackBits(bytes: Uint8Array, count: number): Uint8Array {
  const pixels = new Uint8Array(count);
  for (let i = 0; i < count; i += 1) {
    pixels[i] = (bytes[i >> 3]! >> (i & 7)) & 1;
  }
  return pixels;
}

/** Copy with the bytes of each word of `size` bytes reversed; what is left behind the last whole word stays. */
export function swapWords(bytes: Uint8Array, size: number): Uint8Array {
  const swapped = new Uint8Array(bytes);
  for (let i = 0; i + size <= bytes.length; i += size)
    for (let k = 0; k < size; k += 1) swapped[i + k] = bytes[i + size - 1 - k]!;
  return swapped;
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}

/**
 * Takes the value out of each cell (PS3.5 8.1.1): bits Bits Stored wide below High Bit, sign extended when Pixel
 * Representation is 1; what else lies in the cell (old overlays, say) is removed.
 */
export function storedValues(cells: Uint8Array | Uint16Array | Uint32Array, format: PixelFormat): GrayPixels {
  const width = cells.BYTES_PER_ELEMENT * 8;
  const signed = format.pixelRepresentation === 1;
  const stored = Math.min(width, Math.max(1, format.bitsStored || width));
  const high = Math.min(width - 1, Math.max(stored - 1, format.highBit ?? stored - 1));
  const { buffer, byteOffset, length } = cells;
  const whole = stored === width;
  const left = 32 - (high + 1);
  const right = 32 - stored;
  if (signed) {
    const out =
      width === 8
        ? new Int8Array(buffer, byteOffset, length)
        : width === 16
          ? new Int16Array(buffer, byteOffset, length)
          : new Int32Array(buffer, byteOffset, length);
    if (whole) return out;
    const result = out.slice();
    for (let i = 0; i < length; i += 1) result[i] = (cells[i]! << left) >> right;
    return result;
  }
  if (whole) return cells;
  const result = cells.slice();
  for (let i = 0; i < length; i += 1) result[i] = (cells[i]! << left) >>> right;
  return result;
}

/**
 * Views little-endian bytes as unsigned cells of Bits Allocated.
 * @throws DecodeError when there are fewer bytes than samples
 */
export function cellsOf(
  bytes: Uint8Array,
  bitsAllocated: number,
  count: number,
): Uint8Array | Uint16Array | Uint32Array {
  const size = bitsAllocated <= 8 ? 1 : bitsAllocated <= 16 ? 2 : 4;
  if (bytes.length < count * size)
    throw new DecodeError(`the image has ${bytes.length} bytes of pixels where ${count * size} are needed`);
  const at = aligned(bytes, size);
  if (size === 1) return at.subarray(0, count);
  if (size === 2) return new Uint16Array(at.buffer, at.byteOffset, count);
  return new Uint32Array(at.buffer, at.byteOffset, count);
}

/** Views bytes as floating-point samples (PS3.3 C.7.6.24). */
export function floatsOf(bytes: Uint8Array, kind: 'float' | 'double', count: number): Float32Array | Float64Array {
  const size = kind === 'float' ? 4 : 8;
  if (bytes.length < count * size) throw new DecodeError('the image has fewer bytes of pixels than it says');
  const at = aligned(bytes, size);
  return kind === 'float'
    ? new Float32Array(at.buffer, at.byteOffset, count)
    : new Float64Array(at.buffer, at.byteOffset, count);
}
