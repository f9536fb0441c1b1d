/** Object lock of S3: which objects are locked at their writing, for how long, and in which words that is said to the store. */
export const LOCK_MODES = ['GOVERNANCE', 'COMPLIANCE'] as const;
export type LockMode = (typeof LOCK_MODES)[number];

export interface ObjectLock {
  /** From the writing of each object on. */
  days: number;
  /** GOVERNANCE: a key with a special permission may end it; COMPLIANCE: nobody may. */
  mode: LockMode;
}

const DAY_MS = 86_400_000;
/** What cannot be made anew from anything else. Index and viewer of lifeboat mode change and can be published again. */
const LOCKED = /^(objects|manifests|metadata|seals|removals|holds)\/|^lifeboat\.json$/;

export function isLockedKey(key: string): boolean {
  return LOCKED.test(key);
}

/** Until when something written now is locked: UTC ISO without fractions, as S3 wants it. */
export function retainUntil(days: number, nowMs = Date.now()): string {
  return new Date(nowMs + days * DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Headers of a PUT that writes a locked object. */
export function lockHeaders({ mode, days }: ObjectLock, nowMs = Date.now()): Record<string, string> {
  return { 'x-amz-object-lock-mode': mode, 'x-amz-object-lock-retain-until-date': retainUntil(days, nowMs) };
}
