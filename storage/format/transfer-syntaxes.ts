/** How a data set is encoded, PS3.5 Annex A; the list is PS3.6 Annex A with retired and two widespread private ones. */
export interface TransferSyntax {
  uid: string;
  name: string;
  explicitVR: boolean;
  bigEndian: boolean;
  /** The whole data set is deflated (PS3.5 A.5). */
  deflated: boolean;
  /** Pixel data comes in fragments (PS3.5 A.4). */
  encapsulated: boolean;
  lossy: boolean;
  retired: boolean;
  /** False for a UID that is not in the list; its encoding is the one PS3.5 prescribes for everything new. */
  known: boolean;
}

/** Those that the code has to name, by their keyword (PS3.6 Table A-1). */
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

export const IMPLICIT_VR_LITTLE_ENDIAN = TransferSyntax.ImplicitVRLittleEndian;
export const EXPLICIT_VR_LITTLE_ENDIAN = TransferSyntax.ExplicitVRLittleEndian;
export const EXPLICIT_VR_BIG_ENDIAN = TransferSyntax.ExplicitVRBigEndian;
export const DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = TransferSyntax.DeflatedExplicitVRLittleEndian;

type Flag = 'implicit' | 'big' | 'deflated' | 'native' | 'lossy' | 'retired';
const base = '1.2.840.10008.1.2';
const rows: [uid: string, name: string, flags: string][] = [
  [base, 'Implicit VR Little Endian', 'implicit native'],
  [`${base}.1`, 'Explicit VR Little Endian', 'native'],
  [`${base}.1.98`, 'Encapsulated Uncompressed Explicit VR Little Endian', ''],
  [`${base}.1.99`, 'Deflated Explicit VR Little Endian', 'deflated native'],
  [`${base}.2`, 'Explicit VR Big Endian', 'big native retired'],
  [`${base}.4.50`, 'JPEG Baseline (Process 1)', 'lossy'],
  [`${base}.4.51`, 'JPEG Extended (Process 2 & 4)', 'lossy'],
  [`${base}.4.52`, 'JPEG Extended (Process 3 & 5)', 'lossy retired'],
  [`${base}.4.53`, 'JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8)', 'lossy retired'],
  [`${base}.4.54`, 'JPEG Spectral Selection, Non-Hierarchical (Process 7 & 9)', 'lossy retired'],
  [`${base}.4.55`, 'JPEG Full Progression, Non-Hierarchical (Process 10 & 12)', 'lossy retired'],
  [`${base}.4.56`, 'JPEG Full Progression, Non-Hierarchical (Process 11 & 13)', 'lossy retired'],
  [`${base}.4.57`, 'JPEG Lossless, Non-Hierarchical (Process 14)', ''],
  [`${base}.4.58`, 'JPEG Lossless, Non-Hierarchical (Process 15)', 'retired'],
  [`${base}.4.59`, 'JPEG Extended, Hierarchical (Process 16 & 18)', 'lossy retired'],
  [`${base}.4.60`, 'JPEG Extended, Hierarchical (Process 17 & 19)', 'lossy retired'],
  [`${base}.4.61`, 'JPEG Spectral Selection, Hierarchical (Process 20 & 22)', 'lossy retired'],
  [`${base}.4.62`, 'JPEG Spectral Selection, Hierarchical (Process 21 & 23)', 'lossy retired'],
  [`${base}.4.63`, 'JPEG Full Progression, Hierarchical (Process 24 & 26)', 'lossy retired'],
  [`${base}.4.64`, 'JPEG Full Progression, Hierarchical (Process 25 & 27)', 'lossy retired'],
  [`${base}.4.65`, 'JPEG Lossless, Hierarchical (Process 28)', 'retired'],
  [`${base}.4.66`, 'JPEG Lossless, Hierarchical (Process 29)', 'retired'],
  [`${base}.4.70`, 'JPEG Lossless, First-Order Prediction (Process 14 [Selection Value 1])', ''],
  [`${base}.4.80`, 'JPEG-LS Lossless', ''],
  [`${base}.4.81`, 'JPEG-LS Lossy (Near-Lossless)', 'lossy'],
  [`${base}.4.90`, 'JPEG 2000 Lossless Only', ''],
  [`${base}.4.91`, 'JPEG 2000', 'lossy'],
  [`${base}.4.92`, 'JPEG 2000 Part 2 Multi-component Lossless Only', ''],
  [`${base}.4.93`, 'JPEG 2000 Part 2 Multi-component', 'lossy'],
  [`${base}.4.94`, 'JPIP Referenced', 'native'],
  [`${base}.4.95`, 'JPIP Referenced Deflate', 'deflated native'],
  [`${base}.4.100`, 'MPEG2 Main Profile / Main Level', 'lossy'],
  [`${base}.4.100.1`, 'Fragmentable MPEG2 Main Profile / Main Level', 'lossy'],
  [`${base}.4.101`, 'MPEG2 Main Profile / High Level', 'lossy'],
  [`${base}.4.101.1`, 'Fragmentable MPEG2 Main Profile / High Level', 'lossy'],
  [`${base}.4.102`, 'MPEG-4 AVC/H.264 High Profile / Level 4.1', 'lossy'],
  [`${base}.4.102.1`, 'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1', 'lossy'],
  [`${base}.4.103`, 'MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1', 'lossy'],
  [`${base}.4.103.1`, 'Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1', 'lossy'],
  [`${base}.4.104`, 'MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video', 'lossy'],
  [`${base}.4.104.1`, 'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video', 'lossy'],
  [`${base}.4.105`, 'MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video', 'lossy'],
  [`${base}.4.105.1`, 'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video', 'lossy'],
  [`${base}.4.106`, 'MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2', 'lossy'],
  [`${base}.4.106.1`, 'Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2', 'lossy'],
  [`${base}.4.107`, 'HEVC/H.265 Main Profile / Level 5.1', 'lossy'],
  [`${base}.4.108`, 'HEVC/H.265 Main 10 Profile / Level 5.1', 'lossy'],
  [`${base}.4.110`, 'JPEG XL Lossless', ''],
  [`${base}.4.111`, 'JPEG XL JPEG Recompression', 'lossy'],
  [`${base}.4.112`, 'JPEG XL', 'lossy'],
  [`${base}.4.201`, 'High-Throughput JPEG 2000 Lossless Only', ''],
  [`${base}.4.202`, 'High-Throughput JPEG 2000 with RPCL Options Lossless Only', ''],
  [`${base}.4.203`, 'High-Throughput JPEG 2000', 'lossy'],
  [`${base}.4.204`, 'JPIP HTJ2K Referenced', 'native'],
  [`${base}.4.205`, 'JPIP HTJ2K Referenced Deflate', 'deflated native'],
  [`${base}.5`, 'RLE Lossless', ''],
  [`${base}.6.1`, 'RFC 2557 MIME Encapsulation', 'retired'],
  [`${base}.6.2`, 'XML Encoding', 'retired'],
  [`${base}.7.1`, 'SMPTE ST 2110-20 Uncompressed Progressive Active Video', 'native'],
  [`${base}.8.1`, 'Deflated Image Frame Compression', ''],
  ['1.2.840.113619.5.2', 'GE private: Implicit VR Little Endian with big endian pixel data', 'implicit native'],
  ['1.3.46.670589.33.1.4.1', 'Philips private: CT compressed', ''],
];

function row(uid: string, name: string, flags: ReadonlySet<Flag>, known: boolean): TransferSyntax {
  return {
    uid,
    name,
    explicitVR: !flags.has('implicit'),
    bigEndian: flags.has('big'),
    deflated: flags.has('deflated'),
    encapsulated: known && !flags.has('native'),
    lossy: flags.has('lossy'),
    retired: flags.has('retired'),
    known,
  };
}

export const TRANSFER_SYNTAXES: ReadonlyMap<string, TransferSyntax> = new Map(
  rows.map(([uid, name, flags]) => [uid, row(uid, name, new Set(flags.split(' ') as Flag[]), true)]),
);

/** Properties of a transfer syntax; for an unlisted UID those of Explicit VR Little Endian, as PS3.5 A.4 has it for every newer one. */
export function transferSyntax(uid: string): TransferSyntax {
  return TRANSFER_SYNTAXES.get(uid) ?? row(uid, `unknown transfer syntax ${uid}`, new Set(), false);
}
