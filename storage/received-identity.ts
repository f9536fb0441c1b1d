import { LifeboatError } from '../contract/errors.ts';
import { oddities } from './format/plausibility.ts';
import { captured, type Encoding, type ScanResult, TAG } from './format/scan-types.ts';
import {
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
  type TransferSyntax,
  transferSyntax,
} from './format/transfer-syntaxes.ts';
import { isAcceptableUid, isConformantUid, stripUidPadding } from './format/uid.ts';
import type { Announced } from './receive-types.ts';

/** The four UIDs every kept instance has. */
export interface InstanceUids {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
  sopClassUID: string;
}

/**
 * What receiving did or saw that the kept bytes alone do not show. One letter each in the spool's file names, so that the
 * note survives a restart; letters are never given a second meaning.
 */
export const MARKS = {
  h: 'the file meta information was missing or not well-formed and was written anew; the data set is as received',
  t: 'the announced transfer syntax did not fit the encoding; the recorded one does',
  j: 'bytes in front of the file preamble were dropped',
  c: 'SOP Class UID is missing in the data set; the announced one was taken',
} as const;
export type Mark = keyof typeof MARKS;

export function markNotes(marks: Iterable<string>): string[] {
  return [...marks].flatMap((mark) => (mark in MARKS ? [MARKS[mark as Mark]] : []));
}

const MEDIA_STORAGE_DIRECTORY = '1.2.840.10008.1.3.10';

const names = {
  studyInstanceUID: 'Study Instance UID',
  seriesInstanceUID: 'Series Instance UID',
  sopInstanceUID: 'SOP Instance UID',
  sopClassUID: 'SOP Class UID',
} as const;

const tags = {
  studyInstanceUID: TAG.studyInstanceUID,
  seriesInstanceUID: TAG.seriesInstanceUID,
  sopInstanceUID: TAG.sopInstanceUID,
  sopClassUID: TAG.sopClassUID,
} as const;

/** One UID of a scanned data set; '' when absent. Throws DATASET_BAD_UID. */
export function readUid(values: ScanResult['values'], which: keyof InstanceUids): string {
  const uid = stripUidPadding(captured(values, tags[which]));
  if (uid === '') return '';
  const length = values.get(tags[which])!.length;
  if (length > 256 || !isAcceptableUid(uid)) {
    throw new LifeboatError('DATASET_BAD_UID', `${names[which]} has characters or a length that no UID can have.`);
  }
  return uid;
}

/** Throws SOP_CLASS_MISMATCH, SOP_INSTANCE_MISMATCH or STUDY_MISMATCH; values that are not known ('') differ from nothing. */
export function checkAnnounced(announced: Partial<Announced>, uids: Partial<InstanceUids>): void {
  const differs = (which: 'sopClassUID' | 'sopInstanceUID' | 'studyInstanceUID') => {
    const wanted = stripUidPadding(announced[which] ?? '');
    const real = uids[which] ?? '';
    return wanted !== '' && real !== '' && wanted !== real;
  };
  if (differs('sopClassUID')) throw new LifeboatError('SOP_CLASS_MISMATCH');
  if (differs('sopInstanceUID')) throw new LifeboatError('SOP_INSTANCE_MISMATCH');
  if (differs('studyInstanceUID')) throw new LifeboatError('STUDY_MISMATCH');
}

/**
 * What to do with a file that no archive can file: none is made up here, because the kept bytes would not have it (decision
 * 0009).
 */
const remedies: Record<keyof InstanceUids, string> = {
  studyInstanceUID: 'give all files of the study the same new one (dcmodify -i)',
  seriesInstanceUID: 'give all files of the series the same new one (dcmodify -i)',
  sopInstanceUID: 'give each file a new one (dcmodify -gin)',
  sopClassUID: 'it has to say what kind of object it is',
};

export function missingUid(which: keyof InstanceUids): LifeboatError {
  return new LifeboatError(
    'DATASET_MISSING_UID',
    `The data set has no ${names[which]}, without which no archive can file it: ${remedies[which]} and send again.`,
  );
}

/** The UIDs of a complete data set. Throws DATASET_MISSING_UID and DATASET_BAD_UID. */
export function readUids(scan: ScanResult, fallbackSopClassUID: string): InstanceUids {
  const uids: InstanceUids = {
    studyInstanceUID: readUid(scan.values, 'studyInstanceUID'),
    seriesInstanceUID: readUid(scan.values, 'seriesInstanceUID'),
    sopInstanceUID: readUid(scan.values, 'sopInstanceUID'),
    sopClassUID: readUid(scan.values, 'sopClassUID') || fallbackSopClassUID,
  };
  if (uids.sopClassUID === MEDIA_STORAGE_DIRECTORY) {
    throw new LifeboatError(
      'DATASET_MISSING_UID',
      'This is a DICOMDIR, an index of other files and no instance itself.',
    );
  }
  for (const which of ['studyInstanceUID', 'seriesInstanceUID', 'sopInstanceUID', 'sopClassUID'] as const) {
    if (uids[which] === '') throw missingUid(which);
  }
  return uids;
}

/** Notes that follow from the kept bytes alone. */
export function notesOf(scan: ScanResult, syntax: TransferSyntax, uids: InstanceUids): string[] {
  const notes = [...scan.notes, ...oddities(scan, syntax)];
  if (!syntax.known) notes.push(`unknown transfer syntax ${syntax.uid}, read as Explicit VR Little Endian`);
  for (const which of Object.keys(names) as (keyof InstanceUids)[]) {
    if (!isConformantUid(uids[which])) notes.push(`${names[which]} is not formed as PS3.5 9.1 demands`);
  }
  return notes;
}

/**
 * The transfer syntax that fits the encoding seen: the announced one, or the right native one when a native one was
 * announced. Throws DATASET_UNREADABLE when a compressed one was announced: which one it is cannot be known then.
 */
export function realTransferSyntax(announced: TransferSyntax, seen: Encoding): TransferSyntax {
  if (announced.explicitVR === seen.explicitVR && announced.bigEndian === seen.bigEndian) return announced;
  const uid = seen.bigEndian
    ? EXPLICIT_VR_BIG_ENDIAN
    : seen.explicitVR
      ? EXPLICIT_VR_LITTLE_ENDIAN
      : IMPLICIT_VR_LITTLE_ENDIAN;
  if (!announced.known || announced.encapsulated || announced.deflated) {
    throw new LifeboatError(
      'DATASET_UNREADABLE',
      `The data set is announced as ${announced.name} but encoded as ${transferSyntax(uid).name}.`,
    );
  }
  return transferSyntax(uid);
}
