/** PS3.6 Table A-1. */
export const TransferSyntax = {
  ImplicitVRLittleEndian: '1.2.840.10008.1.2',
  ExplicitVRLittleEndian: '1.2.840.10008.1.2.1',
  DeflatedExplicitVRLittleEndian: '1.2.840.10008.1.2.1.99',
  ExplicitVRBigEndian: '1.2.840.10008.1.2.2',
  RLELossless: '1.2.840.10008.1.2.5',
  JPEGBaseline: '1.2.840.10008.1.2.4.50',
  JPEGExtended: '1.2.840.10008.1.2.4.51',
  JPEGLossless: '1.2.840.10008.1.2.4.57',
  JPEGLosslessSV1: '1.2.840.10008.1.2.4.70',
  JPEGLSLossless: '1.2.840.10008.1.2.4.80',
  JPEGLSNearLossless: '1.2.840.10008.1.2.4.81',
  JPEG2000Lossless: '1.2.840.10008.1.2.4.90',
  JPEG2000: '1.2.840.10008.1.2.4.91',
  JPEG2000MultiComponentLossless: '1.2.840.10008.1.2.4.92',
  JPEG2000MultiComponent: '1.2.840.10008.1.2.4.93',
  JPEGXLLossless: '1.2.840.10008.1.2.4.110',
  JPEGXLRecompression: '1.2.840.10008.1.2.4.111',
  JPEGXL: '1.2.840.10008.1.2.4.112',
  HTJ2KLossless: '1.2.840.10008.1.2.4.201',
  HTJ2KLosslessRPCL: '1.2.840.10008.1.2.4.202',
  HTJ2K: '1.2.840.10008.1.2.4.203',
} as const;

const uncompressed = new Set<string>([
  TransferSyntax.ImplicitVRLittleEndian,
  TransferSyntax.ExplicitVRLittleEndian,
  TransferSyntax.DeflatedExplicitVRLittleEndian,
  TransferSyntax.ExplicitVRBigEndian,
]);

/** Pixel data not encapsulated (PS3.5 8.1). */
export function isUncompressed(transferSyntaxUID: string): boolean {
  return uncompressed.has(transferSyntaxUID);
}

/** Media types of compressed frames and their transfer syntaxes, default first (PS3.18 8.7.3.3.2, Table 8.7.3-5). */
const frameMediaTypes: ReadonlyArray<readonly [string, readonly string[]]> = [
  [
    'image/jpeg',
    [
      TransferSyntax.JPEGLosslessSV1,
      TransferSyntax.JPEGBaseline,
      TransferSyntax.JPEGExtended,
      TransferSyntax.JPEGLossless,
    ],
  ],
  ['image/dicom-rle', [TransferSyntax.RLELossless]],
  ['image/jls', [TransferSyntax.JPEGLSLossless, TransferSyntax.JPEGLSNearLossless]],
  ['image/jp2', [TransferSyntax.JPEG2000Lossless, TransferSyntax.JPEG2000]],
  ['image/jpx', [TransferSyntax.JPEG2000MultiComponentLossless, TransferSyntax.JPEG2000MultiComponent]],
  ['image/jphc', [TransferSyntax.HTJ2KLossless, TransferSyntax.HTJ2KLosslessRPCL, TransferSyntax.HTJ2K]],
  ['image/jxl', [TransferSyntax.JPEGXLLossless, TransferSyntax.JPEGXLRecompression, TransferSyntax.JPEGXL]],
  ['video/mpeg', ['1.2.840.10008.1.2.4.100', '1.2.840.10008.1.2.4.101']],
  [
    'video/mp4',
    [
      '1.2.840.10008.1.2.4.102',
      '1.2.840.10008.1.2.4.103',
      '1.2.840.10008.1.2.4.104',
      '1.2.840.10008.1.2.4.105',
      '1.2.840.10008.1.2.4.106',
    ],
  ],
];

/** Transfer syntaxes a frame media type may carry, default first; empty for other types. */
export function transferSyntaxesOf(mediaType: string): readonly string[] {
  return frameMediaTypes.find(([type]) => type === mediaType)?.[1] ?? [];
}

/** Media type of a compressed frame, `application/octet-stream` for uncompressed and unknown ones. */
export function frameMediaTypeOf(transferSyntaxUID: string): string {
  return (
    frameMediaTypes.find(([, syntaxes]) => syntaxes.includes(transferSyntaxUID))?.[0] ?? 'application/octet-stream'
  );
}

/** Names of the frame media types, for the capabilities document. */
export const FRAME_MEDIA_TYPES: readonly string[] = frameMediaTypes.map(([type]) => type);
