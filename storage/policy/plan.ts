import { asLifeboatError } from '../../contract/errors.ts';
import type { PlannedRemoval } from '../../contract/retention.ts';
import { MANIFESTS } from '../keys.ts';
import { mergeEntries } from '../merge.ts';
import type { ObjectStore } from '../object-store.ts';
import { writtenAt } from '../replica/compare.ts';
import { type ManifestSegment, readManifestSegment } from '../segments.ts';
import { byStudy } from '../study-groups.ts';
import { patientOf } from '../verify-segments.ts';
import { isHeld } from './holds.ts';
import type { PacsConfirmed } from './pacs-confirmed.ts';
import { judgeStudy, type RetentionRule } from './rules.ts';
import { currentSegments } from './study-segments.ts';

export interface PlanOptions {
  store: ObjectStore;
  rules: readonly RetentionRule[];
  pacs: PacsConfirmed;
  signal?: AbortSignal;
  nowMs?: number;
  /** Studies looked at so far. */
  onProgress?(studies: number): void;
}

const DAY_MS = 86_400_000;

/**
 * What the rules would remove, study by study, and what they would remove but for something that forbids it. Changes nothing. A
 * study of which a segment cannot be read is kept. Throws STORE_UNAVAILABLE.
 */
export async function* planRemovals(options: PlanOptions): AsyncGenerator<PlannedRemoval> {
  const { store, rules, signal, nowMs = Date.now() } = options;
  if (rules.length === 0) return;
  const youngest = nowMs - Math.min(...rules.map(({ olderThanDays }) => olderThanDays)) * DAY_MS;
  let studies = 0;
  for await (const { items } of byStudy(store.list(MANIFESTS), MANIFESTS)) {
    if (signal?.aborted) return;
    options.onProgress?.(++studies);
    // the name of the newest segment tells that something of it came lately, without reading it
    if (Math.max(...items.map(({ key }) => writtenAt(key))) > youngest) continue;
    const planned = await planStudy(
      options,
      items.map(({ key }) => key),
    );
    if (planned) yield planned;
  }
}

async function planStudy({ store, rules, pacs, nowMs }: PlanOptions, keys: string[]): Promise<PlannedRemoval | null> {
  const segments = new Map<string, ManifestSegment>();
  try {
    for (const key of keys) segments.set(key, await readManifestSegment(store, key));
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    if (error.code === 'STORE_UNAVAILABLE') throw error;
    return null;
  }
  const entries = mergeEntries(currentSegments(segments).map(([, segment]) => segment.entries));
  const uid = entries[0]?.studyInstanceUID;
  if (uid === undefined) return null;
  const verdict = judgeStudy(rules, entries, pacs.confirmedByPacs(uid), nowMs);
  if (!('rule' in verdict)) return null;
  const held = await isHeld(store, uid);
  const { patientID, patientName, studyDate, studyDescription } = patientOf(entries.at(-1)!.attributes);
  return {
    studyInstanceUID: uid,
    patientID,
    patientName,
    studyDate,
    studyDescription,
    instances: entries.length,
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
    rule: verdict.rule.name,
    goes: verdict.goes && !held,
    because: held ? 'it is under legal hold' : verdict.because,
  };
}
