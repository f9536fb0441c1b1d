/**
 * Reconciliation with a PACS, by instance. Types only; times are UTC ISO. For administrators:
 *
 * GET  /api/reconcile                        → ReconcileAnswer
 * POST /api/reconcile                        ReconcileStart → ReconcileAnswer
 * GET  /api/reconcile/ID                     → ReconcileDetail
 * POST /api/reconcile/ID/again               → ReconcileDetail: everything of it is compared once more
 * POST /api/reconcile/ID/findings/FINDING    ReconcileDecide → ReconcileDetail
 * POST /api/reconcile/ID/sign                {note} → ReconcileDetail; 409 while something is open
 * GET  /api/reconcile/ID/pdf, /api/reconcile/ID/csv
 */

/**
 * `only-here`, `only-there`: images that the other side lacks. `count`: the PACS says it has another number than it lists.
 * `identity`: another patient or accession number. `twice`: listed more than once by the PACS. `contents`: several contents under
 * one UID here. `no-order`: the study belongs to no order. `unlisted`: the PACS could not be asked to the end.
 */
export type FindingKind =
  | 'only-here'
  | 'only-there'
  | 'count'
  | 'identity'
  | 'twice'
  | 'contents'
  | 'no-order'
  | 'unlisted';

/** `mending`: being put right by itself. `open`: a person has to decide. */
export type FindingState = 'mending' | 'mended' | 'open' | 'decided';

/** What a person can decide: send or fetch once more, or leave it as it is, for a reason. */
export type ReconcileDecision = 'resend' | 'fetch' | 'accept';

export interface ReconcileFinding {
  id: number;
  kind: FindingKind;
  state: FindingState;
  studyInstanceUID: string;
  patientName: string;
  patientID: string;
  /** YYYYMMDD, '' when unknown. */
  studyDate: string;
  /** How many it concerns; 0: the study as a whole. */
  instances: number;
  words: string;
  possible: ReconcileDecision[];
  decision: ReconcileDecision | null;
  by: string | null;
  at: string | null;
  why: string | null;
}

export interface ReconcileRun {
  id: number;
  peer: string;
  from: string;
  to: string;
  /** Why it was begun: an outage, or by whom. */
  reason: string;
  /** `queued`: waits for its turn. `held`: the PACS does not answer; it goes on by itself. */
  state: 'queued' | 'listing' | 'comparing' | 'mending' | 'held' | 'done';
  /** What it waits for, or what is to be known of its result. */
  message: string;
  begunAt: string;
  endedAt: string | null;
  studies: number;
  compared: number;
  /** Images received in its time, and of these: those meant for this PACS, those it lists, those it has committed to keep. */
  received: number;
  meant: number;
  delivered: number;
  /** null: it was not asked for storage commitment. */
  committed: number | null;
  open: number;
  mended: number;
  decided: number;
  signedBy: string | null;
  signedAt: string | null;
  signedNote: string | null;
}

export interface ReconcileAnswer {
  /** Newest first. */
  runs: ReconcileRun[];
  /** Whom one can reconcile with. */
  peers: string[];
}

export interface ReconcileStart {
  peer: string;
  from: string;
  to: string;
}

export interface ReconcileDetail {
  run: ReconcileRun;
  /** Open ones first; by patient. Not all when there are many. */
  findings: ReconcileFinding[];
  more: boolean;
}

export interface ReconcileDecide {
  decision: ReconcileDecision;
  why: string;
}
