import { type DataSet, EXPLICIT_BE, EXPLICIT_LE, type Fragments, writePart10 } from '../../phantoms/part10-writer.ts';

/** An image made for a test: what is not said is an 8-bit or 16-bit MONOCHROME2 secondary capture. */
export interface ImageOptions {
  rows: number;
  columns: number;
  /** Cells frame after frame; 16-bit ones are written in the file's byte order. Or compressed fragments. */
  pixels: Uint8Array | Uint16Array | Uint32Array | Fragments;
  bitsAllocated?: number;
  bitsStored?: number;
  highBit?: number;
  signed?: boolean;
  samplesPerPixel?: number;
  planarConfiguration?: number;
  photometric?: string;
  frames?: number;
  /** VR of Pixel Data: 'OW' unless told otherwise. */
  vr?: 'OB' | 'OW';
  extra?: DataSet;
}

/** Bytes of words in the byte order of a transfer syntax. */
export function wordBytes(words: Uint8Array | Uint16Array | Uint32Array, transferSyntaxUID: string): Uint8Array {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength).slice();
  if (transferSyntaxUID !== EXPLICIT_BE || words.BYTES_PER_ELEMENT === 1) return bytes;
  for (let i = 0; i + 1 < bytes.length; i += 2) [bytes[i], bytes[i + 1]] = [bytes[i + 1]!, bytes[i]!];
  return bytes;
}

let made = 0;

/** A Part 10 file of one image. */
export function imageFile(options: ImageOptions, transferSyntaxUID = EXPLICIT_LE): Uint8Array {
  const { pixels, samplesPerPixel = 1 } = options;
  const compressed = 'fragments' in pixels;
  const bitsAllocated = options.bitsAllocated ?? (compressed ? 8 : pixels.BYTES_PER_ELEMENT * 8);
  const bitsStored = options.bitsStored ?? bitsAllocated;
  made += 1;
  return writePart10(
    {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
      '00080018': ['UI', `1.2.3.4.5.${made}`],
      '00080060': ['CS', 'OT'],
      '00100010': ['PN', 'Test^Image'],
      '00100020': ['LO', 'T1'],
      '0020000D': ['UI', '1.2.3'],
      '0020000E': ['UI', '1.2.3.4'],
      '00280002': ['US', samplesPerPixel],
      '00280004': ['CS', options.photometric ?? 'MONOCHROME2'],
      ...(samplesPerPixel > 1 && { '00280006': ['US', options.planarConfiguration ?? 0] as const }),
      ...(options.frames && { '00280008': ['IS', String(options.frames)] as const }),
      '00280010': ['US', options.rows],
      '00280011': ['US', options.columns],
      '00280100': ['US', bitsAllocated],
      '00280101': ['US', bitsStored],
      '00280102': ['US', options.highBit ?? bitsStored - 1],
      '00280103': ['US', options.signed ? 1 : 0],
      ...options.extra,
      '7FE00010': compressed ? ['OB', pixels] : [options.vr ?? 'OW', wordBytes(pixels, transferSyntaxUID)],
    },
    transferSyntaxUID,
  );
}
