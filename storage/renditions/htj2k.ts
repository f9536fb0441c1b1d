import { createRequire } from 'node:module';
import { type FrameShape, frameBytes } from './frame-shape.ts';

interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned: boolean;
  isUsingColorTransform: boolean;
}
interface Encoder {
  getDecodedBuffer(info: FrameInfo): Uint8Array;
  getEncodedBuffer(): Uint8Array;
  setQuality(reversible: boolean, step: number): void;
  setProgressionOrder(order: number): void;
  encode(): void;
  delete(): void;
}
interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  delete(): void;
}
interface OpenJph {
  HTJ2KEncoder: new () => Encoder;
  HTJ2KDecoder: new () => Decoder;
}

/** Resolution, position, component, layer: the picture gets finer as bytes come in. */
const RPCL = 2;
const require = createRequire(import.meta.url);
let module: Promise<OpenJph> | undefined;

/** OpenJPH (BSD), loaded when first needed. */
function openJph(): Promise<OpenJph> {
  module ??= (require('@cornerstonejs/codec-openjph/wasmjs') as (options: object) => Promise<OpenJph>)({
    locateFile: (name: string) =>
      name.endsWith('.wasm') ? require.resolve('@cornerstonejs/codec-openjph/wasm') : name,
    print: () => undefined,
    printErr: () => undefined,
  });
  return module;
}

/**
 * Packs one native frame without loss.
 * @param cells little endian, exactly `frameBytes(shape)`
 * @throws what the codec says
 */
export async function encodeFrame(cells: Uint8Array, shape: FrameShape): Promise<Uint8Array> {
  if (cells.length !== frameBytes(shape)) throw new RangeError(`${cells.length} bytes are not one frame`);
  const { HTJ2KEncoder } = await openJph();
  const encoder = new HTJ2KEncoder();
  try {
    const colour = shape.samplesPerPixel === 3;
    const info = {
      width: shape.columns,
      height: shape.rows,
      bitsPerSample: shape.bitsAllocated,
      componentCount: shape.samplesPerPixel,
      isSigned: shape.isSigned,
      isUsingColorTransform: colour && !shape.isSigned,
    };
    encoder.getDecodedBuffer(info).set(cells);
    encoder.setQuality(true, 0);
    encoder.setProgressionOrder(RPCL);
    encoder.encode();
    return Uint8Array.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}

/** The cells of a codestream, little endian. @throws what the codec says */
export async function decodeFrame(codestream: Uint8Array): Promise<Uint8Array> {
  const { HTJ2KDecoder } = await openJph();
  const decoder = new HTJ2KDecoder();
  try {
    decoder.getEncodedBuffer(codestream.length).set(codestream);
    decoder.decode();
    return Uint8Array.from(decoder.getDecodedBuffer());
  } finally {
    decoder.delete();
  }
}
