import type { LockState, LockVerdict } from '../../../contract/retention.ts';
import { formatAgo } from './format.ts';

/** Sentences on what keeps images from being erased. */
export const retentionMessages = {
  lock: 'Can it be erased?',
  lockReplica: 'Can the second copy be erased?',
  lockStates: {
    kept: 'no, the store refuses',
    'key-too-strong': 'yes, with the router’s key',
    broken: 'yes, the store lets go',
    'no-lock': 'yes, nothing is locked',
    versions: 'no, every version is kept',
    off: 'yes, nothing is locked',
    folder: 'yes, it is a folder',
    'not-checked': 'not known at present',
  } satisfies Record<LockState, string>,
  lockTried: (verdict: LockVerdict) => `Tried ${formatAgo(verdict.checkedAt)}, and every night.`,
  lockTrying: 'being tried',
  tryNow: 'Try now',
};
