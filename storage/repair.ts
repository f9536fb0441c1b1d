import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { FindingRow, RepairRow } from '../contract/integrity.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { MANIFESTS, METADATA } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { repairSegments } from './repair-segments.ts';
import type { RepairSource } from './repair-sources.ts';
import type { StudyCache } from './study-cache.ts';
import { checkObject, type ObjectCheck } from './verify-hash.ts';

export interface RepairParts {
  store: ObjectStore;
  /** Entries of a study as its manifests tell them now. */
  entries: Pick<StudyCache, 'entries' | 'expire'>;
  catalogue?: Catalogue;
  /** Asked in this order. */
  sources: RepairSource[];
  /** Who repairs, for the record. */
  by: string;
}

const OBJECT_KINDS = ['flipped', 'truncated', 'grown', 'missing', 'swapped'];
const SEGMENT_KINDS = [
  'segment-missing',
  'segment-damaged',
  'segment-truncated',
  'metadata-missing',
  'metadata-damaged',
  'metadata-disagrees',
];

/** Whether a finding is about the bytes of one object. */
export function isObjectFinding(kind: string): boolean {
  return OBJECT_KINDS.includes(kind);
}

/** Whether `repair` knows what to do about a finding. */
export function isRepairable(kind: string): boolean {
  return OBJECT_KINDS.includes(kind) || SEGMENT_KINDS.includes(kind) || kind === 'store-only';
}

/**
 * Puts right what a finding names, and says what was done; never throws for what cannot be repaired. An object is overwritten
 * only by bytes that have its recorded SHA-256, and only when what is there now has not; nothing is deleted.
 */
export async function repair(parts: RepairParts, finding: FindingRow): Promise<RepairRow> {
  const { key, studyInstanceUID, sopInstanceUID, kind } = finding;
  const common = { by: parts.by, key, studyInstanceUID, sopInstanceUID, kind };
  const scratch = await mkdtemp(join(tmpdir(), 'lifeboat-repair-'));
  try {
    const { source, detail } = await work(parts, finding, scratch);
    return { ...common, at: new Date().toISOString(), source, outcome: 'repaired', detail };
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    const detail = error.code === 'INTERNAL' ? `${error.message} (${(error.cause as Error).message})` : error.message;
    return { ...common, at: new Date().toISOString(), source: '', outcome: 'failed', detail };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export interface Repaired {
  source: string;
  detail: string;
}

async function work(parts: RepairParts, finding: FindingRow, scratch: string): Promise<Repaired> {
  parts.entries.expire(finding.studyInstanceUID);
  if (OBJECT_KINDS.includes(finding.kind)) {
    const known = await parts.entries.entries(finding.studyInstanceUID);
    const entry = known.find(({ key }) => key === finding.key);
    if (!entry)
      throw new LifeboatError('NOT_FOUND', 'No readable manifest names this object; what it should be is not known.');
    return repairObject(parts, entry, join(scratch, 'object'));
  }
  if (SEGMENT_KINDS.includes(finding.kind)) {
    const key = finding.key.startsWith(METADATA) ? MANIFESTS + finding.key.slice(METADATA.length) : finding.key;
    return repairSegments(parts, key, scratch);
  }
  if (finding.kind === 'store-only' && parts.catalogue) {
    const entries = await parts.entries.entries(finding.studyInstanceUID);
    await parts.catalogue.apply(entries);
    return { source: 'the manifests', detail: `${entries.length} contents of the study brought into the catalogue` };
  }
  throw new LifeboatError('BAD_REQUEST', `A finding of this kind (${finding.kind}) cannot be repaired by itself.`);
}

/** Throws NOT_FOUND when no source has the right bytes, STORE_UNAVAILABLE when store or source do not answer. */
export async function repairObject(
  { store, sources }: Pick<RepairParts, 'store' | 'sources'>,
  entry: InstanceEntry,
  scratch: string,
): Promise<Repaired> {
  const before = await checkObject(store, entry.key);
  if (before.state === 'not-checked') throw new LifeboatError('STORE_UNAVAILABLE', `: ${before.reason}`);
  if (isRight(before, entry)) return { source: 'itself', detail: 'it is as recorded, nothing was written' };
  const silent: string[] = [];
  const unfit: string[] = [];
  for (const source of sources) {
    try {
      if (!(await source.fetch(entry, scratch))) continue;
    } catch (error) {
      const { code, message } = asLifeboatError(error);
      (code === 'NOT_FOUND' ? unfit : silent).push(`${source.description}: ${message}`);
      continue;
    }
    await store.putFile(entry.key, scratch, entry.size);
    const after = await checkObject(store, entry.key);
    if (!isRight(after, entry))
      throw new LifeboatError(
        'OBJECT_DAMAGED',
        `: it was written from ${source.description} and is not right afterwards`,
      );
    const was = before.state === 'missing' ? 'it was missing' : `it had ${before.size} bytes, SHA-256 ${before.sha256}`;
    return { source: source.description, detail: `${was}; ${entry.size} bytes written and read again` };
  }
  const asked = sources.map(({ description }) => description).join(', ') || 'no source was given';
  if (silent.length > 0) throw new LifeboatError('STORE_UNAVAILABLE', `: ${silent.join('; ')}`);
  const why = unfit.length > 0 ? `; ${unfit.join('; ')}` : '';
  throw new LifeboatError('NOT_FOUND', `No source has the right bytes (asked: ${asked})${why}.`);
}

function isRight(check: ObjectCheck, entry: InstanceEntry): boolean {
  return check.state === 'read' && check.size === entry.size && check.sha256 === entry.sha256;
}
