import { elementHeader, elementsOf, ITEM, SEQUENCE_DELIMITER, tagAt, UNDEFINED_LENGTH } from './data-set-bytes.ts';

/**
 * A data set from Explicit to Implicit VR Little Endian (PS3.5 A.1): values stay byte for byte, VRs go, sequences of defined
 * length get their new one. Not for encapsulated pixel data, which implicit VR cannot carry.
 * @throws DATASET_UNREADABLE
 */
export function toImplicitVR(dataSet: Buffer): Buffer {
  const pieces: Uint8Array[] = [];
  convert(dataSet, 0, dataSet.length, pieces);
  return Buffer.concat(pieces);
}

/** Returns where it stopped: at `until`, or at an item delimitation item. */
function convert(bytes: Buffer, from: number, until: number, pieces: Uint8Array[]): number {
  const elements = elementsOf(bytes, true, from, until);
  let next = elements.next();
  for (; !next.done; next = elements.next()) {
    const { tag, vr, valueStart, end, undefinedLength } = next.value;
    if (vr !== 'SQ') {
      pieces.push(elementHeader(tag, '', undefinedLength ? UNDEFINED_LENGTH : end - valueStart));
      pieces.push(bytes.subarray(valueStart, end));
      continue;
    }
    const items: Uint8Array[] = [];
    convertItems(bytes, valueStart, end, items);
    const length = items.reduce((sum, piece) => sum + piece.length, 0);
    pieces.push(elementHeader(tag, '', undefinedLength ? UNDEFINED_LENGTH : length), ...items);
  }
  return next.value;
}

function convertItems(bytes: Buffer, from: number, until: number, pieces: Uint8Array[]): void {
  let at = from;
  while (at < until) {
    if (tagAt(bytes, at) === SEQUENCE_DELIMITER) {
      pieces.push(bytes.subarray(at, at + 8));
      return;
    }
    const length = bytes.readUInt32LE(at + 4);
    const inner: Uint8Array[] = [];
    if (length === UNDEFINED_LENGTH) {
      const end = convert(bytes, at + 8, until, inner);
      pieces.push(bytes.subarray(at, at + 8), ...inner, bytes.subarray(end, end + 8));
      at = end + 8;
    } else {
      convert(bytes, at + 8, at + 8 + length, inner);
      const size = inner.reduce((sum, piece) => sum + piece.length, 0);
      pieces.push(elementHeader(ITEM, '', size), ...inner);
      at += 8 + length;
    }
  }
}
