import type { HoldAnswer, HoldRow, LockState, LockVerdict, RetentionPlan } from '../../../contract/retention.ts';
import { formatAgo, formatBytes, formatCount, formatInstant } from './format.ts';

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
  planTitle: 'What may be removed',
  planState: ({ state, message, madeAt }: RetentionPlan) =>
    ({
      none: 'There are no rules, so nothing is ever removed. Rules are written into LIFEBOAT_RETENTION (storage/README.md).',
      never: 'A dry run shows what the rules would remove. It removes nothing.',
      running: 'The dry run is under way. It removes nothing.',
      done: `Dry run of ${formatInstant(madeAt ?? '')}; nothing was removed by it.`,
      failed: `The dry run cannot be made: ${message ?? ''}`,
    })[state],
  planRule: ({ name, olderThanDays, modalities, withoutProof }: RetentionPlan['rules'][number]) =>
    `${name}: ${modalities ? modalities.join(', ') : 'every modality'}, older than ${formatCount(olderThanDays)} days, ${withoutProof ? 'ALSO WHAT THE PACS HAS NOT CONFIRMED' : 'only what the PACS has confirmed'}`,
  planGoes: ({ studies, instances, bytes }: RetentionPlan['goes']) =>
    studies === 0
      ? 'Nothing would go.'
      : `${formatCount(studies)} ${studies === 1 ? 'study' : 'studies'} would go: ${formatCount(instances)} images, ${formatBytes(bytes)}.`,
  planKept: ({ studies }: RetentionPlan['keptBack']) =>
    studies === 0
      ? ''
      : `${formatCount(studies)} ${studies === 1 ? 'study is' : 'studies are'} kept although a rule is about ${studies === 1 ? 'it' : 'them'}.`,
  planApply: 'To remove them, on the router’s machine: lifeboat retention apply --yes',
  planMake: 'Make a dry run',
  planRunning: (n: number) => `${formatCount(n)} studies looked at`,
  planColumns: { patient: 'Patient', study: 'Study', images: 'Images', verdict: 'What the rules say' },
  planGoesBadge: 'would go',
  planKeptBadge: 'kept',
  planBecause: ({ rule, because }: { rule: string; because: string }) => `${rule}: ${because}`,
  planMore: (shown: number, all: number) => `${formatCount(shown)} of ${formatCount(all)} studies shown.`,
  holdTitle: 'Legal hold',
  held: ({ at, by, reason }: HoldRow) =>
    `This study is held since ${formatInstant(at)} by ${by}: ${reason}. No rule removes it.`,
  notHeld: 'This study is not held. With a hold no rule removes it, whatever its age.',
  holdReason: 'Reason, for instance a court’s file number',
  hold: 'Hold this study',
  release: 'End the hold',
  holdWas: { placed: 'held', released: 'released' } satisfies Record<HoldAnswer['history'][number]['state'], string>,
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
