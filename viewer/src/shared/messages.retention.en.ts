import type { LockState, LockVerdict } from '../../../contract/retention.ts';
import { formatAgo, formatCount, formatInstant } from './format.ts';

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
  massChangeBanner: ({ count, since }: { count: number; since: string }) =>
    `${formatCount(count)} images were deleted or written over in the store since ${formatInstant(since)}, and nothing here does that. Look at the page Integrity now.`,
  massChange: 'Vanishing images',
  massChangeNone: 'none',
  massChangeHint: 'The store is looked through all the time for images that are deleted or written over.',
  massChangeCount: (n: number) => `${formatCount(n)} deleted or written over`,
  massChangeSince: (iso: string) => `Noticed since ${formatInstant(iso)}.`,
  massChangeDo:
    'If nobody here did this: take the router’s access key away at the store, then follow “After an attack” in storage/README.md (lifeboat restore-versions).',
  massChangeSeen: 'I have looked into it',
  massChangeLast: (iso: string, by: string) => `Last alert: ${formatInstant(iso)}, looked into by ${by}.`,
};
