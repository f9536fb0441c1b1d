import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import { FORMAT_VERSION, type InstanceEntry } from './format/manifest.ts';
import { manifestKey, metadataKeyOf, ulid } from './keys.ts';
import type { ObjectStore } from './object-store.ts';

const zip = promisify(gzip);
const unzip = promisify(gunzip);
/** A segment is one study's batch; nothing honest expands beyond this. */
const MAX_SEGMENT_BYTES = 1 << 30;

/** First line of every segment. */
export interface SegmentHeader {
  lifeboat: 'manifest' | 'metadata';
  formatVersion: number;
  studyInstanceUID: string;
  createdAt: string;
  /** Lines that follow. */
  count: number;
  /** Keys of manifest segments whose lines are all in this one: a reader of this one may skip them. */
  replaces?: string[];
  /** Keys of signed removal records: lines of replaced segments that are named there and lack here were removed rightfully. */
  removals?: string[];
}

const headerShape = z.object({
  lifeboat: z.enum(['manifest', 'metadata']),
  formatVersion: z.number().int().positive(),
  studyInstanceUID: z.string(),
  createdAt: z.string(),
  count: z.number().int().nonnegative(),
  replaces: z.array(z.string()).optional(),
  removals: z.array(z.string()).optional(),
});

const entryShape = z.looseObject({
  studyInstanceUID: z.string(),
  seriesInstanceUID: z.string(),
  sopInstanceUID: z.string(),
  key: z.string(),
  size: z.number(),
  sha256: z.string(),
  dataSetSha256: z.string(),
  receivedAt: z.string(),
  attributes: z.record(z.string(), z.unknown()),
});

/** One instance as a batch carries it: its manifest line and the JSON text of its full metadata. */
export interface DescribedInstance {
  entry: InstanceEntry;
  /** DICOM JSON of the whole data set without bulk values, serialised. */
  metadata: string;
}

/** One line of a metadata segment; `json` is kept as text, so that answering a query never parses it. */
export interface MetadataText {
  seriesInstanceUID: string;
  sopInstanceUID: string;
  dataSetSha256: string;
  json: string;
}

export interface ManifestSegment {
  header: SegmentHeader;
  entries: InstanceEntry[];
}

/**
 * Writes the two segments of one study and batch, metadata first: whoever finds the manifest segment finds its metadata.
 * Returns the key of the manifest segment.
 */
export async function writeSegments(
  store: ObjectStore,
  studyInstanceUID: string,
  instances: DescribedInstance[],
  replaces?: string[],
  removals?: string[],
): Promise<string> {
  const key = manifestKey(studyInstanceUID, ulid());
  const common = {
    formatVersion: FORMAT_VERSION,
    studyInstanceUID,
    createdAt: new Date().toISOString(),
    count: instances.length,
    ...(replaces?.length ? { replaces } : {}),
    ...(removals?.length ? { removals } : {}),
  };
  const metadata = [JSON.stringify({ lifeboat: 'metadata', ...common })];
  const manifest = [JSON.stringify({ lifeboat: 'manifest', ...common })];
  for (const { entry, metadata: text } of instances) {
    metadata.push(metadataLine(entry, text));
    manifest.push(JSON.stringify(entry));
  }
  const [packedMetadata, packedManifest] = await Promise.all([pack(metadata), pack(manifest)]);
  await store.put(metadataKeyOf(key), packedMetadata);
  await store.put(key, packedManifest);
  return key;
}

/** Throws MANIFEST_DAMAGED, or what the store says. */
export async function readManifestSegment(store: ObjectStore, key: string): Promise<ManifestSegment> {
  const { header, lines } = await readLines(store, key, 'manifest');
  return { header, entries: lines.map((line) => parseEntry(line, key)) };
}

/** Throws MANIFEST_DAMAGED, or what the store says. */
export async function readMetadataSegment(store: ObjectStore, key: string): Promise<MetadataText[]> {
  const { lines } = await readLines(store, key, 'metadata');
  return lines.map((line) => parseMetadata(line, key));
}

function metadataLine(entry: InstanceEntry, json: string): string {
  const { seriesInstanceUID, sopInstanceUID, dataSetSha256 } = entry;
  return `${JSON.stringify({ seriesInstanceUID, sopInstanceUID, dataSetSha256 }).slice(0, -1)},"json":${json}}`;
}

async function pack(lines: string[]): Promise<Buffer> {
  return zip(`${lines.join('\n')}\n`, { level: 3 });
}

async function readLines(
  store: ObjectStore,
  key: string,
  kind: SegmentHeader['lifeboat'],
): Promise<{ header: SegmentHeader; lines: string[] }> {
  const packed = await store.get(key);
  let text: string;
  try {
    text = (await unzip(packed, { maxOutputLength: MAX_SEGMENT_BYTES })).toString('utf8');
  } catch (error) {
    throw damaged(key, 'it does not unpack', error);
  }
  const [first, ...lines] = text.split('\n');
  if (lines.pop() !== '') throw damaged(key, 'its last line is cut off');
  let header: SegmentHeader;
  try {
    header = headerShape.parse(JSON.parse(first!));
  } catch (error) {
    throw damaged(key, 'its first line is no header', error);
  }
  if (header.lifeboat !== kind) throw damaged(key, `it is a ${header.lifeboat} segment`);
  if (header.formatVersion > FORMAT_VERSION) throw damaged(key, `its format version ${header.formatVersion} is newer`);
  if (header.count !== lines.length) throw damaged(key, `it has ${lines.length} lines of ${header.count}`);
  return { header, lines };
}

function parseEntry(line: string, key: string): InstanceEntry {
  try {
    const entry: unknown = JSON.parse(line);
    // the object itself, not zod's copy: members of later versions and their order stay as they were written
    entryShape.parse(entry);
    return entry as InstanceEntry;
  } catch (error) {
    throw damaged(key, 'a line is no entry', error);
  }
}

function parseMetadata(line: string, key: string): MetadataText {
  // our own writer puts "json" last; an unescaped quote cannot be inside a string, so the first match is the member
  const at = line.indexOf(',"json":');
  try {
    const head: unknown = JSON.parse(at < 0 ? line : `${line.slice(0, at)}}`);
    const known = z
      .looseObject({ seriesInstanceUID: z.string(), sopInstanceUID: z.string(), dataSetSha256: z.string() })
      .parse(head);
    const json = at < 0 ? JSON.stringify(known.json) : line.slice(at + 8, -1);
    return { ...known, json };
  } catch (error) {
    throw damaged(key, 'a line is no metadata', error);
  }
}

function damaged(key: string, why: string, cause?: unknown): LifeboatError {
  return new LifeboatError('MANIFEST_DAMAGED', `: ${key}: ${why}`, { cause });
}

/** True for the errors that mean "no answer", as opposed to "not there" or "broken". */
export function isAway(error: unknown): boolean {
  return asLifeboatError(error).code === 'STORE_UNAVAILABLE';
}
