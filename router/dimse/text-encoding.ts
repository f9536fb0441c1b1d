import { characterSet } from '../../storage/format/charset.ts';
import { elementHeader, elementsOf, ITEM } from '../forward/data-set-bytes.ts';

const TEXT_VRS = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
const SPECIFIC_CHARACTER_SET = 0x00080005;
/** Single-byte sets without code extensions (PS3.3 Table C.12-2) that we write. */
const SINGLE_BYTE = new Set(['100', '101', '109', '110', '144', '127', '126', '138', '148', '166', '203']);

/** What stands in the upper half of a single-byte set. */
const encoders = new Map<string, Map<string, number>>();

function encoderOf(registration: string): Map<string, number> {
  let encoder = encoders.get(registration);
  if (!encoder) {
    const set = characterSet([`ISO_IR ${registration}`]);
    encoder = new Map();
    for (let byte = 0xa0; byte <= 0xff; byte++) {
      const character = set.decode(new Uint8Array([byte]), 'text')[0] ?? '';
      if (character !== '' && character !== '\ufffd') encoder.set(character, byte);
    }
    encoders.set(registration, encoder);
  }
  return encoder;
}

/**
 * A data set in the character set of its reader (PS3.4 C.4.1.1.3.2): in its single-byte set where that has every character,
 * without a declaration where all is ASCII and the reader named no set, else as it is.
 * @param dataSet Explicit VR Little Endian, text in UTF-8, sequences and items of defined length
 * @param wanted Specific Character Set (0008,0005) of the request, `\\` between values; '' for none
 */
export function inCharacterSet(dataSet: Buffer, wanted: string): Buffer {
  const first = (wanted.split('\\')[0] ?? '').trim();
  const registration = /^(?:ISO_IR|ISO 2022 IR) ?(\d+)$/.exec(first)?.[1] ?? (first === '' ? '6' : '');
  const known = registration === '6' || SINGLE_BYTE.has(registration);
  if (!known) return dataSet;
  const encoder = registration === '6' ? new Map<string, number>() : encoderOf(registration);
  const pieces = converted(dataSet, encoder, registration === '6' ? '' : `ISO_IR ${registration}`);
  return pieces ? Buffer.concat(pieces) : dataSet;
}

/** undefined: a character is not in the set. */
function converted(bytes: Buffer, encoder: ReadonlyMap<string, number>, declared: string): Buffer[] | undefined {
  const pieces: Buffer[] = [];
  for (const { tag, vr, start, valueStart, end } of elementsOf(bytes, true)) {
    const value = bytes.subarray(valueStart, end);
    if (tag === SPECIFIC_CHARACTER_SET) {
      if (declared === '') continue;
      const padded = Buffer.from(declared.length % 2 ? `${declared} ` : declared, 'latin1');
      pieces.push(elementHeader(tag, vr, padded.length), padded);
    } else if (vr === 'SQ') {
      const items = convertedItems(value, encoder, declared);
      if (!items) return undefined;
      const content = Buffer.concat(items);
      pieces.push(elementHeader(tag, vr, content.length), content);
    } else if (TEXT_VRS.has(vr)) {
      const text = encoded(value.toString('utf8'), encoder);
      if (!text) return undefined;
      pieces.push(elementHeader(tag, vr, text.length), text);
    } else {
      pieces.push(bytes.subarray(start, end));
    }
  }
  return pieces;
}

function convertedItems(bytes: Buffer, encoder: ReadonlyMap<string, number>, declared: string): Buffer[] | undefined {
  const items: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    const inner = converted(bytes.subarray(at + 8, at + 8 + length), encoder, declared);
    if (!inner) return undefined;
    const content = Buffer.concat(inner);
    items.push(elementHeader(ITEM, '', content.length), content);
    at += 8 + length;
  }
  return items;
}

function encoded(text: string, encoder: ReadonlyMap<string, number>): Buffer | undefined {
  const bytes: number[] = [];
  for (const character of text.replace(/ +$/, '')) {
    const code = character.codePointAt(0)!;
    const byte = code < 0x80 ? code : encoder.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  if (bytes.length % 2) bytes.push(0x20);
  return Buffer.from(bytes);
}
