import type { RawSamples } from './decode-types.ts';

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
export interface ScriptJpegImage {
  colorTransform: boolean;
  width: number;
  height: number;
  components: unknown[];
  parse(bytes: Uint8Array): void;
  getData(columns: number, rows: number): Uint8Array;
  getData16(columns: number, rows: number): Uint16Array;
}

/** Where the codecs come from: loaded on first use, so that nobody waits for one that is not needed. */
export interface Codecs {
  charls(): Promise<WasmModule>;
  openjpeg(): Promise<WasmModule>;
  openjph(): Promise<WasmModule>;
  libjpegTurbo(): Promise<WasmModule>;
  losslessJpeg(): Promise<new () => LosslessJpegDecoder>;
  scriptJpeg(): Promise<new () => ScriptJpegImage>;
}

export type Codec = (frame: Uint8Array, codecs: Codecs, bitsAllocated: number) => Promise<RawSamples>;
