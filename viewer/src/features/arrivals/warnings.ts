import type { ArrivalRefusal, ArrivalRow } from '../../../../contract/api.ts';

/** What one sender must know before anything is deleted on it. */
export interface SenderWarning {
  callingAE: string;
  /** Images that were refused and are not kept here. */
  missing: number;
  /** Transfers turned away as a whole or broken off since the last image that came from it, and the newest reason. */
  turnedAway: { times: number; lastAt: string; message: string } | null;
}

/** @param rows studies of the same time, for what came after a refusal */
export function warningsOf(refusals: readonly ArrivalRefusal[], rows: readonly ArrivalRow[]): SenderWarning[] {
  const lastFrom = new Map<string, string>();
  for (const row of rows)
    for (const ae of row.callingAE.split(', '))
      if (row.lastReceivedAt > (lastFrom.get(ae) ?? '')) lastFrom.set(ae, row.lastReceivedAt);
  const senders = new Map<string, { missing: Set<string>; away: ArrivalRefusal[] }>();
  for (const refusal of refusals) {
    if (refusal.cameLater) continue;
    const sender = senders.get(refusal.callingAE) ?? { missing: new Set<string>(), away: [] };
    senders.set(refusal.callingAE, sender);
    if (refusal.sopInstanceUID) sender.missing.add(refusal.sopInstanceUID);
    else if (refusal.at > (lastFrom.get(refusal.callingAE) ?? '')) sender.away.push(refusal);
  }
  return [...senders]
    .map(([callingAE, { missing, away }]) => {
      const newest = away.reduce<ArrivalRefusal | null>((a, b) => (a && a.at > b.at ? a : b), null);
      return {
        callingAE,
        missing: missing.size,
        turnedAway: newest && { times: away.length, lastAt: newest.at, message: newest.message },
      };
    })
    .filter(({ missing, turnedAway }) => missing > 0 || turnedAway !== null);
}

/** Whether a study may be deleted on the scanner, and why (not). */
export interface DeleteVerdict {
  safe: boolean;
  why: Exclude<StudyState, 'quiet'> | 'nothing' | 'refused' | 'notCommitted' | 'committed' | 'kept';
}

/** @param warnings of the senders of all rows */
export function mayDelete(row: ArrivalRow, state: StudyState, warnings: readonly SenderWarning[]): DeleteVerdict {
  if (state !== 'quiet') return { safe: false, why: state };
  const senders = row.callingAE.split(', ');
  if (warnings.some(({ callingAE }) => senders.includes(callingAE))) return { safe: false, why: 'refused' };
  const { commitment } = row;
  if (commitment && commitment.failed > 0) return { safe: false, why: 'notCommitted' };
  const stored = row.series.reduce((sum, series) => sum + series.stored, 0);
  if (stored === 0) return { safe: false, why: 'nothing' };
  return { safe: true, why: commitment && commitment.confirmed >= stored ? 'committed' : 'kept' };
}

/** `working`, `missing`: by what the scanner reported of its work (MPPS). */
export type StudyState = 'coming' | 'waiting' | 'quiet' | 'unknown' | 'working' | 'missing';
const quietMs = 60_000;

/** @param heard false while the router cannot be heard: what came since is not known */
export function stateOf(row: ArrivalRow, now: number, heard: boolean): StudyState {
  if (!heard) return 'unknown';
  if (now - new Date(row.lastReceivedAt).getTime() < quietMs) return 'coming';
  if (row.performed?.some(({ missing }) => missing > 0)) return 'missing';
  if (row.performed?.some(({ status }) => status === 'IN PROGRESS')) return 'working';
  return row.series.some((series) => series.inSpool > 0) ? 'waiting' : 'quiet';
}
