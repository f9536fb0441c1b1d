/**
 * What /api/retention answers, for administrators. Types only; times are UTC ISO.
 *
 * GET  /api/retention                    → RetentionAnswer
 * POST /api/retention/canary             → LockVerdict[]; the promise of the stores is tested at once
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

export interface RetentionAnswer {
  locks: LockVerdict[];
  /** Newest first; those that nobody has seen are open. */
  alerts: MassChangeAlert[];
}
