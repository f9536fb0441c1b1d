import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LifeboatError } from '../contract/errors.ts';
import { describeContent } from './describe-file.ts';
import { readFileMeta } from './format/file-meta.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { MANIFESTS, metadataKeyOf, OBJECTS } from './keys.ts';
import { contentId } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import type { Repaired } from './repair.ts';
import type { RepairSource } from './repair-sources.ts';
import { type DescribedInstance, readManifestSegment, readMetadataSegment, writeSegments } from './segments.ts';
import { checkSegment, type SegmentCheck } from './verify-segments.ts';

interface SegmentRepairParts {
  store: ObjectStore;
  sources: RepairSource[];
}

/**
 * Puts right a pair of segments. A source that has both whole gives its lines; otherwise metadata are made again from the objects
 * that the manifest names, or the manifest from the objects that nothing names any more. Either way a new pair is written that
 * `replaces` the damaged one, which stays where it is: no key is used twice.
 * @param key of the manifest segment
 */
export async function repairSegments(parts: SegmentRepairParts, key: string, scratch: string): Promise<Repaired> {
  const { store, sources } = parts;
  const path = `${key.slice(MANIFESTS.length).split('/', 2).join('/')}/`;
  const here = await checkSegment(store, key, path);
  if (here.manifest.state === 'not-checked' || here.metadata.state === 'not-checked')
    throw new LifeboatError('STORE_UNAVAILABLE', `: ${here.manifest.reason || here.metadata.reason}`);
  if (here.manifest.state === 'read' && here.metadata.state === 'read')
    return { source: 'itself', detail: 'both segments can be read and agree, nothing was written' };
  for (const source of sources) {
    const lines = source.store && (await wholePair(source.store, key, path));
    if (!lines) continue;
    const written = await writeSegments(store, lines[0]!.entry.studyInstanceUID, lines, [key]);
    return { source: source.description, detail: `${lines.length} lines written as ${written}, which replaces it` };
  }
  const lines =
    here.manifest.state === 'read'
      ? await metadataAgain(store, (await readManifestSegment(store, key)).entries, scratch)
      : await linesAgain(store, path, here, scratch);
  if (lines.length === 0) throw new LifeboatError('NOT_FOUND', 'No object is left from which its lines could be made.');
  const written = await writeSegments(store, lines[0]!.entry.studyInstanceUID, lines, [key]);
  return {
    source: 'the objects',
    detail: `${lines.length} lines made again and written as ${written}, which replaces it`,
  };
}

async function wholePair(store: ObjectStore, key: string, path: string): Promise<DescribedInstance[] | null> {
  const check = await checkSegment(store, key, path);
  if (check.manifest.state !== 'read' || check.metadata.state !== 'read' || check.manifest.misplaced) return null;
  const { entries } = await readManifestSegment(store, key);
  const texts = new Map(
    (await readMetadataSegment(store, metadataKeyOf(key))).map((line) => [contentId(line), line.json]),
  );
  return entries.map((entry) => ({ entry, metadata: texts.get(contentId(entry))! }));
}

async function metadataAgain(
  store: ObjectStore,
  entries: InstanceEntry[],
  scratch: string,
): Promise<DescribedInstance[]> {
  const lines: DescribedInstance[] = [];
  for (const entry of entries) {
    const file = join(scratch, 'object');
    const { body } = await store.stream(entry.key);
    await pipeline(body, createWriteStream(file));
    const { metadata } = await describeContent({ ...entry, path: file });
    lines.push({ entry, metadata: JSON.stringify(metadata) });
  }
  return lines;
}

/** Lines for the objects of the study that no readable manifest names. What only the lost one knew is not known any more. */
async function linesAgain(
  store: ObjectStore,
  path: string,
  lost: SegmentCheck,
  scratch: string,
): Promise<DescribedInstance[]> {
  const named = new Set<string>();
  for await (const { key } of store.list(MANIFESTS + path)) {
    if (key === lost.key) continue;
    const { entries, manifest } = await checkSegment(store, key, path);
    if (manifest.state === 'not-checked') throw new LifeboatError('STORE_UNAVAILABLE', `: ${manifest.reason}`);
    for (const entry of entries) named.add(entry.key);
  }
  const lines: DescribedInstance[] = [];
  for await (const { key } of store.list(OBJECTS + path))
    if (!named.has(key)) lines.push(await describeUnnamed(store, key, lost.key, join(scratch, 'object')));
  return lines;
}

async function describeUnnamed(
  store: ObjectStore,
  key: string,
  segment: string,
  file: string,
): Promise<DescribedInstance> {
  const { body } = await store.stream(key);
  await pipeline(body, createWriteStream(file));
  const handle = await open(file, 'r');
  const whole = createHash('sha256');
  const dataSet = createHash('sha256');
  let size = 0;
  let meta: ReturnType<typeof readFileMeta> = null;
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false, start: 0, highWaterMark: 1 << 20 })) {
      const bytes = chunk as Buffer;
      meta ??= readFileMeta(bytes);
      if (!meta) throw new LifeboatError('NOT_DICOM', `: ${key}`);
      whole.update(bytes);
      dataSet.update(bytes.subarray(Math.max(0, meta.dataSetOffset - size)));
      size += bytes.length;
    }
  } finally {
    await handle.close();
  }
  if (!meta) throw new LifeboatError('NOT_DICOM', `: ${key}`);
  const described = await describeContent({ path: file, size, ...meta });
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, sopClassUID = '' } = described;
  if (!studyInstanceUID || !seriesInstanceUID || !sopInstanceUID)
    throw new LifeboatError('DATASET_MISSING_UID', `: ${key}`);
  const entry: InstanceEntry = {
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    sopClassUID,
    transferSyntaxUID: meta.transferSyntaxUID,
    key,
    size,
    sha256: whole.digest('hex'),
    dataSetOffset: meta.dataSetOffset,
    dataSetSha256: dataSet.digest('hex'),
    receivedAt: new Date(ulidTime(segment)).toISOString(),
    source: { via: 'import' },
    ...(described.pixelData ? { pixelData: described.pixelData } : {}),
    attributes: described.attributes,
    notes: [
      ...described.notes,
      'this line was made again from the object: how it was received is not known, when only as far as the name of its lost segment tells',
    ],
  };
  return { entry, metadata: JSON.stringify(described.metadata) };
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** When a segment was written, ms, as its name tells. */
function ulidTime(key: string): number {
  const id = key.split('/').at(-1)!.slice(0, 10);
  let time = 0;
  for (const digit of id) time = time * 32 + CROCKFORD.indexOf(digit);
  return time;
}
