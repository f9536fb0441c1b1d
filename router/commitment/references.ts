import { LifeboatError } from '../../contract/errors.ts';
import { isAcceptableUid, stripUidPadding } from '../../storage/format/uid.ts';
import { ImplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';
import {
  type ElementSpan,
  elementHeader,
  elementsOf,
  ITEM,
  SEQUENCE_DELIMITER,
  tagAt,
  UNDEFINED_LENGTH,
} from '../forward/data-set-bytes.ts';

/** One referenced SOP instance (PS3.3 Table 10-11). */
export interface SopReference {
  sopClassUID: string;
  sopInstanceUID: string;
  /** Present when it was asked for study by study (PS3.18 Table J.1-1). */
  within?: { studyInstanceUID: string; seriesInstanceUID: string };
}

export interface FailedReference extends SopReference {
  /** Failure Reason (0008,1197). */
  reason: number;
}

/** Action or event information of a storage commitment (PS3.4 Tables J.3-1 and J.3-2). */
export interface CommitmentInformation {
  transactionUID: string;
  references: SopReference[];
  failed: FailedReference[];
}

/** More than any study has; a request beyond is a mistake. */
export const MOST_REFERENCES = 50_000;

const TAG = {
  retrieveAE: 0x00080054,
  sopClass: 0x00081150,
  sopInstance: 0x00081155,
  transaction: 0x00081195,
  reason: 0x00081197,
  failed: 0x00081198,
  references: 0x00081199,
} as const;

const unreadable = (what: string) => new LifeboatError('BAD_REQUEST', what);

/** The elements of each item of a sequence. */
function* itemsOf(bytes: Buffer, explicit: boolean, { valueStart, end }: ElementSpan): Generator<ElementSpan[]> {
  let at = valueStart;
  while (at < end) {
    const tag = tagAt(bytes, at);
    if (tag === SEQUENCE_DELIMITER) return;
    const length = bytes.readUInt32LE(at + 4);
    const until = length === UNDEFINED_LENGTH ? end : at + 8 + length;
    if (tag !== ITEM || until > end) throw new LifeboatError('DATASET_UNREADABLE');
    const elements: ElementSpan[] = [];
    const walk = elementsOf(bytes, explicit, at + 8, until);
    let next = walk.next();
    for (; !next.done; next = walk.next()) elements.push(next.value);
    yield elements;
    at = length === UNDEFINED_LENGTH ? next.value + 8 : until;
  }
}

/**
 * Reads action or event information.
 * @param transferSyntaxUID Explicit or Implicit VR Little Endian
 * @throws BAD_REQUEST or DATASET_UNREADABLE with the sentence for the peer
 */
export function readCommitment(bytes: Buffer, transferSyntaxUID: string): CommitmentInformation {
  const explicit = transferSyntaxUID !== ImplicitVRLittleEndian;
  const information: CommitmentInformation = { transactionUID: '', references: [], failed: [] };
  const text = ({ valueStart, end }: ElementSpan) => stripUidPadding(bytes.toString('latin1', valueStart, end));
  for (const element of elementsOf(bytes, explicit)) {
    if (element.tag === TAG.transaction) information.transactionUID = text(element);
    if (element.tag !== TAG.references && element.tag !== TAG.failed) continue;
    for (const item of itemsOf(bytes, explicit, element)) {
      const find = (tag: number) => item.find((each) => each.tag === tag);
      const [sopClass, sopInstance, why] = [find(TAG.sopClass), find(TAG.sopInstance), find(TAG.reason)];
      const reference = {
        sopClassUID: sopClass ? text(sopClass) : '',
        sopInstanceUID: sopInstance ? text(sopInstance) : '',
      };
      checkReference(reference);
      if (element.tag === TAG.references) information.references.push(reference);
      else {
        const reason = why && why.end - why.valueStart >= 2 ? bytes.readUInt16LE(why.valueStart) : 0x0110;
        information.failed.push({ ...reference, reason });
      }
    }
    if (information.references.length + information.failed.length > MOST_REFERENCES)
      throw unreadable(`More than ${MOST_REFERENCES} instances at once; ask for fewer.`);
  }
  if (!isAcceptableUid(information.transactionUID)) throw unreadable('The Transaction UID (0008,1195) is missing.');
  return information;
}

/** @throws BAD_REQUEST */
export function checkReference({ sopClassUID, sopInstanceUID }: SopReference): void {
  if (!isAcceptableUid(sopClassUID) || !isAcceptableUid(sopInstanceUID))
    throw unreadable('A referenced instance lacks its SOP Class or Instance UID.');
}

/** Writes action or event information. @param retrieveAE where the instances can be retrieved; in reports alone */
export function writeCommitment(
  { transactionUID, references, failed }: CommitmentInformation,
  transferSyntaxUID: string,
  retrieveAE?: string,
): Buffer {
  const explicit = transferSyntaxUID !== ImplicitVRLittleEndian;
  const element = (tag: number, vr: string, value: Buffer) => [
    elementHeader(tag, explicit ? vr : '', value.length),
    value,
  ];
  const text = (tag: number, vr: string, value: string, pad: string) =>
    element(tag, vr, Buffer.from(value.length % 2 ? value + pad : value, 'latin1'));
  const item = ({ sopClassUID, sopInstanceUID }: SopReference, reason?: number) => {
    const content = Buffer.concat([
      ...text(TAG.sopClass, 'UI', sopClassUID, '\0'),
      ...text(TAG.sopInstance, 'UI', sopInstanceUID, '\0'),
      ...(reason === undefined ? [] : element(TAG.reason, 'US', Buffer.from([reason & 0xff, reason >> 8]))),
    ]);
    return Buffer.concat([elementHeader(ITEM, '', content.length), content]);
  };
  const sequence = (tag: number, items: Buffer[]) => (items.length > 0 ? element(tag, 'SQ', Buffer.concat(items)) : []);
  return Buffer.concat([
    ...(retrieveAE ? text(TAG.retrieveAE, 'AE', retrieveAE, ' ') : []),
    ...text(TAG.transaction, 'UI', transactionUID, '\0'),
    ...sequence(
      TAG.failed,
      failed.map((each) => item(each, each.reason)),
    ),
    ...sequence(
      TAG.references,
      references.map((each) => item(each)),
    ),
  ]);
}
