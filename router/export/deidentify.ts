import { createHmac } from 'node:crypto';
import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { isKept, REPLACED_UIDS } from './deidentify-attributes.ts';

/** A made-up patient: what type 1 and 2 attributes hold in a de-identified copy. */
export interface MadeUpPatient {
  name: string;
  id: string;
  /** Makes new UIDs; thrown away after the export, so that nobody finds the way back. */
  secret: Uint8Array;
}

const element = (vr: string, ...values: unknown[]): DicomJsonElement =>
  values.length > 0 ? { vr, Value: values } : { vr };

/** The same UID for the same one, in one export only (PS3.5 B.2). */
export function newUidFor(uid: string, secret: Uint8Array): string {
  const digest = createHmac('sha256', secret).update(uid).digest().subarray(0, 16);
  digest[6] = (digest[6]! & 0x0f) | 0x40;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${digest.toString('hex')}`)}`;
}

function reduced(json: DicomJson, secret: Uint8Array): DicomJson {
  const kept: DicomJson = {};
  for (const [tag, value] of Object.entries(json)) {
    if (REPLACED_UIDS.has(tag)) {
      const uids = (value.Value ?? []).map((uid) => newUidFor(String(uid), secret));
      kept[tag] = element('UI', ...uids);
    } else if (isKept(tag)) {
      kept[tag] =
        value.vr === 'SQ'
          ? element('SQ', ...(value.Value ?? []).map((item) => reduced((item ?? {}) as DicomJson, secret)))
          : value;
    }
  }
  return kept;
}

/**
 * An image without its patient by the Basic Application Level Confidentiality Profile (PS3.15 E.1.1): identifying attributes
 * empty or made up, UIDs new, all dates, texts, private and unknown attributes, overlays and references gone. The pixels are as
 * they were: what is burned into them stays.
 */
export function deidentified(metadata: DicomJson, patient: MadeUpPatient): DicomJson {
  return {
    ...reduced(metadata, patient.secret),
    '00080020': element('DA'),
    '00080030': element('TM'),
    '00080050': element('SH'),
    '00080070': element('LO'),
    '00080090': element('PN'),
    '00100010': element('PN', { Alphabetic: patient.name }),
    '00100020': element('LO', patient.id),
    '00100030': element('DA'),
    '00100040': element('CS'),
    '00120062': element('CS', 'YES'),
    '00120063': element('LO', 'Lifeboat teaching copy: only listed attributes kept'),
    '00120064': element('SQ', {
      '00080100': element('SH', '113100'),
      '00080102': element('SH', 'DCM'),
      '00080104': element('LO', 'Basic Application Confidentiality Profile'),
    }),
    '00200010': element('SH'),
    '00280303': element('CS', 'REMOVED'),
  };
}

/** Kinds of images that often have names written into their pixels. */
const oftenBurnedIn = /^(US|SC|XC|ES|GM|SM|OT|DOC|IVUS|OP|OPT|OCT|ECG|RF|XA|CR)$/;

/**
 * Whether there may be a name in the pixels: the image says so (Burned In Annotation), or does not say and is of a kind that
 * often has, or is a secondary capture.
 */
export function mayBeBurnedIn(metadata: DicomJson): boolean {
  const burnedIn = metadata['00280301']?.Value?.[0];
  if (burnedIn === 'YES') return true;
  if (metadata['00280302']?.Value?.[0] === 'YES') return true;
  if (burnedIn === 'NO') return false;
  const sopClass = String(metadata['00080016']?.Value?.[0] ?? '');
  return (
    sopClass.startsWith('1.2.840.10008.5.1.4.1.1.7') || oftenBurnedIn.test(String(metadata['00080060']?.Value?.[0]))
  );
}
