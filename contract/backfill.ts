/**
 * The history, fetched from the main PACS before it is needed; and how much of it is here.
 *
 * admin only:
 * GET  /api/backfill        → BackfillStatus
 * POST /api/backfill        BackfillAction → BackfillStatus
 * radiologist, admin:
 * GET  /api/readiness?days= → ReadinessAnswer: the lists of today and tomorrow, and the last N days (default 7)
 */

/** What is to be fetched, and how. */
export interface BackfillPlan {
  /** `dimse`: C-FIND and C-MOVE to us. `get`: C-FIND and C-GET. `web`: QIDO-RS and WADO-RS. `folder`: files below `folder`. */
  via: 'dimse' | 'get' | 'web' | 'folder';
  /** Study dates, YYYYMMDD inclusive. */
  from: string;
  to: string;
  /** Empty: all, a day at a time; else each of them a day at a time. */
  modalities: string[];
  /** Days newest or oldest first; or one modality after the other in their order, newest day first. */
  order: 'newest' | 'oldest' | 'modality';
  /** Local `HH:MM-HH:MM` in which to work; '' : always. */
  window: string;
  /** Images a second at most; 0: no limit. */
  rate: number;
  /** Studies at once. */
  parallel: number;
  /** Absolute, on the router's machine. */
  folder?: string;
}

export interface BackfillProblem {
  studyInstanceUID: string;
  patientName: string;
  patientID: string;
  /** YYYYMMDD */
  studyDate: string;
  /** Images the PACS lists, and of these those here; null: not known. */
  expected: number | null;
  here: number | null;
  attempts: number;
  reason: string;
}

export interface BackfillStatus {
  /** No plan: `none`. `done`: all that could be fetched is here. */
  state: 'none' | 'running' | 'paused' | 'done';
  plan: BackfillPlan | null;
  /** Where it can come from. */
  sources: BackfillPlan['via'][];
  /** Why it does nothing just now; '' while it works. */
  waitsFor: string;
  /** Queries (days, or days and modalities), and of these those asked. */
  slices: number;
  slicesDone: number;
  /** The last day asked for, YYYYMMDD; null: none yet. */
  at: string | null;
  /** Studies known of so far. */
  studies: number;
  studiesDone: number;
  studiesFailed: number;
  /** Files, for a folder. */
  images: number;
  imagesDone: number;
  /** Images a second while it works, over the last minutes; null: too early to tell. */
  ratePerS: number | null;
  /** UTC ISO, about; null: cannot be told. */
  finishedAt: string | null;
  /** UTC ISO. */
  begunAt: string | null;
  endedAt: string | null;
  /** Studies fetched ahead of all others for patients on the worklist, and of these those here. */
  priors: number;
  priorsDone: number;
  /** The first 200. */
  problems: BackfillProblem[];
}

export type BackfillAction =
  | { action: 'start'; plan: Partial<BackfillPlan> }
  | { action: 'pause' | 'resume' | 'retry' };

export type Readiness = 'complete' | 'partial' | 'missing' | 'unknown';

export interface ReadinessStudy {
  studyInstanceUID: string;
  /** YYYYMMDD */
  studyDate: string;
  modalities: string[];
  description: string;
  /** Images on the PACS when it was last asked; null: it did not say. */
  expected: number | null;
  here: number;
  state: Readiness;
  /** Why it is not complete, in one sentence; '' when it is. */
  reason: string;
}

/** A patient on a list. */
export interface ReadinessPatient {
  patientName: string;
  patientID: string;
  /** Appointments, `YYYYMMDDHHMM modality description`. */
  appointments: { starts: string; modality: string; description: string; stationAETitle: string }[];
  state: Readiness;
  reason: string;
  studies: ReadinessStudy[];
  /** UTC ISO when the PACS was last asked for this patient; null: never. */
  askedAt: string | null;
}

export interface ReadinessList {
  /** YYYYMMDD */
  day: string;
  patients: ReadinessPatient[];
}

/** Studies of one past day. */
export interface ReadinessDay {
  day: string;
  studies: number;
  complete: number;
  partial: number;
  missing: number;
  images: number;
  imagesHere: number;
  askedAt: string | null;
  /** Those that are not complete, the first 50. */
  open: (ReadinessStudy & { patientName: string; patientID: string })[];
}

export interface ReadinessAnswer {
  /** False: no PACS is configured, nothing can be compared. */
  possible: boolean;
  /** UTC ISO of the making. */
  at: string;
  /** '' or why the PACS cannot be asked now; counts are then as old as they say. */
  trouble: string;
  lists: ReadinessList[];
  /** Newest first. */
  days: ReadinessDay[];
}
