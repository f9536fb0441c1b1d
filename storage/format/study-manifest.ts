/**
 * Entries of manifest segments, in any order and from any number of writers, merged to the view of one study. Runs in
 * the browser too.
 */
import type {
  DicomJson,
  InstanceEntry,
  InstanceManifest,
  SeriesManifest,
  StudyManifest,
  SupersededContent,
} from './manifest.ts';
import { FORMAT_VERSION } from './manifest.ts';

/** Patient and study level attributes (PS3.3 C.7.1, C.7.2), shown once for a study. */
const STUDY_LEVEL = new Set(
  (
    '00080020 00080030 00080050 00080051 00080090 00081030 00081032 00081048 00081060 00080201 00100010 00100020 00100021 ' +
    '00100030 00100032 00100040 00101000 00101002 00101010 00101020 00101030 00102160 00102180 001021B0 00104000 00120062 ' +
    '0020000D 00200010 00321060'
  ).split(' '),
);

/** Newest receipt first, of the same time the greater key: every reader puts the same one first (as storage/merge.ts). */
function newestFirst(a: InstanceEntry, b: InstanceEntry): number {
  return compare(b.receivedAt, a.receivedAt) || compare(b.key, a.key);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One entry for each content; of several receipts of one content the newest counts. */
function distinctContents(entries: readonly InstanceEntry[]): InstanceEntry[] {
  const byContent = new Map<string, InstanceEntry>();
  for (const entry of entries) {
    const content = `${entry.sopInstanceUID} ${entry.dataSetSha256}`;
    const known = byContent.get(content);
    if (!known || newestFirst(entry, known) < 0) byContent.set(content, entry);
  }
  return [...byContent.values()];
}

function numbers(attributes: DicomJson, tag: string, length: number): number[] | undefined {
  const values = attributes[tag]?.Value;
  if (values?.length !== length) return undefined;
  const read = values.map((value) => (typeof value === 'number' ? value : Number.NaN));
  return read.every(Number.isFinite) ? read : undefined;
}

/**
 * Distance of each plane along the normal of the first (PS3.3 C.7.6.2.1.1), in mm; undefined unless all planes are
 * parallel and no two lie in one place.
 */
function planeDistances(instances: readonly { attributes: DicomJson }[]): number[] | undefined {
  const first = instances[0] && numbers(instances[0].attributes, '00200037', 6);
  if (!first || instances.length < 2) return undefined;
  const [rx, ry, rz, cx, cy, cz] = first as [number, number, number, number, number, number];
  const normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
  const distances: number[] = [];
  for (const { attributes } of instances) {
    const orientation = numbers(attributes, '00200037', 6);
    const position = numbers(attributes, '00200032', 3);
    if (!orientation || !position) return undefined;
    if (orientation.some((value, i) => Math.abs(value - first[i]!) > 1e-3)) return undefined;
    distances.push(position[0]! * normal[0]! + position[1]! * normal[1]! + position[2]! * normal[2]!);
  }
  const distinct = new Set(distances.map((distance) => Math.round(distance * 1000)));
  return distinct.size === distances.length ? distances : undefined;
}

function instanceNumber(entry: InstanceEntry): number | undefined {
  const value = Number(entry.attributes['00200013']?.Value?.[0] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** Display order: position along the normal where the geometry allows, else Instance Number, else receipt. */
function sortForDisplay(entries: InstanceEntry[]): InstanceEntry[] {
  // A fixed order first, so that the result does not depend on the order of the segments.
  const byNumber = [...entries].sort((a, b) => {
    const x = instanceNumber(a);
    const y = instanceNumber(b);
    if (x !== undefined && y !== undefined && x !== y) return x - y;
    if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
    return compare(a.receivedAt, b.receivedAt) || compare(a.sopInstanceUID, b.sopInstanceUID);
  });
  const distances = planeDistances(byNumber);
  if (!distances) return byNumber;
  // The direction is the acquisition's: the lower Instance Number comes first.
  const order = byNumber.map((_, i) => i).sort((i, j) => distances[i]! - distances[j]!);
  const downwards = order.indexOf(0) > order.indexOf(byNumber.length - 1);
  if (downwards) order.reverse();
  return order.map((i) => byNumber[i]!);
}

function superseded({
  key,
  size,
  sha256,
  dataSetSha256,
  transferSyntaxUID,
  receivedAt,
  source,
}: InstanceEntry): SupersededContent {
  return { key, size, sha256, dataSetSha256, transferSyntaxUID, receivedAt, source };
}

/** Attributes with the same value in every one. */
function common(all: readonly DicomJson[]): DicomJson {
  const [first, ...others] = all;
  const shared: DicomJson = {};
  for (const [tag, element] of Object.entries(first ?? {})) {
    if (others.length === 0) {
      shared[tag] = element;
      continue;
    }
    const text = JSON.stringify(element);
    if (others.every((attributes) => tag in attributes && JSON.stringify(attributes[tag]) === text))
      shared[tag] = element;
  }
  return shared;
}

function without(attributes: DicomJson, shared: DicomJson): DicomJson {
  const own: DicomJson = {};
  for (const tag in attributes) if (!(tag in shared)) own[tag] = attributes[tag]!;
  return own;
}

function buildSeries(seriesInstanceUID: string, entries: InstanceEntry[]): SeriesManifest {
  const contents = new Map<string, InstanceEntry[]>();
  for (const entry of entries) {
    const known = contents.get(entry.sopInstanceUID);
    if (known) known.push(entry);
    else contents.set(entry.sopInstanceUID, [entry]);
  }
  const older = new Map<InstanceEntry, InstanceEntry[]>();
  for (const list of contents.values()) {
    const [newest, ...rest] = list.sort(newestFirst);
    older.set(newest!, rest);
  }
  const sorted = sortForDisplay([...older.keys()]);
  const shared = common(sorted.map((entry) => entry.attributes));
  const instances = sorted.map((entry): InstanceManifest => {
    const { studyInstanceUID: _study, seriesInstanceUID: _series, ...rest } = entry;
    const replaced = older.get(entry)!;
    const instance: InstanceManifest = { ...rest, attributes: without(entry.attributes, shared) };
    if (replaced.length > 0) instance.superseded = replaced.map(superseded);
    return instance;
  });
  return { seriesInstanceUID, attributes: shared, instances };
}

function seriesNumber(series: SeriesManifest): number {
  const value = Number(series.attributes['00200011']?.Value?.[0] ?? Number.NaN);
  return Number.isFinite(value) ? value : Number.POSITIVE_INFINITY;
}

/**
 * Merges the entries of one study for display. The same content in several entries counts once; several contents of one
 * SOP Instance UID: the newest is shown, the others are `superseded`. The order of the entries does not matter.
 * @param entries all of one study; those of other studies than the first's are ignored
 * @returns null when there are none
 */
export function buildStudyManifest(entries: readonly InstanceEntry[]): StudyManifest | null {
  const studyInstanceUID = entries[0]?.studyInstanceUID;
  if (studyInstanceUID === undefined) return null;
  const distinct = distinctContents(entries.filter((entry) => entry.studyInstanceUID === studyInstanceUID));
  const bySeries = new Map<string, InstanceEntry[]>();
  for (const entry of distinct) {
    const known = bySeries.get(entry.seriesInstanceUID);
    if (known) known.push(entry);
    else bySeries.set(entry.seriesInstanceUID, [entry]);
  }
  const series = [...bySeries]
    .map(([uid, members]) => buildSeries(uid, members))
    .sort((a, b) => {
      const x = seriesNumber(a);
      const y = seriesNumber(b);
      return x === y ? compare(a.seriesInstanceUID, b.seriesInstanceUID) : x < y ? -1 : 1;
    });
  const newest = [...distinct].sort(newestFirst)[0]!;
  const attributes: DicomJson = {};
  for (const tag in newest.attributes) if (STUDY_LEVEL.has(tag)) attributes[tag] = newest.attributes[tag]!;
  return { formatVersion: FORMAT_VERSION, studyInstanceUID, attributes, series };
}

/** All attributes of one instance: those common to the series and its own. */
export function instanceAttributes(series: SeriesManifest, instance: InstanceManifest): DicomJson {
  return { ...series.attributes, ...instance.attributes };
}
