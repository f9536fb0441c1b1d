import type { FindingKind, FindingState, ReconcileDecision, ReconcileRun } from '../../../contract/reconcile.ts';
import { formatCount } from './format.ts';

const images = (n: number) => `${formatCount(n)} ${n === 1 ? 'image' : 'images'}`;

const kinds: Record<FindingKind, string> = {
  'only-here': 'only in Lifeboat',
  'only-there': 'only in the PACS',
  count: 'different counts',
  identity: 'another patient or order',
  twice: 'twice in the PACS',
  contents: 'several contents under one UID',
  'no-order': 'no order',
  unlisted: 'not listed to the end',
};
const findingStates: Record<FindingState, string> = {
  open: 'needs a person',
  mending: 'being put right',
  mended: 'put right',
  decided: 'decided',
};
const runStates: Record<ReconcileRun['state'], string> = {
  queued: 'waits',
  listing: 'lists studies',
  comparing: 'compares',
  mending: 'puts right',
  held: 'the PACS does not answer',
  done: 'done',
};
const decisions: Record<ReconcileDecision, string> = {
  resend: 'Send again',
  fetch: 'Fetch again',
  accept: 'Leave as it is',
};
const done: Record<ReconcileDecision, string> = {
  resend: 'sent again',
  fetch: 'fetched again',
  accept: 'left as it is',
};

/** Every sentence of the page on reconciliation. */
export const reconcileMessages = {
  lead: 'After each outage Lifeboat compares itself with the PACS, image by image, puts right what can be put right, and lists the rest. Decide on each finding, then sign off; the report is for the file.',
  none: 'Nothing was compared so far. It happens by itself after an outage; for any other time say when, below.',
  noPeers: 'There is nobody to compare with: set LIFEBOAT_PACS, or name a destination under Forwarding.',
  title: 'Compare with a PACS',
  peer: 'PACS',
  from: 'From',
  to: 'To',
  start: 'Compare',
  heads: ['When', 'PACS', 'State', 'Result', ''],
  open: 'Show',
  back: 'All comparisons',
  runStates,
  findingStates,
  kinds,
  decisions,
  signed: (by: string, when: string) => `signed off by ${by}, ${when}`,
  notSigned: 'not signed off',
  span: (from: string, to: string) => `${from} to ${to}`,
  progress: (compared: number, studies: number) =>
    `${formatCount(compared)} of ${formatCount(studies)} studies compared`,
  received: 'received here',
  delivered: 'listed by the PACS',
  committed: 'committed by the PACS',
  openCount: 'open',
  notAsked: 'not asked for',
  mended: (n: number) => `${formatCount(n)} put right by itself`,
  decided: (n: number) => `${formatCount(n)} decided by a person`,
  findings: 'Findings',
  noFindings: 'Nothing was found: both sides agree.',
  findingHeads: ['Patient', 'What', 'State', 'Decision'],
  instances: images,
  why: 'Why (it stands in the report)',
  decision: (what: ReconcileDecision, by: string, when: string, why: string) =>
    `${done[what]} by ${by}, ${when}: ${why}`,
  notAll: 'There are more; the CSV file has all.',
  pdf: 'Report as PDF',
  csv: 'Everything as CSV',
  again: 'Compare once more',
  sign: 'Sign off',
  note: 'Note (optional)',
  signFirst: (n: number) =>
    `${n === 1 ? 'One finding is' : `${formatCount(n)} findings are`} open: decide on each, then sign off.`,
  openStudy: 'Open the study',
};
