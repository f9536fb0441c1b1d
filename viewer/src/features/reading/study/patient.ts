import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { formatPersonName } from '../../../shared/format.ts';
import { textOf } from './dicom-json.ts';

/** What tells one patient from another. Dates as in the data set, '' where it says nothing. */
export interface PatientIdentity {
  patientID: string;
  issuerOfPatientID: string;
  patientBirthDate: string;
}

export function identityOf(attributes: DicomJson): PatientIdentity {
  return {
    patientID: textOf(attributes, '00100020'),
    issuerOfPatientID: textOf(attributes, '00100021'),
    patientBirthDate: textOf(attributes, '00100030'),
  };
}

/** Same ID is the same patient only within one issuer; where no issuer is known the birth date must agree as well. */
export function samePatient(a: PatientIdentity, b: PatientIdentity): boolean {
  if (a.patientID !== b.patientID || a.issuerOfPatientID !== b.issuerOfPatientID) return false;
  if (a.issuerOfPatientID !== '') return true;
  return !a.patientBirthDate || !b.patientBirthDate || a.patientBirthDate === b.patientBirthDate;
}

/** Name and ID, for a sentence. */
export function patientText(attributes: DicomJson): string {
  const name = formatPersonName(textOf(attributes, '00100010')) || '—';
  const id = textOf(attributes, '00100020');
  return id ? `${name} (${id})` : name;
}
