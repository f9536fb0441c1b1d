import { DecodeError } from './decode-types.ts';

function decodeSegment(source: Uint8Array, out: Uint8Array, start: number, step: number, count: number): void {
  let read = 0;
  let written = 0;
  while (read < source.length && written < count) {
    const control = source[read]!;
    read += 1;
    if (control < 128) {
      for (let i = 0; i <= control && written < count && read < source.length; i += 1, written += 1, read += 1)
        out[start + written * step] = source[read]!;
    } else if (control > 128) {
      const value = source[read]!;
      read += 1;
      for (let i = 0; i < 257 - control && written < count; i += 1, written += 1) out[start + written * step] = value;
    }
  }
  if (written < count) throw new DecodeError('the RLE data ends before the image is complete');
}

/**
 * RLE Lossless (PS3.5 Annex G). The segments are the bytes of the samples, most significant first, sample after sample.
 * @returns little-endian cells of `bytesPerSample`, plane after plane (Planar Configuration 1)
 */
export function decodeRle(frame: Uint8Array, pixels: number, samples: number, bytesPerSample: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const segments = frame.length >= 64 ? view.getUint32(0, true) : 0;
  if (segments !== samples * bytesPerSample)
    throw new DecodeError(`the RLE data has ${segments} segments where ${samples * bytesPerSample} are needed`);
  const out = new Uint8Array(pixels * samples * bytesPerSample);
  for (let segment = 0; segment < segments; segment += 1) {
    const from = view.getUint32(4 + segment * 4, true);
    const to = segment + 1 < segments ? view.getUint32(8 + segment * 4, true) : frame.length;
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    const start = sample * pixels * bytesPerSample + byte;
    decodeSegment(frame.subarray(from, Math.max(from, to)), out, start, bytesPerSample, pixels);
  }
  return out;
}
