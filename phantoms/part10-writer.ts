/**
 * Writes DICOM files (PS3.10) from plain descriptions: for phantoms and tests, not for the archive, which never writes a data
 * set.
 */
import { encodeText } from './text-encoding.ts';

/** Encapsulated pixel data (PS3.5 A.4). */
export interface Fragments {
  fragments: Uint8Array[];
  /** Entries of the Basic Offset Table; none or empty: an empty table. */
  offsetTable?: number[];
}
export type PhantomValue = string | number | Uint8Array | DataSet | Fragments;
/** VR and values; no value: the element is written empty. Binary VRs take one Uint8Array, in the file's byte order. */
export type PhantomElement = readonly [vr: string, ...values: PhantomValue[]];
/** Elements by 8-digit upper-case hexadecimal tag; written in ascending order. */
export interface DataSet {
  [tag: string]: PhantomElement;
}

export const IMPLICIT_LE = '1.2.840.10008.1.2';
export const EXPLICIT_LE = '1.2.840.10008.1.2.1';
export const EXPLICIT_BE = '1.2.840.10008.1.2.2';

const IMPLEMENTATION_CLASS_UID = '2.25.211540838421632458411872133951062917953';
const UNDEFINED_LENGTH = 0xffffffff;
const longVrs = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const textVrs = new Set('LO LT PN SH ST UC UT'.split(' '));
const numberSize: Record<string, number> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, AT: 4 };

interface Encoding {
  explicit: boolean;
  littleEndian: boolean;
  charset: string;
  /** Sequences and items of undefined length, closed by delimiters. */
  undefinedLengths: boolean;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const part of parts) total += part.length;
  const out = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function even(bytes: Uint8Array, padding: number): Uint8Array {
  if (bytes.length % 2 === 0) return bytes;
  const padded = new Uint8Array(bytes.length + 1);
  padded.set(bytes);
  padded[bytes.length] = padding;
  return padded;
}

function numbers(vr: string, values: readonly PhantomValue[], littleEndian: boolean): Uint8Array {
  const size = numberSize[vr]!;
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) {
    const at = i * size;
    const number = vr === 'AT' ? Number.parseInt(String(value), 16) : Number(value);
    if (vr === 'AT') {
      view.setUint16(at, number >>> 16, littleEndian);
      view.setUint16(at + 2, number & 0xffff, littleEndian);
    } else if (vr === 'US') view.setUint16(at, number, littleEndian);
    else if (vr === 'SS') view.setInt16(at, number, littleEndian);
    else if (vr === 'UL') view.setUint32(at, number, littleEndian);
    else if (vr === 'SL') view.setInt32(at, number, littleEndian);
    else if (vr === 'FL') view.setFloat32(at, number, littleEndian);
    else view.setFloat64(at, number, littleEndian);
  }
  return bytes;
}

/** Decimal string of at most 16 characters (PS3.5 6.2). */
export function decimalString(value: number): string {
  const plain = String(value);
  if (plain.length <= 16) return plain;
  for (let digits = 15; digits > 0; digits--) {
    const text = String(Number(value.toPrecision(digits)));
    if (text.length <= 16) return text;
  }
  return value.toExponential(6);
}

function valueField(vr: string, values: readonly PhantomValue[], encoding: Encoding): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  if (values[0] instanceof Uint8Array) return even(values[0], textVrs.has(vr) ? 0x20 : 0);
  if (vr in numberSize) return numbers(vr, values, encoding.littleEndian);
  const text = values.map((value) => (vr === 'DS' ? decimalString(Number(value)) : String(value))).join('\\');
  return even(encodeText(text, textVrs.has(vr) ? encoding.charset : ''), vr === 'UI' ? 0 : 0x20);
}

function tagBytes(tag: string, littleEndian: boolean): Uint8Array {
  return numbers('AT', [tag], littleEndian);
}

function header(tag: string, vr: string, length: number, encoding: Encoding): Uint8Array {
  const { explicit, littleEndian } = encoding;
  const parts = [tagBytes(tag, littleEndian)];
  if (!explicit || tag.startsWith('FFFE')) parts.push(numbers('UL', [length], littleEndian));
  else {
    parts.push(encodeText(vr, ''));
    parts.push(longVrs.has(vr) ? numbers('US', [0], littleEndian) : numbers('US', [length], littleEndian));
    if (longVrs.has(vr)) parts.push(numbers('UL', [length], littleEndian));
  }
  return concatenated(parts);
}

function isFragments(value: PhantomValue | undefined): value is Fragments {
  return typeof value === 'object' && 'fragments' in value;
}

function pushFragments(parts: Uint8Array[], { fragments, offsetTable }: Fragments, encoding: Encoding): void {
  for (const item of [numbers('UL', offsetTable ?? [], encoding.littleEndian), ...fragments]) {
    const padded = even(item, 0);
    parts.push(header('FFFEE000', '', padded.length, encoding), padded);
  }
  parts.push(header('FFFEE0DD', '', 0, encoding));
}

function pushItems(parts: Uint8Array[], items: readonly DataSet[], encoding: Encoding): void {
  for (const item of items) {
    const content = elements(item, encoding);
    const length = encoding.undefinedLengths ? UNDEFINED_LENGTH : content.length;
    parts.push(header('FFFEE000', '', length, encoding), content);
    if (encoding.undefinedLengths) parts.push(header('FFFEE00D', '', 0, encoding));
  }
  if (encoding.undefinedLengths) parts.push(header('FFFEE0DD', '', 0, encoding));
}

function pushElement(parts: Uint8Array[], tag: string, [vr, ...values]: PhantomElement, encoding: Encoding): void {
  const [first] = values;
  if (isFragments(first)) {
    parts.push(header(tag, vr, UNDEFINED_LENGTH, encoding));
    pushFragments(parts, first, encoding);
    return;
  }
  if (vr === 'SQ') {
    const content: Uint8Array[] = [];
    pushItems(content, values as DataSet[], encoding);
    const bytes = concatenated(content);
    parts.push(header(tag, vr, encoding.undefinedLengths ? UNDEFINED_LENGTH : bytes.length, encoding), bytes);
    return;
  }
  const bytes = valueField(vr, values, encoding);
  parts.push(header(tag, vr, bytes.length, encoding), bytes);
}

function elements(dataSet: DataSet, encoding: Encoding): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const tag of Object.keys(dataSet).sort()) pushElement(parts, tag, dataSet[tag]!, encoding);
  return concatenated(parts);
}

export interface WriteOptions {
  /** Sequences and items of undefined length (default: defined). */
  undefinedLengths?: boolean;
}

function charsetOf(dataSet: DataSet): string {
  return (dataSet['00080005']?.slice(1) ?? []).join('\\');
}

/** The data set alone, as C-STORE carries it. Text is encoded as its Specific Character Set says. */
export function writeDataSet(
  dataSet: DataSet,
  transferSyntaxUID = EXPLICIT_LE,
  options: WriteOptions = {},
): Uint8Array {
  return elements(dataSet, {
    explicit: transferSyntaxUID !== IMPLICIT_LE,
    littleEndian: transferSyntaxUID !== EXPLICIT_BE,
    charset: charsetOf(dataSet),
    undefinedLengths: options.undefinedLengths ?? false,
  });
}

/**
 * A Part 10 file. SOP class and instance of the file meta information are those of the data set.
 * @param transferSyntaxUID any but the deflated one; compressed pixel data is given as fragments
 */
export function writePart10(dataSet: DataSet, transferSyntaxUID = EXPLICIT_LE, options: WriteOptions = {}): Uint8Array {
  const encoding: Encoding = { explicit: true, littleEndian: true, charset: '', undefinedLengths: false };
  const meta = elements(
    {
      '00020001': ['OB', new Uint8Array([0, 1])],
      '00020002': ['UI', ...(dataSet['00080016']?.slice(1) ?? [])] as PhantomElement,
      '00020003': ['UI', ...(dataSet['00080018']?.slice(1) ?? [])] as PhantomElement,
      '00020010': ['UI', transferSyntaxUID],
      '00020012': ['UI', IMPLEMENTATION_CLASS_UID],
      '00020013': ['SH', 'LIFEBOAT PHANTOM'],
    },
    encoding,
  );
  const preamble = new Uint8Array(132);
  preamble.set([0x44, 0x49, 0x43, 0x4d], 128);
  const groupLength = elements({ '00020000': ['UL', meta.length] }, encoding);
  return concatenated([preamble, groupLength, meta, writeDataSet(dataSet, transferSyntaxUID, options)]);
}
