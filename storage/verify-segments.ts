import { asLifeboatError } from '../contract/errors.ts';
import type { DicomJson, InstanceEntry } from './format/manifest.ts';
import { metadataKeyOf, objectKey, studyPath } from './keys.ts';
import { contentId } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import { type MetadataText, readManifestSegment, readMetadataSegment, type SegmentHeader } from './segments.ts';
import type { FindingPatient } from './verify-types.ts';

/** A manifest line reduced to what checking needs. */
export interface CheckedEntry
  extends Pick<
    InstanceEntry,
    | 'studyInstanceUID'
    | 'seriesInstanceUID'
    | 'sopInstanceUID'
    | 'key'
    | 'size'
    | 'sha256'
    | 'dataSetSha256'
    | 'receivedAt'
  > {
  /** The key that this content must have; absent when it has it. */
  rightKey?: string;
  /** When its segment says it was written. */
  writtenAt: string;
}

export type PartState = 'read' | 'missing' | 'truncated' | 'damaged' | 'not-checked';

/** What a manifest segment and the metadata segment of the same name turned out to be. */
export interface SegmentCheck {
  key: string;
  manifest: {
    state: PartState;
    reason: string;
    misplaced?: string;
    createdAt?: string;
    replaces: string[];
    /** Keys of removal records. */
    removals?: string[];
  };
  metadata: { state: PartState; reason: string };
  entries: CheckedEntry[];
  /** What the metadata segment tells of, also where the manifest segment is lost. */
  contents: { seriesInstanceUID: string; sopInstanceUID: string; dataSetSha256: string }[];
  patient?: FindingPatient;
}

/**
 * Reads both segments of a name and compares them.
 * @param path `<hh>/<study>/` in which they lie
 */
export async function checkSegment(store: ObjectStore, key: string, path: string): Promise<SegmentCheck> {
  const check: SegmentCheck = {
    key,
    manifest: { state: 'read', reason: '', replaces: [] },
    metadata: { state: 'read', reason: '' },
    entries: [],
    contents: [],
  };
  try {
    const { header, entries } = await readManifestSegment(store, key);
    check.manifest.createdAt = header.createdAt;
    check.manifest.replaces = header.replaces ?? [];
    if (header.removals) check.manifest.removals = header.removals;
    check.entries = entries.map((entry) => reduce(entry, header.createdAt));
    check.patient = entries.length > 0 ? patientOf(entries.at(-1)!.attributes) : undefined;
    const misplaced = misplacedIn(path, header, entries);
    if (misplaced) check.manifest.misplaced = misplaced;
  } catch (error) {
    Object.assign(check.manifest, stateOf(error));
  }
  try {
    const lines = await readMetadataSegment(store, metadataKeyOf(key));
    check.contents = lines.map(({ seriesInstanceUID, sopInstanceUID, dataSetSha256 }) => ({
      seriesInstanceUID,
      sopInstanceUID,
      dataSetSha256,
    }));
    const wrong = readDocuments(lines, check);
    const differs = check.manifest.state === 'read' ? difference(check.entries, check.contents) : '';
    if (wrong || differs) check.metadata = { state: 'damaged', reason: `disagrees: ${wrong || differs}` };
  } catch (error) {
    check.metadata = stateOf(error);
  }
  return check;
}

/** True where the metadata segment can be read and tells of other instances than the manifest does. */
export function disagrees({ metadata }: SegmentCheck): boolean {
  return metadata.state === 'damaged' && metadata.reason.startsWith('disagrees: ');
}

function reduce(entry: InstanceEntry, writtenAt: string): CheckedEntry {
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, key, size, sha256, dataSetSha256, receivedAt } = entry;
  const right = objectKey(entry);
  return {
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    key,
    size,
    sha256,
    dataSetSha256,
    receivedAt,
    writtenAt,
    ...(key === right ? {} : { rightKey: right }),
  };
}

function misplacedIn(path: string, header: SegmentHeader, entries: InstanceEntry[]): string {
  const named = new Set([header.studyInstanceUID, ...entries.map((entry) => entry.studyInstanceUID)]);
  for (const uid of named) if (`${studyPath(uid)}/` !== path) return uid;
  return '';
}

/** Parses each document, keeps a patient where none is known yet. @returns why one is not of its line, or '' */
function readDocuments(lines: MetadataText[], check: SegmentCheck): string {
  for (const { sopInstanceUID, json } of lines) {
    let document: DicomJson;
    try {
      document = JSON.parse(json) as DicomJson;
    } catch {
      return `the document of ${sopInstanceUID} is no JSON`;
    }
    const own = document['00080018']?.Value?.[0];
    if (typeof own === 'string' && own.trim() !== sopInstanceUID.trim())
      return `the document of ${sopInstanceUID} is that of ${own}`;
    check.patient ??= patientOf(document);
  }
  return '';
}

function difference(entries: CheckedEntry[], contents: SegmentCheck['contents']): string {
  const named = new Set(entries.map(contentId));
  const told = new Set(contents.map(contentId));
  for (const entry of entries)
    if (!told.has(contentId(entry))) return `it does not tell of ${entry.sopInstanceUID}, which its manifest names`;
  for (const content of contents)
    if (!named.has(contentId(content)))
      return `it tells of ${content.sopInstanceUID}, which its manifest does not name`;
  return '';
}

function stateOf(thrown: unknown): { state: PartState; reason: string } {
  const error = asLifeboatError(thrown);
  if (error.code === 'OBJECT_NOT_FOUND') return { state: 'missing', reason: '' };
  if (error.code !== 'MANIFEST_DAMAGED') return { state: 'not-checked', reason: error.message };
  // zlib's word for a stream that ends before its end
  const cut =
    (error.cause as { code?: string } | undefined)?.code === 'Z_BUF_ERROR' || /is cut off$/.test(error.message);
  return { state: cut ? 'truncated' : 'damaged', reason: error.message };
}

/** The patient and study that DICOM JSON attributes tell of. */
export function patientOf(attributes: DicomJson): FindingPatient {
  const text = (tag: string) => {
    const value = attributes[tag]?.Value?.[0];
    return typeof value === 'string' ? value : '';
  };
  const name = attributes['00100010']?.Value?.[0] as Record<string, string> | string | undefined;
  return {
    patientID: text('00100020'),
    issuerOfPatientID: text('00100021'),
    patientName: typeof name === 'string' ? name : (name?.Alphabetic ?? name?.Ideographic ?? name?.Phonetic ?? ''),
    studyDate: text('00080020'),
    studyDescription: text('00081030'),
  };
}
