import type { DicomJson } from '../../storage/format/manifest.ts';
import { parsePersonName } from '../../storage/format/person-name.ts';
import { dateTime } from '../forward/original-attributes.ts';
import { type CorrectedPatient, SYSTEM } from './read-corrections.ts';

const OTHER_PATIENT_IDS = '00101002';
const ORIGINAL_ATTRIBUTES = '04000561';
const PATIENT_ID = '00100020';

/** The attributes that a correction puts in place of those received. */
export function correctedIdentity({ patientName, patientID, accessionNumber }: CorrectedPatient): DicomJson {
  return {
    '00100010': { vr: 'PN', Value: [parsePersonName(patientName)] },
    [PATIENT_ID]: { vr: 'LO', Value: [patientID] },
    ...(accessionNumber !== null && { '00080050': { vr: 'SH', Value: [accessionNumber] } }),
  };
}

/**
 * Attributes with the corrected patient. What was there before is an item of the Original Attributes Sequence (PS3.3
 * C.12.1.1.9), the last; the patient ID received is one of the Other Patient IDs too (PS3.3 C.2.3).
 */
export function correctedAttributes(attributes: DicomJson, correction: CorrectedPatient): DicomJson {
  const identity = correctedIdentity(correction);
  const before: DicomJson = {};
  for (const tag of Object.keys(identity)) if (attributes[tag]) before[tag] = attributes[tag];
  const record: DicomJson = {
    '04000550': { vr: 'SQ', Value: [before] },
    '04000562': { vr: 'DT', Value: [dateTime(correction.at)] },
    '04000563': { vr: 'LO', Value: [SYSTEM] },
    '04000564': { vr: 'LO' },
    '04000565': { vr: 'CS', Value: ['CORRECT'] },
  };
  const received = attributes[PATIENT_ID]?.Value?.[0];
  const known = attributes[OTHER_PATIENT_IDS]?.Value ?? [];
  const other: DicomJson = {
    [PATIENT_ID]: attributes[PATIENT_ID] ?? { vr: 'LO' },
    '00100022': { vr: 'CS', Value: ['TEXT'] },
  };
  const corrected: DicomJson = {
    ...attributes,
    ...identity,
    ...(received !== undefined &&
      received !== correction.patientID && { [OTHER_PATIENT_IDS]: { vr: 'SQ', Value: [...known, other] } }),
    [ORIGINAL_ATTRIBUTES]: { vr: 'SQ', Value: [...(attributes[ORIGINAL_ATTRIBUTES]?.Value ?? []), record] },
  };
  return Object.fromEntries(Object.entries(corrected).sort(([a], [b]) => (a < b ? -1 : 1)));
}
