/**
 * What scanners are told and tell while the RIS is away: the worklist kept here, entries by hand, performed procedure steps.
 *
 * GET    /api/schedule?from=&to=     → ScheduleAnswer (roles modality, admin); dates YYYYMMDD, default today
 * POST   /api/schedule               ScheduleCreate → ScheduleAnswer: an entry by hand, or of an unscheduled patient
 * PATCH  /api/schedule/ID            {fields: Partial<ScheduleFields>} → ScheduleAnswer: scanners are told this from now on
 * DELETE /api/schedule/ID            → ScheduleAnswer: changes by hand are taken back; an entry by hand is removed
 * POST   /api/schedule/unscheduled/ID {to} → ScheduleAnswer: says to which order or patient the study belongs
 * POST   /api/schedule/steps         {destination, action: 'retry' | 'skip'} → ScheduleAnswer: performed procedure steps that wait
 */

/** A worklist item in the words of a form; DICOM values: names `Family^Given`, dates YYYYMMDD, times HHMM. */
export interface ScheduleFields {
  patientName: string;
  patientID: string;
  issuerOfPatientID: string;
  patientBirthDate: string;
  patientSex: string;
  accessionNumber: string;
  studyInstanceUID: string;
  requestedProcedureID: string;
  requestedProcedure: string;
  modality: string;
  stationAETitle: string;
  startDate: string;
  startTime: string;
  description: string;
  stepID: string;
}

export interface ScheduleRow extends ScheduleFields {
  id: number;
  /** Where it is from: the RIS, a person's hand, a person for somebody nobody knew of. */
  origin: 'ris' | 'hand' | 'unscheduled';
  /** Names of the fields that were changed by hand; scanners are told these. */
  edited: (keyof ScheduleFields)[];
  editedBy: string;
  /** UTC ISO. */
  editedAt: string;
  /** UTC ISO of the last answer of the RIS that had it. */
  seenAt: string;
  /** What a scanner reported of it: '', IN PROGRESS, COMPLETED (no more told to scanners) or DISCONTINUED. */
  performed: string;
}

/** A study made without an order, to be matched to its patient later. */
export interface UnscheduledRow {
  id: number;
  patientName: string;
  /** Temporary. */
  patientID: string;
  /** Temporary. */
  accessionNumber: string;
  studyInstanceUID: string;
  modality: string;
  note: string;
  by: string;
  /** UTC ISO. */
  at: string;
  /** Images of it that are here. */
  images: number;
  resolvedAt: string | null;
  resolvedBy: string | null;
  /** Order or patient it belongs to, in the words of who decided. */
  resolvedTo: string | null;
}

export interface RisState {
  /** `AE@host:port`; null: none is configured. */
  address: string | null;
  state: 'answers' | 'away' | 'not asked yet';
  /** UTC ISO of the last complete answer: so old is what scanners are told. */
  answeredAt: string | null;
  /** UTC ISO since when it does not answer; null while it does. */
  awaySince: string | null;
  /** Why it counts as away; '' while it answers. */
  trouble: string;
}

/** What is owed to those who want to know of performed procedure steps. */
export interface StepsOwed {
  destination: string;
  waiting: number;
  /** A person has to look: the destination refuses these. */
  person: number;
  sent: number;
  /** Words of the last failure; '' when all is well. */
  trouble: string;
}

export interface ScheduleAnswer {
  ris: RisState;
  rows: ScheduleRow[];
  /** Open ones, and those resolved in the last 30 days. */
  unscheduled: UnscheduledRow[];
  steps: StepsOwed[];
}

export interface ScheduleCreate {
  /** true: somebody without an order; gets a temporary ID and accession number. */
  unscheduled: boolean;
  fields: Partial<ScheduleFields>;
  note?: string;
}

/** A performed procedure step (MPPS) of a study, as the scanner reported it. */
export interface PerformedStep {
  /** IN PROGRESS, COMPLETED or DISCONTINUED. */
  status: string;
  callingAE: string;
  /** UTC ISO of the last report. */
  at: string;
  /** Images that the scanner says it made. */
  images: number;
  /** Of these: not here. */
  missing: number;
}
