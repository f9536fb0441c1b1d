/**
 * One study from the store's own manifest segments, without any server: what storage/README.md says under "How a reader
 * merges". Runs in the browser too.
 */
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { indexPath } from './lifeboat-index-row.ts';
import { FORMAT_VERSION, type InstanceEntry } from './manifest.ts';

/** Where bytes come from; `list` is there only where the store can list. */
export interface SegmentSource {
  get(key: string): Promise<Uint8Array>;
  list?: ((prefix: string) => Promise<string[]>) | undefined;
}

export interface LifeboatStudy {
  /** Every line of every segment that could be read. */
  entries: InstanceEntry[];
  /** Sentences on what could not be read: images may be missing. */
  problems: string[];
}

/** Nothing honest expands beyond this. */
const MAX_BYTES = 1 << 30;
const IN_FLIGHT = 8;

/** Prefix of the keys of a study's manifest segments. */
export function segmentPrefix(studyInstanceUID: string): string {
  return `manifests/${indexPath(studyInstanceUID)}/`;
}

/** Unpacks gzip; what some web servers have unpacked on the way is taken as it is. */
export async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    length += step.value.length;
    if (length > MAX_BYTES) {
      await reader.cancel();
      throw new LifeboatError('MANIFEST_DAMAGED', ': it expands beyond any plausible size');
    }
    pieces.push(step.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function isEntry(value: unknown): value is InstanceEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  const texts = [
    'studyInstanceUID',
    'seriesInstanceUID',
    'sopInstanceUID',
    'key',
    'sha256',
    'dataSetSha256',
    'receivedAt',
  ];
  return (
    texts.every((name) => typeof entry[name] === 'string') &&
    typeof entry['size'] === 'number' &&
    typeof entry['attributes'] === 'object' &&
    entry['attributes'] !== null
  );
}

/** Lines of a packed manifest segment, and the keys of those it replaces. @throws MANIFEST_DAMAGED */
export async function readSegment(
  packed: Uint8Array,
  key: string,
): Promise<{ entries: InstanceEntry[]; replaces: string[] }> {
  const damaged = (why: string, cause?: unknown) =>
    new LifeboatError('MANIFEST_DAMAGED', `: ${key}: ${why}`, { cause });
  let lines: string[];
  let header: { lifeboat?: unknown; formatVersion?: unknown; count?: unknown; replaces?: unknown };
  const values: unknown[] = [];
  try {
    lines = new TextDecoder('utf-8', { fatal: true }).decode(await gunzip(packed)).split('\n');
    if (lines.pop() !== '') throw damaged('its last line is cut off');
    header = JSON.parse(lines.shift() ?? '') as typeof header;
    for (const line of lines) values.push(JSON.parse(line));
  } catch (error) {
    throw error instanceof LifeboatError ? error : damaged('it cannot be unpacked or read', error);
  }
  if (header.lifeboat !== 'manifest') throw damaged('its first line is no header');
  if (!(Number(header.formatVersion) <= FORMAT_VERSION)) throw damaged('its format version is newer');
  if (header.count !== values.length) throw damaged(`it has ${values.length} lines of ${String(header.count)}`);
  const entries = values.filter(isEntry);
  if (entries.length !== values.length) throw damaged('a line is no entry');
  const replaces = Array.isArray(header.replaces) ? header.replaces.filter((each) => typeof each === 'string') : [];
  return { entries, replaces };
}

/**
 * Reads a study. Where the store lists, its list says which segments there are, and what a search index knew is added; else
 * `known` is all. A segment that is damaged or does not answer costs its own lines only.
 * @param known keys of segments, as a search index has them
 * @throws what the store says, when it says nothing at all about this study
 */
export async function readLifeboatStudy(
  source: SegmentSource,
  studyInstanceUID: string,
  known: readonly string[] = [],
): Promise<LifeboatStudy> {
  const problems: string[] = [];
  const keys = new Set(known);
  const listed = new Set<string>();
  if (source.list) {
    try {
      for (const key of await source.list(segmentPrefix(studyInstanceUID))) {
        keys.add(key);
        listed.add(key);
      }
    } catch (error) {
      if (known.length === 0) throw error;
      problems.push(`The newest images may be missing: ${asLifeboatError(error).message}`);
    }
  }
  const entries: InstanceEntry[] = [];
  const replaced = new Set<string>();
  const missing: string[] = [];
  // The newest first: one that replaces others saves reading them.
  const waiting = [...keys].sort().reverse();
  const lane = async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      if (replaced.has(key)) continue;
      try {
        const segment = await readSegment(await source.get(key), key);
        for (const gone of segment.replaces) replaced.add(gone);
        entries.push(...segment.entries.filter((entry) => entry.studyInstanceUID === studyInstanceUID));
      } catch (error) {
        const { code, message } = asLifeboatError(error);
        if (code === 'OBJECT_NOT_FOUND') missing.push(key);
        else problems.push(`Some images may be missing: ${message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  // One that was compacted away meanwhile is named by its successor; where the store lists, the list is right.
  for (const key of missing)
    if (!replaced.has(key) && (listed.has(key) || !source.list))
      problems.push(`Some images may be missing: a list of images is not in the store (${key})`);
  return { entries, problems };
}
