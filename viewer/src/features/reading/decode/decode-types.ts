/** Image Pixel Module (PS3.3 C.7.6.3) of one instance, as far as decoding needs it. */
export interface PixelFormat {
  transferSyntaxUID: string;
  rows: number;
  columns: number;
  samplesPerPixel: number;
  photometricInterpretation: string;
  /** 0: R1G1B1R2G2B2…, 1: R1R2…G1G2…B1B2… */
  planarConfiguration: number;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  /** 0 unsigned, 1 two's complement. */
  pixelRepresentation: number;
  /** 'float' and 'double': Float Pixel Data and Double Float Pixel Data (PS3.3 C.7.6.24). */
  sampleKind: 'integer' | 'float' | 'double';
  palette?: Palette;
  /** Bits of the cells that hold overlay planes. */
  embeddedBits?: number[];
}

/** Palette Color LUTs (PS3.3 C.7.9), 8 bits an entry. */
export interface Palette {
  /** Stored value that the first entry belongs to. */
  firstMapped: number;
  red: Uint8Array;
  green: Uint8Array;
  blue: Uint8Array;
}

export type GrayPixels =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Overlay planes found in the cells, by their bit: packed, least significant bit first. */
export type EmbeddedPlanes = Record<number, Uint8Array>;

/** One frame of stored values: sign extended, bits outside Bits Stored removed. */
export interface GrayFrame {
  kind: 'gray';
  rows: number;
  columns: number;
  pixels: GrayPixels;
  embedded?: EmbeddedPlanes;
  /** Colours of the values from its first mapped one on; those below are grey (PS3.3 C.7.6.19). */
  supplement?: Palette;
}

/** One colour frame, 8 bits a channel, alpha 255. */
export interface ColourFrame {
  kind: 'colour';
  rows: number;
  columns: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
  embedded?: EmbeddedPlanes;
}

export type DecodedFrame = GrayFrame | ColourFrame;

/** What a codec gives back: samples as they stand in the codestream. */
export interface RawSamples {
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsPerSample: number;
  /** Little endian, 1 byte a sample up to 8 bits, else 2. */
  bytes: Uint8Array;
  planar: boolean;
  /** The codec has undone the colour transform of the codestream: three components are RGB now. */
  rgb: boolean;
}

/** A frame that cannot be decoded. `message` is for the reader of the image. */
export class DecodeError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DecodeError';
  }
}

/** Number of bytes a decoded frame holds in memory. */
export function decodedBytes(frame: DecodedFrame): number {
  const planes = Object.values(frame.embedded ?? {}).reduce((sum, plane) => sum + plane.byteLength, 0);
  return planes + (frame.kind === 'gray' ? frame.pixels.byteLength : frame.rgba.byteLength);
}
