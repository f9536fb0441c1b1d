/**
 * File Meta Information of a Part 10 file (PS3.10 7.1): which transfer syntax, and where the data set begins. Runs in the
 * browser too.
 */
import type { KnownObject } from './describe.ts';

const MAX_META = 64 * 1024;
const ascii = (bytes: Uint8Array) => String.fromCharCode(...bytes).replace(/[\0 ]+$/, '');
const isLongVr = (vr: string) => /^(OB|OD|OF|OL|OV|OW|SQ|SV|UC|UN|UR|UT|UV)$/.test(vr);

/**
 * Reads the head of a file, its first 64 KiB or all of it.
 * @returns null when it is no Part 10 file or its meta information does not name a transfer syntax
 */
export function readFileMeta(head: Uint8Array): KnownObject | null {
  if (head.length < 140 || ascii(head.subarray(128, 132)) !== 'DICM') return null;
  const view = new DataView(head.buffer, head.byteOffset, Math.min(head.length, MAX_META));
  let at = 132;
  let transferSyntaxUID: string | undefined;
  while (at + 8 <= view.byteLength && view.getUint16(at, true) === 0x0002) {
    const element = view.getUint16(at + 2, true);
    const long = isLongVr(ascii(head.subarray(at + 4, at + 6)));
    if (long && at + 12 > view.byteLength) return null;
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const value = at + (long ? 12 : 8);
    if (value + length > view.byteLength) return null;
    if (element === 0x0010) transferSyntaxUID = ascii(head.subarray(value, value + length));
    at = value + length;
  }
  return transferSyntaxUID ? { transferSyntaxUID, dataSetOffset: at } : null;
}
