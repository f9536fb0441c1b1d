/** What the frame header of a JPEG or JPEG-LS codestream says (ISO/IEC 10918-1 B.2.2). */
export interface JpegHeader {
  process: 'baseline' | 'extended' | 'progressive' | 'lossless' | 'jpeg-ls';
  bitsPerSample: number;
  components: number;
  /** Transform flag of an Adobe APP14 segment: 0 none, 1 YCbCr. */
  adobeTransform?: number;
  jfif: boolean;
}

const processes: Record<number, JpegHeader['process']> = {
  192: 'baseline',
  193: 'extended',
  194: 'progressive',
  195: 'lossless',
  247: 'jpeg-ls',
};

/** Reads the marker segments up to the frame header; null when the bytes are no JPEG codestream. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  let at = 2;
  let jfif = false;
  let adobeTransform: number | undefined;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) {
      at += 1;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff || marker === 0x00 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 1;
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const process = processes[marker];
    if (process) return { process, bitsPerSample: bytes[at + 4]!, components: bytes[at + 9]!, adobeTransform, jfif };
    if (marker === 0xe0 && bytes[at + 4] === 0x4a) jfif = true;
    if (marker === 0xee && bytes[at + 4] === 0x41 && length >= 14) adobeTransform = bytes[at + 15];
    at += 2 + length;
  }
  return null;
}
