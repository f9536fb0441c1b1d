declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  const factory: (options: object) => Promise<never>;
  export default factory;
}
declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const factory: (options: object) => Promise<never>;
  export default factory;
}
declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const factory: (options: object) => Promise<never>;
  export default factory;
}
declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  const factory: (options: object) => Promise<never>;
  export default factory;
}
/** WebAssembly of dcmjs-codecs, named by an alias because its package exports only its script. */
declare module 'dcmjs-native-codecs-wasm?url' {
  const url: string;
  export default url;
}
