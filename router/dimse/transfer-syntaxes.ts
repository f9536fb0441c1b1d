import { TransferSyntax } from '../../storage/format/transfer-syntaxes.ts';

export const {
  ImplicitVRLittleEndian,
  ExplicitVRLittleEndian,
  DeflatedExplicitVRLittleEndian,
  ExplicitVRBigEndian,
}: Readonly<Record<keyof typeof TransferSyntax, string>> = TransferSyntax;

const COMPRESSION_ROOT = '1.2.840.10008.1.2.4.';

/** Uncompressed ones, best first: explicit VR says more than implicit; big endian only when nothing else is offered. */
const UNCOMPRESSED = [
  ExplicitVRLittleEndian,
  ImplicitVRLittleEndian,
  '1.2.840.10008.1.2.1.98', // Encapsulated Uncompressed Explicit VR Little Endian
  ExplicitVRBigEndian,
  '1.2.840.113619.5.2', // GE private: Implicit VR Little Endian, pixel data big endian
  '1.2.840.10008.1.20', // Papyrus 3 Implicit VR Little Endian (retired)
];

/** Compressed without loss. */
const REVERSIBLE: ReadonlySet<string> = new Set([
  DeflatedExplicitVRLittleEndian,
  '1.2.840.10008.1.2.4.57', // JPEG Lossless, Process 14
  '1.2.840.10008.1.2.4.58',
  '1.2.840.10008.1.2.4.65',
  '1.2.840.10008.1.2.4.66',
  '1.2.840.10008.1.2.4.70', // JPEG Lossless SV1
  '1.2.840.10008.1.2.4.80', // JPEG-LS Lossless
  '1.2.840.10008.1.2.4.90', // JPEG 2000 Lossless Only
  '1.2.840.10008.1.2.4.92',
  '1.2.840.10008.1.2.4.110', // JPEG XL Lossless
  '1.2.840.10008.1.2.4.111', // JPEG XL JPEG Recompression
  '1.2.840.10008.1.2.4.201', // HTJ2K Lossless Only
  '1.2.840.10008.1.2.4.202', // HTJ2K RPCL Lossless Only
  '1.2.840.10008.1.2.5', // RLE Lossless
  '1.2.840.10008.1.2.8.1', // Deflated Image Frame
]);

/** JPIP: the pixels stay on the sender's server. A copy that does not hold the pixels is no copy. */
const REFERENCED: ReadonlySet<string> = new Set([
  '1.2.840.10008.1.2.4.94',
  '1.2.840.10008.1.2.4.95',
  '1.2.840.10008.1.2.4.204',
  '1.2.840.10008.1.2.4.205',
]);

/** MPEG and HEVC, fragmentable variants included: no modality compresses to video on the way, so where it is offered it is what the file has. */
const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/;

/**
 * Can the archive keep and read a data set in this transfer syntax? Every one under the standard's compression root,
 * future ones too: by PS3.5 A.4 they all are Explicit VR Little Endian with encapsulated pixel data.
 */
export function isKnownTransferSyntax(uid: string): boolean {
  if (REFERENCED.has(uid)) return false;
  return uid.startsWith(COMPRESSION_ROOT) || REVERSIBLE.has(uid) || UNCOMPRESSED.includes(uid);
}

/**
 * Chooses among the transfer syntaxes a sender offers for one presentation context, in the sender's order:
 * 1. the first it names, when that is a compression: it is how the sender has its images
 * 2. the first lossless compression or video: smaller, and nothing is lost where the sender would have to encode
 * 3. uncompressed: Explicit, then Implicit VR Little Endian, then the rest
 * 4. lossy compression: never chosen over an uncompressed one named before it, lest a sender throws detail away for us
 * undefined: none can be kept (result 4, transfer syntaxes not supported).
 */
export function chooseTransferSyntax(offered: readonly string[]): string | undefined {
  const known = offered.filter(isKnownTransferSyntax);
  const first = known[0];
  if (first === undefined) return undefined;
  if (!UNCOMPRESSED.includes(first)) return first;
  return (
    known.find((uid) => REVERSIBLE.has(uid) || VIDEO.test(uid)) ??
    UNCOMPRESSED.find((uid) => known.includes(uid)) ??
    first
  );
}

/**
 * Chooses for a context in which we send (C-GET): what anything can be converted to without loss where that is offered, else
 * as for receiving. Who wants images as they are kept offers each compression in a context of its own.
 */
export function chooseForRetrieval(offered: readonly string[]): string | undefined {
  return (
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian].find((uid) => offered.includes(uid)) ??
    chooseTransferSyntax(offered)
  );
}
