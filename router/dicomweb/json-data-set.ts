import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { joinPersonName } from '../../storage/format/person-name.ts';

/** Bytes that lie somewhere else, `length` of them. */
export interface Elsewhere {
  length: number;
  read(): AsyncIterable<Uint8Array>;
}
export type Piece = Uint8Array | Elsewhere;

/** Pixel data encapsulated in fragments, one a frame (PS3.5 A.4). */
export interface FragmentList {
  fragments: Elsewhere[];
}

/** What stands behind a BulkDataURI; throws a LifeboatError when nothing does. */
export type BulkSource = (uri: string, tag: string) => Elsewhere | FragmentList;

const element = z.object({
  vr: z.string().regex(/^[A-Z]{2}$/),
  Value: z.array(z.unknown()).optional(),
  InlineBinary: z.string().optional(),
  BulkDataURI: z.string().optional(),
});
const dataSet = z.record(z.string().regex(/^[0-9A-Fa-f]{8}$/), element);
const personName = z.object({
  Alphabetic: z.string().optional(),
  Ideographic: z.string().optional(),
  Phonetic: z.string().optional(),
});

const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const BINARY_VRS = new Set('OB OD OF OL OV OW UN'.split(' '));
const TEXT_VRS = new Set('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT'.split(' '));
const UNDEFINED_LENGTH = 0xffffffff;
const MAX_LENGTH = 0xfffffffe;
const MAX_DEPTH = 32;
const SPECIFIC_CHARACTER_SET = '00080005';

/** Writers of one number, with their sizes (PS3.5 6.2), little endian. */
const NUMBERS: Record<string, [size: number, write: (bytes: Buffer, value: unknown) => void]> = {
  FL: [4, (bytes, value) => bytes.writeFloatLE(Number(value))],
  FD: [8, (bytes, value) => bytes.writeDoubleLE(Number(value))],
  SL: [4, (bytes, value) => bytes.writeInt32LE(Number(value))],
  SS: [2, (bytes, value) => bytes.writeInt16LE(Number(value))],
  UL: [4, (bytes, value) => bytes.writeUInt32LE(Number(value))],
  US: [2, (bytes, value) => bytes.writeUInt16LE(Number(value))],
  SV: [8, (bytes, value) => bytes.writeBigInt64LE(BigInt(String(value)))],
  UV: [8, (bytes, value) => bytes.writeBigUInt64LE(BigInt(String(value)))],
};

/** A data set written from the DICOM JSON Model (PS3.18 Annex F). */
export interface WrittenDataSet {
  /** Explicit VR Little Endian, text in UTF-8. */
  pieces: Piece[];
  /** Tags that have no place in a data set and were left out: file meta information, group lengths. */
  discarded: string[];
}

/**
 * Writes a data set from the DICOM JSON Model in Explicit VR Little Endian, text in UTF-8 (ISO_IR 192). Errors:
 * DATASET_UNREADABLE with the element that cannot be written, and whatever `bulk` throws.
 */
export function writeDataSet(json: unknown, bulk: BulkSource): WrittenDataSet {
  const discarded: string[] = [];
  return { pieces: elements(json, bulk, discarded, 0), discarded };
}

export function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function bad(tag: string, what: string): LifeboatError {
  const name = `(${tag.slice(0, 4)},${tag.slice(4)})`;
  return new LifeboatError('DATASET_UNREADABLE', `Element ${name} of the metadata ${what}.`);
}

function elements(json: unknown, bulk: BulkSource, discarded: string[], depth: number): Piece[] {
  const parsed = dataSet.safeParse(json);
  if (!parsed.success) {
    const [at] = parsed.error.issues;
    const tag = String(at?.path[0] ?? '');
    if (/^[0-9A-Fa-f]{8}$/.test(tag)) throw bad(tag, 'is not as the DICOM JSON model has it');
    throw new LifeboatError('DATASET_UNREADABLE', 'The metadata is not a DICOM JSON object.');
  }
  if (depth > MAX_DEPTH) throw new LifeboatError('DATASET_UNREADABLE', 'The metadata nests sequences too deeply.');
  const rows = new Map(Object.entries(parsed.data).map(([tag, value]) => [tag.toUpperCase(), value]));
  if (depth === 0) rows.set(SPECIFIC_CHARACTER_SET, { vr: 'CS', Value: ['ISO_IR 192'] });
  else rows.delete(SPECIFIC_CHARACTER_SET);
  const pieces: Piece[] = [];
  for (const tag of [...rows.keys()].sort()) {
    if (tag.endsWith('0000') || tag < '00040000' || tag.startsWith('FFFE')) discarded.push(tag);
    else pieces.push(...elementPieces(tag, rows.get(tag)!, bulk, discarded, depth));
  }
  return pieces;
}

function elementPieces(
  tag: string,
  value: z.infer<typeof element>,
  bulk: BulkSource,
  discarded: string[],
  depth: number,
): Piece[] {
  const { vr } = value;
  if (vr === 'SQ') {
    const items = (value.Value ?? []).flatMap((item) => {
      const content = elements(item ?? {}, bulk, discarded, depth + 1);
      return [marker(0xe000, checked(tag, lengthOf(content))), ...content];
    });
    return [header(tag, vr, checked(tag, lengthOf(items))), ...items];
  }
  if (value.BulkDataURI !== undefined) {
    const found = bulk(value.BulkDataURI, tag);
    if ('fragments' in found) return encapsulated(tag, found);
    return padded(tag, vr, [found], found.length);
  }
  const bytes = valueBytes(tag, vr, value);
  return padded(tag, vr, [bytes], bytes.length);
}

function checked(tag: string, length: number): number {
  if (length > MAX_LENGTH) throw bad(tag, 'is longer than an element can be');
  return length;
}

function padded(tag: string, vr: string, pieces: Piece[], length: number): Piece[] {
  checked(tag, length + 1);
  const odd = length % 2;
  const filler = TEXT_VRS.has(vr) && vr !== 'UI' ? 0x20 : 0;
  return [header(tag, vr, length + odd), ...pieces, ...(odd ? [Buffer.from([filler])] : [])];
}

/** Empty basic offset table, one fragment a frame. */
function encapsulated(tag: string, { fragments }: FragmentList): Piece[] {
  return [
    header(tag, 'OB', UNDEFINED_LENGTH),
    marker(0xe000, 0),
    ...fragments.flatMap((fragment) => {
      const odd = fragment.length % 2;
      return [marker(0xe000, checked(tag, fragment.length + odd)), fragment, ...(odd ? [Buffer.alloc(1)] : [])];
    }),
    marker(0xe0dd, 0),
  ];
}

/** PS3.5 7.1.2. A value too long for a 16-bit length goes out as UN (PS3.5 6.2.2 note). */
function header(tag: string, vr: string, length: number): Buffer {
  const name = LONG_VRS.has(vr) || length <= 0xffff ? vr : 'UN';
  const long = LONG_VRS.has(name);
  const bytes = Buffer.alloc(long ? 12 : 8);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  bytes.write(name, 4, 'latin1');
  if (long) bytes.writeUInt32LE(length, 8);
  else bytes.writeUInt16LE(length, 6);
  return bytes;
}

function marker(element: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(0xfffe, 0);
  bytes.writeUInt16LE(element, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

function valueBytes(tag: string, vr: string, value: z.infer<typeof element>): Buffer {
  if (value.InlineBinary !== undefined) return Buffer.from(value.InlineBinary, 'base64');
  const values = value.Value ?? [];
  if (values.length === 0) return Buffer.alloc(0);
  if (BINARY_VRS.has(vr)) throw bad(tag, `has VR ${vr} and neither InlineBinary nor BulkDataURI`);
  if (TEXT_VRS.has(vr)) return Buffer.from(values.map((one) => text(tag, vr, one)).join('\\'), 'utf8');
  if (vr === 'AT') return Buffer.concat(values.map((one) => attributeTag(tag, one)));
  const number = NUMBERS[vr];
  if (!number) throw bad(tag, `has the unknown VR ${vr}`);
  const [size, write] = number;
  return Buffer.concat(
    values.map((one) => {
      const bytes = Buffer.alloc(size);
      try {
        if (one === null || one === '' || typeof one === 'object') throw new RangeError('no number');
        if (Number.isNaN(Number(one)) && one !== 'NaN') throw new RangeError('no number');
        write(bytes, one);
      } catch (cause) {
        if (!(cause instanceof RangeError || cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
        throw bad(tag, `has a value that does not fit its VR ${vr}`);
      }
      return bytes;
    }),
  );
}

function text(tag: string, vr: string, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (vr === 'PN' && typeof value === 'object') {
    const name = personName.safeParse(value);
    if (!name.success) throw bad(tag, 'is not a person name');
    return joinPersonName(name.data);
  }
  if (typeof value === 'number' && vr === 'DS') return decimal(value);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw bad(tag, `has a value that does not fit its VR ${vr}`);
  return String(value);
}

/** At most 16 characters (PS3.5 6.2). */
function decimal(value: number): string {
  for (let digits = 17; digits > 0; digits--) {
    const short = String(Number(value.toPrecision(digits)));
    if (short.length <= 16) return short;
  }
  return value.toExponential(6);
}

function attributeTag(tag: string, value: unknown): Buffer {
  if (typeof value !== 'string' || !/^[0-9A-Fa-f]{8}$/.test(value)) throw bad(tag, 'is not an attribute tag');
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(Number.parseInt(value.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(value.slice(4), 16), 2);
  return bytes;
}
