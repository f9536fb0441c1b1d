/**
 * Element values (PS3.5 6.2) to values of the DICOM JSON Model (PS3.18 F.2). Runs in the browser too.
 */
import type { CharacterSet, TextKind } from './charset.ts';
import { decodeLatin1 } from './charset-tables.ts';
import type { DicomJsonElement } from './manifest.ts';
import { parsePersonName } from './person-name.ts';

/** Binary values up to this many bytes are written InlineBinary, longer ones as a reference. */
export const INLINE_BINARY_LIMIT = 1024;
/** Numbers (US, FL, …) up to this many bytes are written as numbers, longer lists as a reference. */
export const NUMBERS_LIMIT = 16 * 1024;
/** Text beyond this is written as a reference. */
export const TEXT_LIMIT = 1024 * 1024;

const numeric: Record<string, { size: number; read: (view: DataView, at: number, le: boolean) => number | string }> = {
  US: { size: 2, read: (view, at, le) => view.getUint16(at, le) },
  SS: { size: 2, read: (view, at, le) => view.getInt16(at, le) },
  UL: { size: 4, read: (view, at, le) => view.getUint32(at, le) },
  SL: { size: 4, read: (view, at, le) => view.getInt32(at, le) },
  FL: { size: 4, read: (view, at, le) => finite(view.getFloat32(at, le)) },
  FD: { size: 8, read: (view, at, le) => finite(view.getFloat64(at, le)) },
  SV: { size: 8, read: (view, at, le) => exact(view.getBigInt64(at, le)) },
  UV: { size: 8, read: (view, at, le) => exact(view.getBigUint64(at, le)) },
  AT: { size: 4, read: (view, at, le) => tagName(view.getUint16(at, le) * 65536 + view.getUint16(at + 2, le)) },
};

/** Bytes of one word of a binary VR: Big Endian words are turned round for InlineBinary (PS3.18 F.2.7). */
const wordSize: Record<string, number> = { OB: 1, UN: 1, OW: 2, OL: 4, OF: 4, OD: 8, OV: 8 };

const textKind: Record<string, TextKind> = { PN: 'names', LT: 'text', ST: 'text', UT: 'text', UR: 'text' };
/** VRs whose leading spaces are no part of the value either. */
const paddedBothSides = new Set(['AE', 'CS', 'DS', 'IS', 'LO', 'SH', 'PN', 'UI', 'DA', 'TM', 'DT', 'AS']);

const tagNames = new Map<number, string>();

/** Eight upper-case hexadecimal digits, the key of DICOM JSON. */
export function tagName(tag: number): string {
  let name = tagNames.get(tag);
  if (name === undefined) {
    name = tag.toString(16).toUpperCase().padStart(8, '0');
    if (tagNames.size < 20_000) tagNames.set(tag, name);
  }
  return name;
}

/** JSON has no NaN and no infinities: these are kept as text. */
function finite(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function exact(value: bigint): number | string {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();
}

/** Largest value of this VR that is decoded rather than referred to, in bytes. */
export function decodeLimit(vr: string): number {
  if (vr in numeric) return NUMBERS_LIMIT;
  if (vr in wordSize) return INLINE_BINARY_LIMIT;
  return TEXT_LIMIT;
}

export function isBinaryVr(vr: string): boolean {
  return vr in wordSize;
}

function base64(bytes: Uint8Array): string {
  return btoa(decodeLatin1(bytes));
}

function inLittleEndian(bytes: Uint8Array, word: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0; i + word <= out.length; i += word) out.subarray(i, i + word).reverse();
  return out;
}

function textValue(vr: string, text: string): unknown {
  let end = text.length;
  while (end > 0 && (text.charCodeAt(end - 1) === 0x20 || text.charCodeAt(end - 1) === 0)) end--;
  let start = 0;
  if (paddedBothSides.has(vr)) while (start < end && text.charCodeAt(start) === 0x20) start++;
  const value = start > 0 || end < text.length ? text.slice(start, end) : text;
  if (value === '') return null;
  if (vr === 'PN') {
    const name = parsePersonName(value);
    return Object.keys(name).length > 0 ? name : null;
  }
  // What is not a number as the standard writes it stays as it came: nothing is lost, nothing invented.
  if (vr === 'DS')
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? (finite(Number(value)) as unknown) : value;
  if (vr === 'IS') return /^[+-]?\d{1,15}$/.test(value) ? Number(value) : value;
  return value;
}

/**
 * One element that is no sequence and not longer than `decodeLimit`.
 * @param bytes the value field; copied, never kept
 */
export function elementFromBytes(
  vr: string,
  bytes: Uint8Array,
  littleEndian: boolean,
  charset: CharacterSet,
): DicomJsonElement {
  if (bytes.length === 0) return { vr };
  const word = wordSize[vr];
  if (word !== undefined) {
    return { vr, InlineBinary: base64(littleEndian || word === 1 ? bytes : inLittleEndian(bytes, word)) };
  }
  const number = numeric[vr];
  if (number) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const values: unknown[] = [];
    for (let at = 0; at + number.size <= bytes.length; at += number.size)
      values.push(number.read(view, at, littleEndian));
    return values.length > 0 ? { vr, Value: values } : { vr };
  }
  const values = charset.decode(bytes, textKind[vr] ?? 'values').map((text) => textValue(vr, text));
  if (values.every((value) => value === null)) return values.length > 1 ? { vr, Value: values } : { vr };
  return { vr, Value: values };
}
