import { isUncompressed, TransferSyntax } from './media-types.ts';

const T = TransferSyntax;

/** Compressed syntaxes that can be decoded here. */
const decodable = new Set<string>([
  T.RLELossless,
  T.JPEGBaseline,
  T.JPEGExtended,
  T.JPEGLossless,
  T.JPEGLosslessSV1,
  T.JPEGLSLossless,
  T.JPEGLSNearLossless,
  T.JPEG2000Lossless,
  T.JPEG2000,
  T.JPEGXLLossless,
  T.JPEGXL,
  T.HTJ2KLossless,
  T.HTJ2KLosslessRPCL,
  T.HTJ2K,
]);

/** Targets; lossless ones only: nobody gets a worse picture than was kept without asking for a rendition. */
const encodable = new Set<string>([
  T.RLELossless,
  T.JPEGLosslessSV1,
  T.JPEGLSLossless,
  T.JPEG2000Lossless,
  T.HTJ2KLossless,
  T.HTJ2KLosslessRPCL,
]);

export function canDecode(transferSyntaxUID: string): boolean {
  return isUncompressed(transferSyntaxUID) || decodable.has(transferSyntaxUID);
}

/** Whether pixel data can go from one transfer syntax to the other. */
export function canTranscode(from: string, to: string): boolean {
  return canDecode(from) && (to === T.ExplicitVRLittleEndian || encodable.has(to));
}

/** Transfer syntaxes that can be asked for besides the stored one, for the capabilities document. */
export const TARGET_SYNTAXES: readonly string[] = [T.ExplicitVRLittleEndian, ...encodable];
