import type { TwelveBitDecoder } from './codec-types.ts';

/** The part of the exports of dcmjs-codecs' WebAssembly that decoding JPEG needs. */
interface Exports {
  memory: WebAssembly.Memory;
  _initialize?(): void;
  CreateDecoderParameters(): number;
  ReleaseDecoderParameters(parameters: number): void;
  SetConvertColorspaceToRgb(parameters: number, convert: number): void;
  CreateCodecsContext(): number;
  ReleaseCodecsContext(context: number): void;
  SetColumns(context: number, value: number): void;
  SetRows(context: number, value: number): void;
  SetBitsAllocated(context: number, value: number): void;
  SetBitsStored(context: number, value: number): void;
  SetSamplesPerPixel(context: number, value: number): void;
  SetPixelRepresentation(context: number, value: number): void;
  SetPlanarConfiguration(context: number, value: number): void;
  SetPhotometricInterpretation(context: number, value: number): void;
  SetEncodedBufferSize(context: number, bytes: number): void;
  GetEncodedBuffer(context: number): number;
  GetDecodedBuffer(context: number): number;
  GetDecodedBufferSize(context: number): number;
  DecodeJpeg(context: number, parameters: number): void;
}

/** Its numbers for MONOCHROME2 and RGB. */
const photometric = { gray: 1, rgb: 3 };

/**
 * Starts libjpeg with 12 bits a sample. The package's own glue cannot be used in the browser: it needs eval.
 * @param binary `dcmjs-native-codecs.wasm`
 */
export async function instantiateTwelveBit(binary: BufferSource): Promise<TwelveBitDecoder> {
  let api: Exports | undefined;
  const ok = () => 0;
  const text = (pointer: number, length: number) =>
    new TextDecoder().decode(new Uint8Array(api!.memory.buffer, pointer, length).slice());
  const { instance } = await WebAssembly.instantiate(binary, {
    env: {
      onCodecsException: (pointer: number, length: number) => {
        throw new Error(text(pointer, length));
      },
      onCodecsInfo: ok,
      onCodecsTrace: ok,
      emscripten_notify_memory_growth: ok,
    },
    wasi_snapshot_preview1: {
      proc_exit: (code: number) => {
        throw new Error(`the decoder ended with ${code}`);
      },
      clock_time_get: ok,
      fd_write: ok,
      fd_close: ok,
      fd_seek: ok,
      environ_sizes_get: (count: number, size: number) => {
        const view = new DataView(api!.memory.buffer);
        view.setUint32(count, 0, true);
        view.setUint32(size, 0, true);
        return 0;
      },
      environ_get: ok,
    },
  });
  api = instance.exports as unknown as Exports;
  api._initialize?.();
  const codec = api;
  return {
    decode: (frame, format) => {
      const context = codec.CreateCodecsContext();
      const parameters = codec.CreateDecoderParameters();
      codec.SetConvertColorspaceToRgb(parameters, 0);
      codec.SetColumns(context, format.columns);
      codec.SetRows(context, format.rows);
      codec.SetBitsAllocated(context, 16);
      codec.SetBitsStored(context, 12);
      codec.SetSamplesPerPixel(context, format.samplesPerPixel);
      codec.SetPixelRepresentation(context, format.pixelRepresentation);
      codec.SetPlanarConfiguration(context, 0);
      codec.SetPhotometricInterpretation(context, format.samplesPerPixel === 1 ? photometric.gray : photometric.rgb);
      codec.SetEncodedBufferSize(context, frame.length);
      new Uint8Array(codec.memory.buffer).set(frame, codec.GetEncodedBuffer(context));
      codec.DecodeJpeg(context, parameters);
      const start = codec.GetDecodedBuffer(context);
      const bytes = new Uint8Array(codec.memory.buffer).slice(start, start + codec.GetDecodedBufferSize(context));
      codec.ReleaseDecoderParameters(parameters);
      codec.ReleaseCodecsContext(context);
      return bytes;
    },
  };
}
