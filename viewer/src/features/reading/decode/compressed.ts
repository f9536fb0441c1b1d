import type { Codec, Codecs, WasmDecoder, WasmModule } from './codec-types.ts';
import { DecodeError, type PixelFormat, type RawSamples } from './decode-types.ts';
import { readJpegHeader } from './jpeg-markers.ts';

function exceptionText(module: WasmModule, error: unknown): string {
  if (typeof error === 'number') return module.getExceptionMessage?.(error) ?? `codec error ${error}`;
  return error instanceof Error ? error.message : String(error);
}

function runWasm(module: WasmModule, decoder: WasmDecoder, frame: Uint8Array, name: string): RawSamples {
  try {
    decoder.getEncodedBuffer(frame.length).set(frame);
    decoder.decode();
    const info = decoder.getFrameInfo();
    // OpenJPEG does not throw: it leaves an image of nothing.
    if (!(info.width > 0 && info.height > 0 && info.componentCount > 0)) throw new Error('it holds no image');
    return {
      rows: info.height,
      columns: info.width,
      samplesPerPixel: info.componentCount,
      bitsPerSample: info.bitsPerSample,
      bytes: decoder.getDecodedBuffer().slice(),
      planar: decoder.getInterleaveMode?.() === 0 && info.componentCount > 1,
      rgb: false,
    };
  } catch (error) {
    throw new DecodeError(`its ${name} data is damaged (${exceptionText(module, error)})`, { cause: error });
  } finally {
    decoder.delete();
  }
}

const jpegLs: Codec = async (frame, codecs) => {
  const module = await codecs.charls();
  return runWasm(module, new module.JpegLSDecoder!(), frame, 'JPEG-LS');
};

/** OpenJPEG undoes the codestream's own component transform (MCT), so what it gives is RGB when there was one. */
const jpeg2000: Codec = async (frame, codecs) => {
  const module = await codecs.openjpeg();
  return runWasm(module, new module.J2KDecoder!(), frame, 'JPEG 2000');
};

/** @throws DecodeError */
export const highThroughput: Codec = async (frame, codecs) => {
  const module = await codecs.openjph();
  return runWasm(module, new module.HTJ2KDecoder!(), frame, 'High-Throughput JPEG 2000');
};

/**
 * Without a JFIF or Adobe segment a JPEG reader guesses YCbCr. Where the object says RGB it holds RGB: an Adobe segment
 * with transform 0 in front tells the decoder so.
 */
function withoutColourTransform(frame: Uint8Array): Uint8Array {
  const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];
  const out = new Uint8Array(frame.length + adobe.length);
  out.set(frame.subarray(0, 2));
  out.set(adobe, 2);
  out.set(frame.subarray(2), 2 + adobe.length);
  return out;
}

const jpegTurbo: Codec = async (frame, codecs, format) => {
  const module = await codecs.libjpegTurbo();
  const header = readJpegHeader(frame)!;
  const plainRgb =
    format.photometricInterpretation === 'RGB' &&
    header.components === 3 &&
    !header.jfif &&
    header.adobeTransform === undefined;
  const raw = runWasm(module, new module.JPEGDecoder!(), plainRgb ? withoutColourTransform(frame) : frame, 'JPEG');
  return { ...raw, rgb: raw.samplesPerPixel === 3 };
};

const jpegLossless: Codec = async (frame, codecs, { bitsAllocated }) => {
  const Decoder = await codecs.losslessJpeg();
  const header = readJpegHeader(frame)!;
  const bytesPerSample = bitsAllocated <= 8 ? 1 : 2;
  try {
    const own = new Uint8Array(frame);
    const { buffer } = new Decoder().decode(own.buffer, 0, own.length, bytesPerSample);
    return {
      rows: 0,
      columns: 0,
      samplesPerPixel: header.components,
      bitsPerSample: bytesPerSample * 8,
      bytes: new Uint8Array(buffer),
      planar: false,
      rgb: false,
    };
  } catch (error) {
    throw new DecodeError('its lossless JPEG data is damaged', { cause: error });
  }
};

const jpegTwelveBit: Codec = async (frame, codecs, format) => {
  const { bitsPerSample, components } = readJpegHeader(frame)!;
  try {
    const decoder = await codecs.libjpeg12();
    return {
      rows: format.rows,
      columns: format.columns,
      samplesPerPixel: components,
      bitsPerSample,
      bytes: decoder.decode(frame, format),
      planar: false,
      rgb: false,
    };
  } catch (error) {
    throw new DecodeError('its 12-bit JPEG data is damaged', { cause: error });
  }
};

function isHighThroughput(transferSyntaxUID: string): boolean {
  return /^1\.2\.840\.10008\.1\.2\.4\.20[1-3]$/.test(transferSyntaxUID);
}

function codecFor(frame: Uint8Array, format: PixelFormat): Codec {
  const header = readJpegHeader(frame);
  if (header) {
    if (header.process === 'jpeg-ls') return jpegLs;
    if (header.process === 'lossless') return jpegLossless;
    return header.bitsPerSample > 8 ? jpegTwelveBit : jpegTurbo;
  }
  if (isHighThroughput(format.transferSyntaxUID)) return highThroughput;
  const codestream = frame[0] === 0xff && frame[1] === 0x4f;
  const jp2 = frame[4] === 0x6a && frame[5] === 0x50;
  if (codestream || jp2) return jpeg2000;
  throw new DecodeError(`its compression (${format.transferSyntaxUID}) is not one that can be shown here`);
}

/**
 * Decodes one encapsulated frame. The codestream itself says which codec it needs: senders mislabel their JPEG
 * variants often enough.
 */
export async function decompress(frame: Uint8Array, format: PixelFormat, codecs: Codecs): Promise<RawSamples> {
  return await codecFor(frame, format)(frame, codecs, format);
}
