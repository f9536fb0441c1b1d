import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { Outcome } from './sender.ts';

const element = z.object({ Value: z.array(z.unknown()).optional() });
const dataSet = z.record(z.string(), element);

const FAILED_SOP_SEQUENCE = '00081198';
const REFERENCED_SOP_SEQUENCE = '00081199';
const REFERENCED_SOP_INSTANCE_UID = '00081155';
const WARNING_REASON = '00081196';
const FAILURE_REASON = '00081197';

/**
 * Per instance what a Store Instances Response (PS3.18 Annex I.2, DICOM JSON) says; undefined when the body is none. An instance
 * that it lists as stored and as failed counts as failed.
 */
export function outcomesOf(body: Buffer, sopInstanceUIDs: readonly string[]): Map<string, Outcome> | undefined {
  const answer = parsed(body);
  if (!answer || !(FAILED_SOP_SEQUENCE in answer || REFERENCED_SOP_SEQUENCE in answer)) return undefined;
  const wanted = new Set(sopInstanceUIDs);
  const outcomes = new Map<string, Outcome>();
  for (const item of itemsOf(answer, REFERENCED_SOP_SEQUENCE)) {
    const uid = textOf(item, REFERENCED_SOP_INSTANCE_UID);
    if (!wanted.has(uid)) continue;
    const warning = numberOf(item, WARNING_REASON);
    outcomes.set(
      uid,
      warning
        ? { outcome: 'warning', status: warning, message: `sent, but the service has a warning (${shown(warning)})` }
        : { outcome: 'sent', status: 0, message: 'sent' },
    );
  }
  for (const item of itemsOf(answer, FAILED_SOP_SEQUENCE)) {
    const uid = textOf(item, REFERENCED_SOP_INSTANCE_UID);
    if (!wanted.has(uid)) continue;
    const status = numberOf(item, FAILURE_REASON) ?? 0x0110;
    const error = new LifeboatError('PEER_FAILED_STATUS', `The service answered ${shown(status)}.`);
    outcomes.set(uid, { outcome: 'failed', status, message: error.message, error });
  }
  return outcomes;
}

const shown = (status: number) => `0x${status.toString(16).padStart(4, '0').toUpperCase()}`;

function parsed(body: Buffer): z.output<typeof dataSet> | undefined {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    // Some services answer with an array of one.
    const result = dataSet.safeParse(Array.isArray(json) ? json[0] : json);
    return result.data;
  } catch {
    return undefined;
  }
}

function itemsOf(answer: z.output<typeof dataSet>, tag: string): z.output<typeof dataSet>[] {
  return (answer[tag]?.Value ?? []).flatMap((item) => {
    const one = dataSet.safeParse(item);
    return one.success ? [one.data] : [];
  });
}

function textOf(item: z.output<typeof dataSet>, tag: string): string {
  return String(item[tag]?.Value?.[0] ?? '');
}

function numberOf(item: z.output<typeof dataSet>, tag: string): number | undefined {
  const value = Number(item[tag]?.Value?.[0]);
  return Number.isFinite(value) && value !== 0 ? value : undefined;
}
