import { TransferSyntax } from '../../storage/format/transfer-syntaxes.ts';

export { TransferSyntax };

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
