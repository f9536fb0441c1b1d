import { LifeboatError } from '../../contract/errors.ts';

/** One data element in the bytes of a little-endian data set (PS3.5 7.1). Offsets are bytes from the start of the data set. */
export interface ElementSpan {
  /** group * 65536 + element */
  tag: number;
  /** '' in implicit VR. */
  vr: string;
  start: number;
  valueStart: number;
  /** One past the last byte, delimitation item included. */
  end: number;
  /** Value length is undefined: items up to a delimitation item. */
  undefinedLength: boolean;
}

export const UNDEFINED_LENGTH = 0xffffffff;
export const ITEM = 0xfffee000;
export const ITEM_DELIMITER = 0xfffee00d;
export const SEQUENCE_DELIMITER = 0xfffee0dd;

/** VRs whose length has 32 bits after two reserved ones (PS3.5 7.1.2). */
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

export const isLongVr = (vr: string): boolean => LONG_VRS.has(vr);

const unreadable = () => new LifeboatError('DATASET_UNREADABLE', 'The data set cannot be read to its end.');

/** @throws DATASET_UNREADABLE when the bytes end before they should */
export function tagAt(bytes: Buffer, at: number): number {
  if (at + 8 > bytes.length) throw unreadable();
  return bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2);
}

/**
 * The elements of a data set or item, one after another, those of sequences left closed.
 * @param until one past the last byte; elements also end at an item delimitation item
 * @throws DATASET_UNREADABLE
 */
export function* elementsOf(
  bytes: Buffer,
  explicit: boolean,
  from = 0,
  until = bytes.length,
): Generator<ElementSpan, number> {
  let at = from;
  while (at < until) {
    const element = elementAt(bytes, explicit, at);
    if (element.tag === ITEM_DELIMITER) return at;
    yield element;
    at = element.end;
  }
  return at;
}

function elementAt(bytes: Buffer, explicit: boolean, start: number): ElementSpan {
  const tag = tagAt(bytes, start);
  const delimits = tag === ITEM_DELIMITER || tag === SEQUENCE_DELIMITER;
  const vr = explicit && !delimits ? bytes.toString('latin1', start + 4, start + 6) : '';
  let length: number;
  let valueStart = start + 8;
  if (vr === '') length = bytes.readUInt32LE(start + 4);
  else if (!isLongVr(vr)) length = bytes.readUInt16LE(start + 6);
  else {
    if (start + 12 > bytes.length) throw unreadable();
    length = bytes.readUInt32LE(start + 8);
    valueStart = start + 12;
  }
  const undefinedLength = length === UNDEFINED_LENGTH && !delimits;
  // PS3.5 6.2.2: a UN of undefined length holds items in implicit VR.
  const end = undefinedLength ? afterItems(bytes, explicit && vr !== 'UN', valueStart) : valueStart + length;
  if (end > bytes.length) throw unreadable();
  return { tag, vr, start, valueStart, end, undefinedLength };
}

/** One past the sequence delimitation item of items (or fragments) that begin at `at`. */
function afterItems(bytes: Buffer, explicit: boolean, at: number): number {
  for (;;) {
    const tag = tagAt(bytes, at);
    const length = bytes.readUInt32LE(at + 4);
    if (tag === SEQUENCE_DELIMITER) return at + 8;
    if (tag !== ITEM) throw unreadable();
    at += 8;
    if (length !== UNDEFINED_LENGTH) {
      at += length;
      continue;
    }
    const elements = elementsOf(bytes, explicit, at);
    let next = elements.next();
    while (!next.done) next = elements.next();
    at = next.value + 8;
  }
}

/** A tag, its VR ('' for implicit VR) and the length of its value. */
export function elementHeader(tag: number, vr: string, length: number): Buffer {
  const bytes = Buffer.alloc(isLongVr(vr) ? 12 : 8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  if (vr !== '') bytes.write(vr, 4, 'latin1');
  if (vr === '') bytes.writeUInt32LE(length, 4);
  else if (isLongVr(vr)) bytes.writeUInt32LE(length, 8);
  else {
    if (length > 0xffff) throw new LifeboatError('NOT_ACCEPTABLE', 'A value is too long for its VR.');
    bytes.writeUInt16LE(length, 6);
  }
  return bytes;
}
