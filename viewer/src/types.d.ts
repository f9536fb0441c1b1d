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
/** The JPEG decoder in script of @cornerstonejs/dicom-image-loader: the one that reads 12 bits a sample. */
declare module 'lifeboat-script-jpeg' {
  const JpegImage: new () => object;
  export default JpegImage;
}
