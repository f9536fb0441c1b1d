/**
 * What /api/retention answers, for administrators. Types only; times are UTC ISO.
 *
 * GET  /api/retention                    → RetentionAnswer
 * POST /api/retention/canary             → LockVerdict[]; the promise of the stores is tested at once
 * GET  /api/retention/plan               → RetentionPlan; POST makes it anew: nothing is removed by it
 * GET  /api/retention/holds              → HoldRow[]
 * GET  /api/retention/holds/UID          → HoldAnswer; POST {state: 'placed'|'released', reason} → HoldAnswer
 * POST /api/retention/alerts/ID/seen     → RetentionAnswer; a person has looked into it
 */

/**
 * - `kept`: the store refuses to delete what is locked and to shorten a lock
 * - `key-too-strong`: it does, but the router's key may end locks of mode GOVERNANCE
 * - `broken`: it promised a lock and let go all the same
 * - `no-lock`: locks are asked for and the bucket has none
 * - `versions`: nothing is locked; the bucket keeps versions, and the router's key may not delete these
 * - `off`: nothing is locked, and the router's key may delete
 * - `folder`: a folder cannot refuse deletion
 * - `not-checked`: no answer
 */
export type LockState =
  | 'kept'
  | 'key-too-strong'
  | 'broken'
  | 'no-lock'
  | 'versions'
  | 'off'
  | 'folder'
  | 'not-checked';

/** Whether a store keeps its promise not to delete, as last tried. */
export interface LockVerdict {
  role: 'store' | 'replica';
  /** Of the store, for people. */
  description: string;
  state: LockState;
  /** One sentence: what is. */
  text: string;
  /** One sentence: what to do; '' where nothing is to be done. */
  advice: string;
  /** What is written is locked so long; absent where nothing is. */
  lock?: { days: number; mode: 'GOVERNANCE' | 'COMPLIANCE' };
  checkedAt: string;
}

/** Images vanish or are written over, and nothing here does that. */
export interface MassChangeAlert {
  id: number;
  /** When the first of it was noticed. */
  since: string;
  at: string;
  count: number;
  /** One sentence. */
  text: string;
  /** null: nobody has looked into it yet. */
  seenAt: string | null;
  seenBy: string | null;
}

/** A study that a rule of retention wants to remove. */
export interface PlannedRemoval {
  studyInstanceUID: string;
  patientID: string;
  patientName: string;
  studyDate: string;
  studyDescription: string;
  instances: number;
  bytes: number;
  rule: string;
  /** False: something forbids it. */
  goes: boolean;
  /** Why it may go, or what forbids it. */
  because: string;
}

export interface RetentionPlan {
  /** running: it is being made. none: there are no rules, nothing is ever removed. */
  state: 'none' | 'never' | 'running' | 'done' | 'failed';
  madeAt: string | null;
  /** Why it failed. */
  message?: string;
  rules: { name: string; olderThanDays: number; modalities: string[] | null; withoutProof: boolean }[];
  studiesLookedAt: number;
  goes: { studies: number; instances: number; bytes: number };
  keptBack: { studies: number; instances: number; bytes: number };
  /** At most a hundred, those that go first. */
  examples: PlannedRemoval[];
}

/** A study that must not be removed. */
export interface HoldRow {
  studyInstanceUID: string;
  at: string;
  by: string;
  reason: string;
}

export interface HoldAnswer {
  held: HoldRow | null;
  /** Oldest first. */
  history: (HoldRow & { state: 'placed' | 'released' })[];
  /** What became of the store's own legal hold; absent where the store has none. */
  store?: string;
}

export interface RetentionAnswer {
  locks: LockVerdict[];
  /** Newest first; those that nobody has seen are open. */
  alerts: MassChangeAlert[];
}
