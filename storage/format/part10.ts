import { LifeboatError } from '../../contract/errors.ts';
import { type Header, HeaderError, readHeader, tagAt, UNDEFINED_LENGTH } from './scan-header.ts';
import { captured, type Encoding } from './scan-types.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from './transfer-syntaxes.ts';

/** Files in DICOM format, PS3.10 section 7: 128 bytes of preamble, `DICM`, file meta information, data set. */

/** Fixed for ever: it is part of every header we write, and the header may never vary for the same instance. */
export const IMPLEMENTATION_CLASS_UID = '2.25.250886894735222417948222260779849379841';
export const IMPLEMENTATION_VERSION_NAME = 'LIFEBOAT_1';

const PREAMBLE_BYTES = 128;
const PREFIX_END = 132;
/** Junk in front of a preamble (a slip of multipart handling) is searched this far. */
const MAX_JUNK_BYTES = 1024;
/** File meta information larger than this is no header. */
const MAX_META_BYTES = 1024 * 1024;

const META = {
  groupLength: 0x00020000,
  mediaStorageSOPClassUID: 0x00020002,
  mediaStorageSOPInstanceUID: 0x00020003,
  transferSyntaxUID: 0x00020010,
} as const;

export interface FileMetaValues {
  sopClassUID: string;
  sopInstanceUID: string;
  transferSyntaxUID: string;
}

/** Preamble and file meta information, the same bytes for the same values (PS3.10 7.1; Explicit VR Little Endian). */
export function buildFileHeader(values: FileMetaValues): Uint8Array {
  const elements = [
    element(0x0001, 'OB', Uint8Array.of(0, 1)),
    element(0x0002, 'UI', padded(values.sopClassUID, 0)),
    element(0x0003, 'UI', padded(values.sopInstanceUID, 0)),
    element(0x0010, 'UI', padded(values.transferSyntaxUID, 0)),
    element(0x0012, 'UI', padded(IMPLEMENTATION_CLASS_UID, 0)),
    element(0x0013, 'SH', padded(IMPLEMENTATION_VERSION_NAME, 0x20)),
  ];
  const length = elements.reduce((sum, { length }) => sum + length, 0);
  const groupLength = new Uint8Array(4);
  new DataView(groupLength.buffer).setUint32(0, length, true);
  const all = [element(0x0000, 'UL', groupLength), ...elements];
  const header = new Uint8Array(PREFIX_END + 12 + length);
  header.set([0x44, 0x49, 0x43, 0x4d], PREAMBLE_BYTES);
  let at = PREFIX_END;
  for (const one of all) {
    header.set(one, at);
    at += one.length;
  }
  return header;
}

function padded(text: string, filler: number): Uint8Array {
  const bytes = new Uint8Array(text.length + (text.length % 2)).fill(filler);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function element(number: number, vr: string, value: Uint8Array): Uint8Array {
  const long = vr === 'OB';
  const bytes = new Uint8Array((long ? 12 : 8) + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x0002, true);
  view.setUint16(2, number, true);
  bytes[4] = vr.charCodeAt(0);
  bytes[5] = vr.charCodeAt(1);
  if (long) view.setUint32(8, value.length, true);
  else view.setUint16(6, value.length, true);
  bytes.set(value, bytes.length - value.length);
  return bytes;
}

export interface ParsedFileHeader {
  /** Bytes in front of the preamble that belong to no DICOM file. */
  junk: number;
  /** First byte of the data set, counted from the start of what was given. */
  dataSetOffset: number;
  /** True when preamble and meta information are as PS3.10 7.1 has them, so that any reader finds its way. */
  wellFormed: boolean;
  /** '' where absent, as all of these. */
  transferSyntaxUID: string;
  sopClassUID: string;
  sopInstanceUID: string;
}

/**
 * Recognises the header of a file from its first bytes; null: more bytes are needed. Understands files without preamble,
 * without group length, with Implicit VR meta information, without any, and with junk in front. Throws NOT_DICOM.
 */
export function parseFileHeader(bytes: Uint8Array, atEnd: boolean): ParsedFileHeader | null {
  if (bytes.length === 0 && atEnd) throw new LifeboatError('NOT_DICOM', 'The file is empty.');
  if (bytes.length < PREFIX_END && !atEnd) return null;
  if (isPrefix(bytes, PREAMBLE_BYTES)) return parseMeta(bytes, 0, PREFIX_END, true, atEnd);
  if (isPrefix(bytes, 0)) return parseMeta(bytes, 0, 4, false, atEnd);
  if (bytes.length >= 8) {
    const group = bytes[0]! | (bytes[1]! << 8);
    if (group === 0x0002 && bytes[3] === 0) return parseMeta(bytes, 0, 0, false, atEnd);
    if ((group === 0x0008 && bytes[3] === 0) || (group === 0x0800 && bytes[2] === 0)) return bareDataSet(0);
  }
  const limit = Math.min(bytes.length - 4, PREAMBLE_BYTES + MAX_JUNK_BYTES);
  for (let at = PREAMBLE_BYTES + 1; at <= limit; at++) {
    if (isPrefix(bytes, at)) return parseMeta(bytes, at - PREAMBLE_BYTES, at + 4, true, atEnd);
  }
  if (!atEnd && bytes.length < PREFIX_END + MAX_JUNK_BYTES) return null;
  throw new LifeboatError('NOT_DICOM');
}

function isPrefix(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x44 && bytes[at + 1] === 0x49 && bytes[at + 2] === 0x43 && bytes[at + 3] === 0x4d;
}

function bareDataSet(offset: number): ParsedFileHeader {
  return {
    junk: 0,
    dataSetOffset: offset,
    wellFormed: false,
    transferSyntaxUID: '',
    sopClassUID: '',
    sopInstanceUID: '',
  };
}

const EXPLICIT: Encoding = { explicitVR: true, bigEndian: false };
const IMPLICIT: Encoding = { explicitVR: false, bigEndian: false };

function parseMeta(
  bytes: Uint8Array,
  junk: number,
  metaOffset: number,
  preamble: boolean,
  atEnd: boolean,
): ParsedFileHeader | null {
  const letters = bytes.subarray(metaOffset + 4, metaOffset + 6);
  const explicit = letters.length === 2 && letters.every((byte) => byte >= 0x41 && byte <= 0x5a);
  const values = new Map<number, { bytes: Uint8Array }>();
  const header: Header = { tag: 0, vr: null, length: 0 };
  let at = metaOffset;
  let announcedEnd: number | null = null;
  while (at !== announcedEnd) {
    if (at - metaOffset > MAX_META_BYTES) throw headerError('is larger than any header');
    const available = bytes.length - at;
    if (available >= 4 && tagAt(bytes, at, false) >>> 16 !== 0x0002) break;
    const used = readMetaElement(bytes, at, available, explicit ? EXPLICIT : IMPLICIT, header, atEnd);
    if (used === 0 || at + used + header.length > bytes.length) {
      if (!atEnd) return null;
      if (available === 0) break;
      throw new LifeboatError('DATASET_TRUNCATED', 'The file ends inside its file meta information.');
    }
    const value = bytes.subarray(at + used, at + used + header.length);
    values.set(header.tag, { bytes: value });
    at += used + header.length;
    if (header.tag === META.groupLength && value.length === 4) {
      announcedEnd = at + new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    }
  }
  if (values.size === 0 && at === bytes.length) {
    throw new LifeboatError('DATASET_TRUNCATED', 'The file ends after its preamble; no data follows.');
  }
  const transferSyntaxUID = captured(values, META.transferSyntaxUID);
  return {
    junk,
    dataSetOffset: at,
    wellFormed: preamble && explicit && announcedEnd === at && transferSyntaxUID !== '',
    transferSyntaxUID,
    sopClassUID: captured(values, META.mediaStorageSOPClassUID),
    sopInstanceUID: captured(values, META.mediaStorageSOPInstanceUID),
  };
}

function readMetaElement(
  bytes: Uint8Array,
  at: number,
  available: number,
  encoding: Encoding,
  header: Header,
  atEnd: boolean,
): number {
  let used: number;
  try {
    used = readHeader(bytes, at, available, encoding, header, atEnd);
  } catch (error) {
    if (error instanceof HeaderError) throw headerError(`cannot be read: an element ${error.message}`);
    throw error;
  }
  if (used > 0 && (header.length === UNDEFINED_LENGTH || header.length > MAX_META_BYTES)) {
    throw headerError('has an element of absurd length');
  }
  return used;
}

function headerError(what: string): LifeboatError {
  return new LifeboatError('DATASET_UNREADABLE', `The file meta information ${what}.`);
}

/** What a bare data set is taken for until its first bytes prove otherwise. */
export const ASSUMED_TRANSFER_SYNTAX = EXPLICIT_VR_LITTLE_ENDIAN;
