import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import type { IndexRow } from '../format/lifeboat-index-row.ts';
import { MANIFESTS } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { type ManifestSegment, readManifestSegment } from '../segments.ts';
import { studyRow } from './study-row.ts';

/** A study as a list of the store has it. */
export interface ListedStudy {
  /** `<hh>/<study>` */
  path: string;
  /** Names of its segments, without folder and ending. */
  segments: string[];
}

const IN_FLIGHT = 8;

/** Studies of the store, or those whose manifests begin so, in the order of their keys. @throws STORE_UNAVAILABLE */
export async function* listedStudies(store: ObjectStore, prefix = MANIFESTS): AsyncGenerator<ListedStudy> {
  let study: ListedStudy | undefined;
  for await (const { key } of store.list(prefix)) {
    const match = /^manifests\/([0-9a-f]{2}\/[^/]+)\/([^/]+)\.ndjson\.gz$/.exec(key);
    if (!match) continue;
    const [, path, name] = match as unknown as [string, string, string];
    if (study?.path !== path) {
      if (study) yield study;
      study = { path, segments: [] };
    }
    study!.segments.push(name);
  }
  if (study) yield study;
}

/** Studies of the store of which the index lacks a segment; both in the order of their keys. */
export async function* lackingStudies(
  listed: AsyncIterable<ListedStudy>,
  indexed: AsyncGenerator<IndexRow>,
): AsyncGenerator<ListedStudy> {
  let row = await indexed.next();
  try {
    for await (const study of listed) {
      while (!row.done && `${row.value.path}/` < `${study.path}/`) row = await indexed.next();
      const known = !row.done && row.value.path === study.path ? new Set(row.value.segments) : new Set();
      if (!study.segments.every((name) => known.has(name))) yield study;
    }
  } finally {
    await indexed.return(undefined);
  }
}

/**
 * Reads a study's segments to the row of the index. A damaged one costs its own lines and stays named: readers of the study
 * then say what is missing.
 * @returns null when nothing can be read of it. @throws STORE_UNAVAILABLE
 */
export async function readStudyRow(
  store: ObjectStore,
  { path, segments }: ListedStudy,
  onProblem: (error: LifeboatError) => void,
): Promise<IndexRow | null> {
  const read = await Promise.all(
    segments.map(async (name) => {
      try {
        return { name, ...(await readManifestSegment(store, `${MANIFESTS}${path}/${name}.ndjson.gz`)) };
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (error.code !== 'MANIFEST_DAMAGED' && error.code !== 'OBJECT_NOT_FOUND') throw error;
        if (error.code === 'MANIFEST_DAMAGED') onProblem(error);
        return null;
      }
    }),
  );
  return rowOf(
    path,
    read.filter((segment) => segment !== null),
    segments,
  );
}

/**
 * Replaced segments tell nothing that the others do not, unless something was removed: then only the others count. Of a study of
 * which nothing is left a row without images is made, under the same names as before, so that it hides the earlier ones.
 */
function rowOf(path: string, read: (ManifestSegment & { name: string })[], segments: string[]): IndexRow | null {
  const removals = read.filter(({ header }) => header.removals);
  const all = studyRow(
    path,
    read.flatMap(({ entries }) => entries),
    segments,
  );
  const removedAt = removals
    .map(({ header }) => header.createdAt)
    .sort()
    .at(-1);
  if (removedAt === undefined) return all;
  const replaced = new Set(read.flatMap(({ header }) => header.replaces ?? []));
  // whatever an earlier row knew is known here too: then this one counts
  const known = new Set([...segments, ...[...replaced].map(nameOf)]);
  const left = studyRow(
    path,
    read.filter(({ name }) => !replaced.has(`${MANIFESTS}${path}/${name}.ndjson.gz`)).flatMap(({ entries }) => entries),
    segments,
  );
  const common = { segments: [...known].sort() };
  if (left) return { ...left, ...common, receivedAt: [left.receivedAt, removedAt].sort()[1]! };
  return all && { ...all, ...common, series: 0, instances: 0, receivedAt: removedAt };
}

const nameOf = (key: string) => key.slice(key.lastIndexOf('/') + 1, -'.ndjson.gz'.length);

/** Rows of studies, several read at once; in their order. */
export async function* rowsOf(
  store: ObjectStore,
  studies: AsyncIterable<ListedStudy> | Iterable<ListedStudy>,
  onProblem: (error: LifeboatError) => void,
): AsyncGenerator<IndexRow> {
  const reading: Promise<IndexRow | null>[] = [];
  for await (const study of studies) {
    const row = readStudyRow(store, study, onProblem);
    row.catch(() => undefined);
    reading.push(row);
    if (reading.length < IN_FLIGHT) continue;
    const first = await reading.shift();
    if (first) yield first;
  }
  for (const each of reading) {
    const row = await each;
    if (row) yield row;
  }
}
