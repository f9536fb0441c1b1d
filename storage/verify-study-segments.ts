import { asLifeboatError } from '../contract/errors.ts';
import { MANIFESTS, METADATA, metadataKeyOf } from './keys.ts';
import { contentId } from './merge.ts';
import { type Removed, removedBy } from './policy/removed.ts';
import { inLanes, type StudyKeys } from './verify-reader.ts';
import { disagrees, type PartState, type SegmentCheck } from './verify-segments.ts';
import { isYoung, type StudyContext } from './verify-study.ts';
import type { Finding, FindingKind } from './verify-types.ts';

export interface ReadSegments {
  /** Those whose manifest segment is listed or lost; not those that another one replaces. */
  segments: SegmentCheck[];
  complete: boolean;
  /** What was removed rightfully, by signed records. */
  removed: Removed;
  findings: Finding[];
}

const SEGMENTS_IN_FLIGHT = 4;
const LOOKS = 3;

/** Reads a study's segments in pairs, manifest and metadata, and names what is wrong with them. */
export async function readSegments(context: StudyContext, keys: StudyKeys): Promise<ReadSegments> {
  const all = await readListed(context, keys);
  const replaced = new Set(all.flatMap(({ manifest }) => manifest.replaces));
  const segments = all.filter(({ key, manifest }) => !replaced.has(key) || manifest.state === 'read');
  const findings: Finding[] = [];
  let complete = true;
  for (const segment of segments) {
    if (replaced.has(segment.key)) continue;
    if (segment.manifest.state !== 'read') complete = false;
    findings.push(...findingsOf(segment));
  }
  const records = new Set(segments.flatMap(({ manifest }) => manifest.removals ?? []));
  const removed = await removedBy(context.store, records, context.removalKeys);
  // what came again after its removal is there like anything else
  for (const { key, entries } of segments) {
    if (replaced.has(key)) continue;
    for (const entry of entries) {
      removed.contents.delete(contentId(entry));
      removed.keys.delete(entry.key);
    }
  }
  findings.push(...findHidden(segments, removed));
  const lost = await findLost(context, keys, segments, replaced);
  if (lost.some(({ kind }) => kind === 'segment-missing' || kind === 'not-checked')) complete = false;
  return {
    segments: [...segments, ...lost.map(({ segment }) => segment)],
    complete,
    removed,
    findings: [...findings, ...lost.flatMap((one) => one.findings)],
  };
}

/** A segment that was listed and is gone was perhaps replaced meanwhile: the list is read again. */
async function readListed(context: StudyContext, keys: StudyKeys): Promise<SegmentCheck[]> {
  const read = new Map<string, SegmentCheck>();
  let listed = keys.manifests;
  for (let looks = 0; looks < LOOKS; looks++) {
    const wanted = listed.filter((key) => !read.has(key));
    const checks = await inLanes(wanted, SEGMENTS_IN_FLIGHT, (key) => context.reader.segment(key, keys.path));
    for (const check of checks) read.set(check.key, check);
    const replaced = new Set([...read.values()].flatMap(({ manifest }) => manifest.replaces));
    const vanished = [...read.values()].filter(
      ({ key, manifest }) => manifest.state === 'missing' && !replaced.has(key),
    );
    if (vanished.length === 0) break;
    listed = (await context.reader.list(keys.path)).manifests;
  }
  return [...read.values()];
}

const MANIFEST_KINDS: Record<Exclude<PartState, 'read'>, FindingKind> = {
  missing: 'segment-missing',
  truncated: 'segment-truncated',
  damaged: 'segment-damaged',
  'not-checked': 'not-checked',
};
const METADATA_KINDS: Record<Exclude<PartState, 'read'>, FindingKind> = {
  missing: 'metadata-missing',
  truncated: 'metadata-damaged',
  damaged: 'metadata-damaged',
  'not-checked': 'not-checked',
};

function findingsOf(segment: SegmentCheck): Finding[] {
  const { key, manifest, metadata } = segment;
  const findings: Finding[] = [];
  if (manifest.state !== 'read')
    findings.push({
      kind: MANIFEST_KINDS[manifest.state],
      key,
      text: `this manifest segment ${manifest.state === 'missing' ? 'is gone' : `cannot be read: ${manifest.reason}`}`,
    });
  if (manifest.misplaced)
    findings.push({ kind: 'segment-misplaced', key, text: `it belongs to the study ${manifest.misplaced}` });
  if (metadata.state === 'read') return findings;
  findings.push({
    kind: disagrees(segment) ? 'metadata-disagrees' : METADATA_KINDS[metadata.state],
    key: metadataKeyOf(key),
    text:
      metadata.state === 'missing'
        ? 'the metadata segment of this name is gone'
        : disagrees(segment)
          ? metadata.reason.slice('disagrees: '.length)
          : `this metadata segment cannot be read: ${metadata.reason}`,
  });
  return findings;
}

/** A reader may skip what is replaced: every line of it must be in what replaces it, or in a signed removal record. */
function findHidden(segments: SegmentCheck[], removed: Removed): Finding[] {
  const findings: Finding[] = [];
  for (const old of segments) {
    const replacing = segments.filter(({ manifest }) => manifest.replaces.includes(old.key));
    if (replacing.length === 0) continue;
    const lines = new Set(
      replacing.flatMap(({ entries }) => entries.map((entry) => `${entry.key} ${contentId(entry)}`)),
    );
    const hidden = old.entries.filter(
      (entry) => !lines.has(`${entry.key} ${contentId(entry)}`) && !removed.contents.has(contentId(entry)),
    );
    if (hidden.length === 0) continue;
    const refused = removed.refused[0] ? `; ${removed.refused[0].message.replace(/\.$/, '')}` : '';
    const text = `it replaces ${old.key} and lacks ${hidden.length} of its instances, first ${hidden[0]!.sopInstanceUID}${refused}`;
    findings.push({ kind: 'segment-hides', key: replacing[0]!.key, text });
  }
  return findings;
}

interface Lost {
  segment: SegmentCheck;
  kind?: FindingKind;
  findings: Finding[];
}

/**
 * Metadata segments without their manifest segment. Left by a writer that died between the two, they are harmless: their
 * contents were committed again. What no other segment names was in a manifest segment that is gone.
 */
async function findLost(
  context: StudyContext,
  keys: StudyKeys,
  segments: SegmentCheck[],
  replaced: Set<string>,
): Promise<Lost[]> {
  const listed = new Set([...keys.manifests, ...segments.map(({ key }) => key)]);
  const alone = keys.metadata
    .map((key) => MANIFESTS + key.slice(METADATA.length))
    .filter((key) => !listed.has(key) && !replaced.has(key));
  const named = new Set(segments.flatMap(({ entries }) => entries.map(contentId)));
  const lost: Lost[] = [];
  for (const key of alone) {
    const segment = await context.reader.segment(key, keys.path);
    const { manifest, metadata, contents } = segment;
    if (manifest.state === 'read' || (await isFresh(context, metadataKeyOf(key)))) continue;
    if (metadata.state === 'missing' && manifest.state === 'missing') continue;
    const unnamed = contents.filter((content) => !named.has(contentId(content)));
    if (manifest.state === 'missing' && metadata.state === 'read' && unnamed.length === 0) continue;
    if (manifest.state === 'not-checked' || metadata.state === 'not-checked') {
      const text = `the store did not answer: ${manifest.reason || metadata.reason}`;
      lost.push({ segment, kind: 'not-checked', findings: [{ kind: 'not-checked', key, text }] });
      continue;
    }
    const tells =
      unnamed.length > 0
        ? `its metadata segment tells of ${unnamed.length} instances that no other segment names, first ${unnamed[0]!.sopInstanceUID}`
        : 'its metadata segment is there and cannot be read';
    const findings: Finding[] = [{ kind: 'segment-missing', key, text: `this manifest segment is gone; ${tells}` }];
    if (metadata.state !== 'read')
      findings.push(...findingsOf({ ...segment, manifest: { ...manifest, state: 'read' } }));
    lost.push({ segment, kind: 'segment-missing', findings });
  }
  return lost;
}

async function isFresh(context: StudyContext, key: string): Promise<boolean> {
  try {
    return isYoung(context, (await context.store.head(key))?.modifiedMs);
  } catch (error) {
    // whether it is there was asked already; without its age it counts as old
    if (asLifeboatError(error).code === 'STORE_UNAVAILABLE') return false;
    throw error;
  }
}
