import { dictionaryVr } from '../../storage/format/dictionary.ts';
import { type ElementSpan, elementsOf, ITEM, tagAt, UNDEFINED_LENGTH } from './data-set-bytes.ts';

const SPECIFIC_CHARACTER_SET = 0x00080005;
const FIRST_PIXELS = 0x7fe00000;
/** VRs that Specific Character Set touches (PS3.5 6.1.2.3). */
const TEXT = new Set(['PN', 'LO', 'SH', 'UC', 'LT', 'ST', 'UT']);

/**
 * True for a little-endian data set in the default character repertoire whose text, in sequences too, is ASCII indeed: then
 * ISO_IR 192 (UTF-8) can be declared without a change to any other value.
 */
export function isPlainText(dataSet: Buffer, explicit: boolean): boolean {
  for (const element of elementsOf(dataSet, explicit)) {
    if (element.tag >= FIRST_PIXELS) break;
    const declares = element.tag === SPECIFIC_CHARACTER_SET;
    if (declares ? !isDefault(dataSet, element) : !isAscii(dataSet, explicit, element)) return false;
  }
  return true;
}

function isDefault(bytes: Buffer, { valueStart, end }: ElementSpan): boolean {
  return ['', 'ISO_IR 6', 'ISO 2022 IR 6'].includes(bytes.toString('latin1', valueStart, end).trim());
}

function isAscii(bytes: Buffer, explicit: boolean, element: ElementSpan): boolean {
  const vr = element.vr || dictionaryVr(element.tag) || '';
  if (vr === 'SQ' || element.undefinedLength) return areItemsAscii(bytes, explicit && element.vr !== 'UN', element);
  if (!TEXT.has(vr)) return true;
  for (let at = element.valueStart; at < element.end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80 || byte === 0x1b) return false;
  }
  return true;
}

function areItemsAscii(bytes: Buffer, explicit: boolean, { valueStart, end }: ElementSpan): boolean {
  let at = valueStart;
  while (at < end && tagAt(bytes, at) === ITEM) {
    const length = bytes.readUInt32LE(at + 4);
    const elements = elementsOf(bytes, explicit, at + 8, length === UNDEFINED_LENGTH ? end : at + 8 + length);
    let next = elements.next();
    for (; !next.done; next = elements.next()) {
      // An item with a repertoire of its own is left alone.
      if (next.value.tag === SPECIFIC_CHARACTER_SET && !isDefault(bytes, next.value)) return false;
      if (!isAscii(bytes, explicit, next.value)) return false;
    }
    at = length === UNDEFINED_LENGTH ? next.value + 8 : at + 8 + length;
  }
  return true;
}
