import type { ReconcileDecision } from '../../contract/reconcile.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ForwardState } from '../forward/forward-types.ts';
import type { StudyComparison } from './compare-study.ts';
import type { NewFinding } from './reconcile-state.ts';
import type { RemoteInstance } from './remote-archive.ts';

/** What can be put right without a person. */
export interface Mending {
  resend: InstanceEntry[];
  fetch: RemoteInstance[];
}

export interface StudyCase {
  comparison: StudyComparison;
  /** SOP Instance UIDs that no rule sends to this PACS. */
  notMeant: ReadonlySet<string>;
  /** The PACS listed everything that it has. */
  complete: boolean;
  /** Images received in the span: what is odd here alone is a matter of it only then. */
  received: number;
  peer: string;
  /** What the PACS last said of an image in the forwarding queue. */
  answerTo(entry: InstanceEntry): { state: ForwardState; message: string } | undefined;
  /** It is a destination of the forwarding. */
  canSend: boolean;
  /** Something may be done now. */
  mend: boolean;
  /** Why it did not send what it was asked for; '' when it did. */
  refused?: string;
}

const images = (n: number): string => (n === 1 ? '1 image' : `${n} images`);

/** What is wrong with a study, and what is done about it. */
export function judgeStudy(study: StudyCase): { findings: NewFinding[]; mending: Mending } {
  const { comparison, complete, received, peer, mend } = study;
  const findings: NewFinding[] = [];
  const mending: Mending = { resend: [], fetch: [] };
  const add = (
    kind: NewFinding['kind'],
    words: string,
    uids: readonly string[],
    possible: ReconcileDecision[],
    now = false,
  ) => findings.push({ kind, mending: now, words, uids, possible });

  const here = onlyHere(study);
  if (here) {
    findings.push(here.finding);
    mending.resend = here.resend;
  }
  if (comparison.onlyThere.length > 0) {
    if (mend) mending.fetch = comparison.onlyThere;
    const why = study.refused ? ` ${study.refused}` : '';
    const words = `${images(comparison.onlyThere.length)} that ${peer} has and Lifeboat lacks${mend ? ': being fetched' : ''}.${why}`;
    const uids = comparison.onlyThere.map(({ sopInstanceUID }) => sopInstanceUID);
    add('only-there', words, uids, ['fetch', 'accept'], mend);
  }
  if (!complete)
    add('unlisted', `${peer} stops short when it lists this study: what only it has cannot be known.`, [], ['accept']);
  else if (comparison.count !== '') add('count', `${comparison.count}.`, [], ['accept']);
  if (comparison.identity.length > 0) add('identity', `${comparison.identity.join('; ')}.`, [], ['resend', 'accept']);
  if (comparison.twice.length > 0)
    add('twice', `${peer} lists ${images(comparison.twice.length)} more than once.`, comparison.twice, ['accept']);
  if (received > 0 && comparison.contents.length > 0) {
    const words = `${images(comparison.contents.length)} came here with several contents under one UID; ${peer} keeps one of them.`;
    add('contents', words, comparison.contents, ['resend', 'accept']);
  }
  if (received > 0 && comparison.noOrder)
    add('no-order', 'The study has no accession number and names no request: it belongs to no order.', [], ['accept']);
  return { findings, mending };
}

function onlyHere(study: StudyCase): { finding: NewFinding; resend: InstanceEntry[] } | undefined {
  const { comparison, notMeant, peer, answerTo, canSend, mend } = study;
  const missing = comparison.onlyHere.filter(({ sopInstanceUID }) => !notMeant.has(sopInstanceUID));
  if (missing.length === 0) return undefined;
  const uids = missing.map(({ sopInstanceUID }) => sopInstanceUID);
  if (!canSend) {
    const words = `${images(missing.length)} that ${peer} lacks. Nothing is passed on to it: make it a destination, or send them by hand.`;
    return { finding: { kind: 'only-here', mending: false, words, uids, possible: ['accept'] }, resend: [] };
  }
  const groups = { waiting: 0, person: 0, skipped: 0, sent: 0, unknown: 0 };
  const said = new Set<string>();
  const resend: InstanceEntry[] = [];
  for (const entry of missing) {
    const answer = answerTo(entry);
    groups[answer?.state ?? 'unknown']++;
    if (answer?.state === 'person') said.add(answer.message);
    if (answer === undefined || answer.state === 'sent') resend.push(entry);
  }
  const reasons: string[] = [];
  if (groups.waiting > 0) reasons.push(`${groups.waiting} wait to be sent`);
  if (groups.unknown > 0) reasons.push(`${groups.unknown} were not owed to it`);
  if (groups.sent > 0) reasons.push(`of ${groups.sent} it said that it has them`);
  if (groups.person > 0) reasons.push(`${groups.person} it would not take (${[...said].slice(0, 3).join('; ')})`);
  if (groups.skipped > 0) reasons.push(`${groups.skipped} were given up by hand`);
  const now = groups.waiting > 0 || (mend && resend.length > 0);
  const words = `${images(missing.length)} that ${peer} lacks: ${reasons.join(', ')}.`;
  return {
    finding: { kind: 'only-here', mending: now && mend, words, uids, possible: ['resend', 'accept'] },
    resend: mend ? resend : [],
  };
}
