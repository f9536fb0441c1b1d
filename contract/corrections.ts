/**
 * Corrections of a study's patient made here, while the PACS is away or after it: an emergency patient who has a name now, two
 * records of one person. The archive keeps what was received; images go out with the correction, which says what it changed
 * (Original Attributes Sequence, PS3.3 C.12.1.1.9). For administrators:
 *
 * GET    /api/corrections        → CorrectionsAnswer
 * POST   /api/corrections        CorrectionCreate → CorrectionsAnswer
 * DELETE /api/corrections/STUDY  {why} → CorrectionsAnswer: taken back; what was sent so far stays as it was sent
 */
export interface CorrectionCreate {
  /** One study, or all studies that have this patient ID. */
  studyInstanceUID?: string;
  mergeFromPatientID?: string;
  /** DICOM PN, e.g. `Doe^Jane`. */
  patientName: string;
  patientID: string;
  /** Absent: stays as it is. */
  accessionNumber?: string;
  why: string;
}

export interface CorrectionRow {
  studyInstanceUID: string;
  patientName: string;
  patientID: string;
  accessionNumber: string | null;
  original: { patientName: string; patientID: string; accessionNumber: string };
  by: string;
  /** UTC ISO. */
  at: string;
  why: string;
  /** Whether each PACS has it: images owed and sent, and what it says of the patient when it is asked. */
  destinations: { name: string; owed: number; sent: number; confirmedAt: string | null; says: string }[];
}

export interface CorrectionsAnswer {
  /** Newest first. */
  rows: CorrectionRow[];
}
