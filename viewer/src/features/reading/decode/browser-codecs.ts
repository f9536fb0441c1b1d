import nativeCodecsUrl from 'dcmjs-native-codecs-wasm?url';
import charlsUrl from '@cornerstonejs/codec-charls/decodewasm?url';
import turboUrl from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm?url';
import openjpegUrl from '@cornerstonejs/codec-openjpeg/decodewasm?url';
import openjphUrl from '@cornerstonejs/codec-openjph/wasm?url';
import type { Codecs, LosslessJpegDecoder, WasmModule } from './codec-types.ts';
import { instantiateTwelveBit } from './twelve-bit.ts';

type Factory = (options: { locateFile: (name: string) => string }) => Promise<WasmModule>;

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | undefined;
  return () => {
    promise ??= load();
    return promise;
  };
}

function wasm(load: () => Promise<{ default: Factory }>, url: string): () => Promise<WasmModule> {
  return once(async () => {
    const { default: factory } = await load();
    return await factory({ locateFile: (name) => (name.endsWith('.wasm') ? url : name) });
  });
}

/** Codecs as files of the build; each is fetched the first time it is needed. */
export const browserCodecs: Codecs = {
  charls: wasm(() => import('@cornerstonejs/codec-charls/decodewasmjs'), charlsUrl),
  openjpeg: wasm(() => import('@cornerstonejs/codec-openjpeg/decodewasmjs'), openjpegUrl),
  openjph: wasm(() => import('@cornerstonejs/codec-openjph/wasmjs'), openjphUrl),
  libjpegTurbo: wasm(() => import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs'), turboUrl),
  losslessJpeg: once(
    async () => (await import('@cornerstonejs/jpeg-lossless-decoder-js')).Decoder as new () => LosslessJpegDecoder,
  ),
  libjpeg12: once(async () => {
    const response = await fetch(nativeCodecsUrl);
    if (!response.ok) throw new Error(`the decoder was not found (${response.status})`);
    return await instantiateTwelveBit(await response.arrayBuffer());
  }),
};
