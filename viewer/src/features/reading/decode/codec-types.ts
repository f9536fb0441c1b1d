import type { PixelFormat, RawSamples } from './decode-types.ts';

/** Frame description of the WebAssembly codecs. */
export interface WasmFrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned?: boolean;
}

/** The part that all `@cornerstonejs/codec-*` decoders share. */
export interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): WasmFrameInfo;
  decode(): void;
  /** charls only: 0 planes apart, 1 by line, 2 by sample. */
  getInterleaveMode?(): number;
  delete(): void;
}
export interface WasmModule {
  JpegLSDecoder?: new () => WasmDecoder;
  J2KDecoder?: new () => WasmDecoder;
  HTJ2KDecoder?: new () => WasmDecoder;
  JPEGDecoder?: new () => WasmDecoder;
  getExceptionMessage?(pointer: number): string;
}

export interface LosslessJpegDecoder {
  decode(buffer: ArrayBufferLike, offset: number, length: number, bytesPerSample: number): { buffer: ArrayBufferLike };
}
/** libjpeg for 12 bits a sample. */
export interface TwelveBitDecoder {
  /** Little-endian 16-bit samples, interleaved. */
  decode(frame: Uint8Array, format: PixelFormat): Uint8Array;
}

/** Where the codecs come from: loaded on first use, so that nobody waits for one that is not needed. */
export interface Codecs {
  charls(): Promise<WasmModule>;
  openjpeg(): Promise<WasmModule>;
  openjph(): Promise<WasmModule>;
  libjpegTurbo(): Promise<WasmModule>;
  losslessJpeg(): Promise<new () => LosslessJpegDecoder>;
  libjpeg12(): Promise<TwelveBitDecoder>;
}

export type Codec = (frame: Uint8Array, codecs: Codecs, format: PixelFormat) => Promise<RawSamples>;
