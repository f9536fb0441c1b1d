import { LifeboatError } from '../../contract/errors.ts';
import { elementHeader, ITEM, SEQUENCE_DELIMITER, tagAt } from './data-set-bytes.ts';

export const ORIGINAL_ATTRIBUTES_SEQUENCE = 0x04000561;
const MODIFIED_ATTRIBUTES_SEQUENCE = 0x04000550;
const ATTRIBUTE_MODIFICATION_DATETIME = 0x04000562;
const MODIFYING_SYSTEM = 0x04000563;
const SOURCE_OF_PREVIOUS_VALUES = 0x04000564;
const REASON_FOR_MODIFICATION = 0x04000565;

/** Who changed something, and when. */
export interface Modification {
  /** UTC ISO. */
  at: string;
  /** LO: the system that changed it. */
  system: string;
}

function element(explicit: boolean, tag: number, vr: string, value: Uint8Array | string): Buffer {
  let bytes = Buffer.from(typeof value === 'string' ? Buffer.from(value, 'latin1') : value);
  if (bytes.length % 2) bytes = Buffer.concat([bytes, Buffer.from(' ')]);
  return Buffer.concat([elementHeader(tag, explicit ? vr : '', bytes.length), bytes]);
}

function item(content: Uint8Array): Buffer {
  return Buffer.concat([elementHeader(ITEM, '', content.length), content]);
}

/** DT in UTC (PS3.5 6.2): YYYYMMDDHHMMSS.FFFFFF&ZZXX. */
export const dateTime = (iso: string): string =>
  `${iso.replace(/[-:TZ]/g, '').replace(/^(\d{14})\.(\d+)$/, '$1.$2000')}+0000`;

/**
 * Original Attributes Sequence (PS3.3 C.12.1.1.9) with one more item, the last.
 * @param originals elements as they were, whole and in the order of their tags, in the encoding of the data set
 * @param before value of the sequence that is there already
 * @throws NOT_ACCEPTABLE when that is no sequence
 */
export function originalAttributes(
  originals: readonly Uint8Array[],
  { at, system }: Modification,
  explicit: boolean,
  before?: { vr: string; value: Buffer },
): Buffer {
  const modified = item(Buffer.concat(originals));
  const added = item(
    Buffer.concat([
      element(explicit, MODIFIED_ATTRIBUTES_SEQUENCE, 'SQ', modified),
      element(explicit, ATTRIBUTE_MODIFICATION_DATETIME, 'DT', dateTime(at)),
      element(explicit, MODIFYING_SYSTEM, 'LO', system),
      element(explicit, SOURCE_OF_PREVIOUS_VALUES, 'LO', ''),
      element(explicit, REASON_FOR_MODIFICATION, 'CS', 'CORRECT'),
    ]),
  );
  return element(explicit, ORIGINAL_ATTRIBUTES_SEQUENCE, 'SQ', Buffer.concat([earlierItems(before), added]));
}

/** Items without the delimitation item that ends a sequence of undefined length. */
function earlierItems(before: { vr: string; value: Buffer } | undefined): Buffer {
  if (!before) return Buffer.alloc(0);
  if (before.vr !== '' && before.vr !== 'SQ')
    throw new LifeboatError('NOT_ACCEPTABLE', 'The Original Attributes Sequence of this image is no sequence.');
  const { value } = before;
  const delimited = value.length >= 8 && tagAt(value, value.length - 8) === SEQUENCE_DELIMITER;
  return delimited ? value.subarray(0, value.length - 8) : value;
}
