import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type {
  Codecs,
  LosslessJpegDecoder,
  TwelveBitDecoder,
  WasmModule,
} from '../../viewer/src/features/reading/decode/codec-types.ts';

import { instantiateTwelveBit } from '../../viewer/src/features/reading/decode/twelve-bit.ts';

const require = createRequire(import.meta.url);
type Factory = (options: object) => Promise<WasmModule>;

function wasm(script: string, binary: string): () => Promise<WasmModule> {
  let module: Promise<WasmModule> | undefined;
  return () => {
    module ??= (require(script) as Factory)({
      locateFile: (name: string) => (name.endsWith('.wasm') ? require.resolve(binary) : name),
      print: () => undefined,
      printErr: () => undefined,
    });
    return module;
  };
}

let twelveBit: Promise<TwelveBitDecoder> | undefined;

/** The viewer's codecs, found by Node instead of by the build. */
export const nodeCodecs: Codecs = {
  charls: wasm('@cornerstonejs/codec-charls/decodewasmjs', '@cornerstonejs/codec-charls/decodewasm'),
  openjpeg: wasm('@cornerstonejs/codec-openjpeg/decodewasmjs', '@cornerstonejs/codec-openjpeg/decodewasm'),
  openjph: wasm('@cornerstonejs/codec-openjph/wasmjs', '@cornerstonejs/codec-openjph/wasm'),
  libjpegTurbo: wasm(
    '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
    '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm',
  ),
  losslessJpeg: async () =>
    (await import('@cornerstonejs/jpeg-lossless-decoder-js')).Decoder as unknown as new () => LosslessJpegDecoder,
  libjpeg12: () => {
    const script = require.resolve('dcmjs-codecs');
    twelveBit ??= instantiateTwelveBit(readFileSync(join(dirname(script), 'dcmjs-native-codecs.wasm')));
    return twelveBit;
  },
};
