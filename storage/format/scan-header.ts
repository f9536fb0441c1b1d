import { type Encoding, isKnownVR, LONG_VRS, SHORT_VRS, TAG } from './scan-types.ts';

export const UNDEFINED_LENGTH = 0xffffffff;

/** One element header (PS3.5 7.1), reused for every element to spare the garbage collector. */
export interface Header {
  tag: number;
  /** null where the encoding has none: Implicit VR, items, delimiters. */
  vr: string | null;
  /** Value length in bytes, or UNDEFINED_LENGTH. */
  length: number;
}

/** What is wrong with bytes that should be an element header. */
export class HeaderError extends Error {}

const vrCache = new Map<number, string>();
function vrAt(bytes: Uint8Array, at: number): string {
  const code = (bytes[at]! << 8) | bytes[at + 1]!;
  let vr = vrCache.get(code);
  if (vr === undefined) {
    vr = String.fromCharCode(bytes[at]!, bytes[at + 1]!);
    vrCache.set(code, vr);
  }
  return vr;
}

function isUpperCasePair(vr: string): boolean {
  return /^[A-Z]{2}$/.test(vr);
}

export function tagAt(bytes: Uint8Array, at: number, bigEndian: boolean): number {
  return bigEndian
    ? bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
    : bytes[at + 1]! * 0x1000000 + ((bytes[at]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 2]!);
}

export function uint32At(bytes: Uint8Array, at: number, bigEndian: boolean): number {
  return bigEndian
    ? bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
    : bytes[at + 3]! * 0x1000000 + ((bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!);
}

function uint16At(bytes: Uint8Array, at: number, bigEndian: boolean): number {
  return bigEndian ? (bytes[at]! << 8) | bytes[at + 1]! : (bytes[at + 1]! << 8) | bytes[at]!;
}

/**
 * Reads the header at `at` into `header` and returns its length in bytes, or 0 when more than the `available` bytes are
 * needed to know. `atEnd`: no more will come. Throws HeaderError.
 */
export function readHeader(
  bytes: Uint8Array,
  at: number,
  available: number,
  { explicitVR, bigEndian }: Encoding,
  header: Header,
  atEnd = false,
): number {
  if (available < 8) return 0;
  const tag = tagAt(bytes, at, bigEndian);
  header.tag = tag;
  if (!explicitVR || tag === TAG.item || tag === TAG.itemDelimiter || tag === TAG.sequenceDelimiter) {
    header.vr = null;
    header.length = uint32At(bytes, at + 4, bigEndian);
    return 8;
  }
  const vr = vrAt(bytes, at + 4);
  header.vr = vr;
  if (SHORT_VRS.has(vr)) {
    header.length = uint16At(bytes, at + 6, bigEndian);
    return 8;
  }
  if (LONG_VRS.has(vr)) {
    if (available < 12) return 0;
    header.length = uint32At(bytes, at + 8, bigEndian);
    return 12;
  }
  if (!isUpperCasePair(vr)) throw new HeaderError('has no value representation');
  return readUnknownVR(bytes, at, available, bigEndian, header, atEnd);
}

/**
 * An unlisted VR: PS3.5 7.1.2 gives future ones the long form, real mistakes have the short form. With zero in the two bytes that
 * are either reserved or a short length, the next four are either the long length or the following tag.
 */
function readUnknownVR(
  bytes: Uint8Array,
  at: number,
  available: number,
  bigEndian: boolean,
  header: Header,
  atEnd: boolean,
): number {
  const short = uint16At(bytes, at + 6, bigEndian);
  if (short === 0 && available < 12 && !atEnd) return 0;
  const nextTag = available >= 12 ? tagAt(bytes, at + 8, bigEndian) : 0;
  const nextIsTag = nextTag > header.tag && nextTag >>> 16 <= (header.tag >>> 16) + 0x20;
  if (short !== 0 || available < 12 || nextIsTag) {
    header.length = short;
    return 8;
  }
  header.length = uint32At(bytes, at + 8, bigEndian);
  return 12;
}

/** Longest believable value of a data set's or item's first element: character sets, group lengths, code values. */
const MAX_FIRST_VALUE = 0xffff;

/**
 * Encoding of the first eight bytes of a data set. Senders do mislabel; VR letters and the group's byte order tell.
 * null when they can be neither.
 */
export function detectEncoding(bytes: Uint8Array, declared: Encoding): Encoding | null {
  const vr = vrAt(bytes, 4);
  const groupLE = (bytes[1]! << 8) | bytes[0]!;
  const groupBE = (bytes[0]! << 8) | bytes[1]!;
  const bigEndian = groupLE === groupBE ? declared.bigEndian : groupBE < groupLE;
  if (isKnownVR(vr)) return { explicitVR: true, bigEndian };
  if (declared.explicitVR && isUpperCasePair(vr)) return declared;
  const length = uint32At(bytes, 4, false);
  if (groupLE <= groupBE && (length <= MAX_FIRST_VALUE || length === UNDEFINED_LENGTH)) {
    return { explicitVR: false, bigEndian: false };
  }
  return null;
}

/**
 * Encoding of an item whose first eight bytes are given. Content under UN is Implicit VR Little Endian (PS3.5 6.2.2), but
 * some write it explicit, and some write Implicit items into explicit sequences.
 */
export function detectItemEncoding(bytes: Uint8Array, at: number, declared: Encoding, underUN: boolean): Encoding {
  const vr = vrAt(bytes, at + 4);
  if (declared.explicitVR) {
    if (isUpperCasePair(vr) || tagAt(bytes, at, declared.bigEndian) === TAG.itemDelimiter) return declared;
    const length = uint32At(bytes, at + 4, false);
    if (length <= MAX_FIRST_VALUE || length === UNDEFINED_LENGTH) return { explicitVR: false, bigEndian: false };
    return declared;
  }
  return underUN && isKnownVR(vr) ? { explicitVR: true, bigEndian: false } : declared;
}
