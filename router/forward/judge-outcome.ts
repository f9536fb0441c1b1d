import type { Outcome } from './sender.ts';

/**
 * What an answer means for the instance, or for all that go to this destination:
 * done: the peer has it. again: this instance later. person: this instance will not be taken as it is.
 * hold: nothing can be sent now, through no fault of this instance.
 */
export type Verdict = 'done' | 'again' | 'person' | 'hold';

/** After so many attempts in vain an instance is shown to a person instead of being tried for ever. */
export const MOST_ATTEMPTS = 8;

/** Statuses that say that the peer will never take this instance so (PS3.4 B.2.3, PS3.7 Annex C). */
const REFUSED_FOR_GOOD = new Set([0x0122, 0x0124, 0x0117, 0x0106, 0x0112, 0x0118]);

/** @param attempts so far, without this one */
export function judgeOutcome(result: Outcome, attempts: number): Verdict {
  if (result.outcome !== 'failed') return 'done';
  const { status } = result;
  if (status !== undefined) {
    // Out of resources: the peer says itself that it is a matter of time.
    if (status >= 0xa700 && status <= 0xa7ff) return 'again';
    const group = status & 0xf000;
    if (group === 0xa000 || group === 0xc000 || REFUSED_FOR_GOOD.has(status)) return 'person';
    return attempts + 1 < MOST_ATTEMPTS ? 'again' : 'person';
  }
  switch (result.error?.code) {
    case 'PEER_UNREACHABLE':
    case 'PEER_REJECTED':
    case 'STORE_UNAVAILABLE':
      return 'hold';
    case 'PEER_NO_CONTEXT':
    case 'OBJECT_DAMAGED':
    case 'OBJECT_NOT_FOUND':
    case 'DATASET_UNREADABLE':
    case 'NOT_ACCEPTABLE':
    case 'CANNOT_RENDER':
      return 'person';
    default:
      // The association broke over this instance; the next attempt is its own.
      return attempts + 1 < MOST_ATTEMPTS ? 'again' : 'person';
  }
}

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
const FIRST_HOLD_MS = 1_000;
const LONGEST_HOLD_MS = 60_000;

/** Doubling pause with a fifth of jitter, so that what failed together does not come back together. @param times so far, from 0 */
function backOff(first: number, longest: number, times: number, random: number): number {
  return Math.min(longest, first * 2 ** Math.min(times, 20)) * (0.8 + 0.4 * random);
}

/** ms until an instance is tried again. */
export function pauseAfter(attempts: number, random = Math.random()): number {
  return backOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, attempts, random);
}

/** ms until a destination is tried again. */
export function holdAfter(failures: number, random = Math.random()): number {
  return backOff(FIRST_HOLD_MS, LONGEST_HOLD_MS, failures, random);
}
