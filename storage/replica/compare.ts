import { asLifeboatError } from '../../contract/errors.ts';
import { MANIFESTS, METADATA, OBJECTS } from '../keys.ts';
import type { ObjectInfo, ObjectStore } from '../object-store.ts';
import { readManifestSegment } from '../segments.ts';
import { studyPathOf } from './copy.ts';
import { isFileKey, mayChange } from './files.ts';
import type { ReplicaState } from './replica-state.ts';
import type { ReplicaComparison } from './replica-types.ts';

export interface CompareParts {
  source: ObjectStore;
  replica: ObjectStore;
  state: ReplicaState;
  signal?: AbortSignal;
}

const EXAMPLES = 5;
/** Crockford's base 32, as ULIDs are written. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * Lists both stores side by side and puts on the list of work whatever the replica lacks or has in another size. Deletes nothing
 * anywhere; what only the replica has is counted. Memory does not grow with the archive. Throws STORE_UNAVAILABLE.
 */
export async function compareStores(parts: CompareParts): Promise<ReplicaComparison | null> {
  const { source, replica, state, signal } = parts;
  await Promise.all([source.ping(), replica.ping()]);
  const result: ReplicaComparison = { at: '', objects: 0, lostAtSource: 0, lostAtReplica: 0, examples: [] };
  const lacking = new Set<string>();
  for await (const { key, here, there } of sideBySide(source.list(MANIFESTS), replica.list(MANIFESTS))) {
    if (signal?.aborted) return null;
    if (here && !there) {
      lacking.add(studyPathOf(key));
      await addSegment(parts, key);
    } else if (here && there && here.size !== there.size) addStudy(state, key);
  }
  for await (const { key, here, there } of sideBySide(source.list(METADATA), replica.list(METADATA))) {
    if (signal?.aborted) return null;
    // a lone metadata segment is left from a commit that was broken off
    if (here && there && here.size !== there.size) addStudy(state, key);
    else if (here && !there && !lacking.has(studyPathOf(key))) addStudy(state, key);
  }
  const example = (key: string) => {
    if (result.examples.length < EXAMPLES) result.examples.push(key);
  };
  for await (const { key, here, there } of sideBySide(source.list(OBJECTS), replica.list(OBJECTS))) {
    if (signal?.aborted) return null;
    result.objects++;
    if (here?.size === there?.size) continue;
    if (!here) {
      result.lostAtSource++;
      example(key);
    } else {
      if (!lacking.has(studyPathOf(key))) {
        result.lostAtReplica++;
        example(key);
      }
      addStudy(state, key);
    }
  }
  await compareFiles(parts);
  state.hurry();
  result.at = new Date().toISOString();
  state.setNote('compared', JSON.stringify(result));
  return result;
}

/** A segment of the first store that the replica lacks, counted. One that cannot be read goes on the list all the same. */
export async function addSegment(
  { source, state }: Pick<CompareParts, 'source' | 'state'>,
  key: string,
): Promise<void> {
  if (state.has(key)) return;
  let [instances, bytes] = [0, 0];
  try {
    const { entries } = await readManifestSegment(source, key);
    instances = entries.length;
    bytes = entries.reduce((sum, { size }) => sum + size, 0);
  } catch (thrown) {
    const { code } = asLifeboatError(thrown);
    if (code === 'OBJECT_NOT_FOUND') return;
    if (code !== 'MANIFEST_DAMAGED') throw thrown;
  }
  state.add({ key, kind: 'segment', writtenMs: writtenAt(key), instances, bytes });
}

function addStudy(state: ReplicaState, key: string): void {
  state.add({ key: studyPathOf(key), kind: 'study', writtenMs: Date.now() });
}

/** Everything beside the archive's three folders: seals, the search index and the viewer of lifeboat mode. */
export async function compareFiles({ source, replica, state, signal }: CompareParts): Promise<void> {
  for (const root of ['seals/', 'removals/', 'holds/', 'lifeboat/', 'viewer/']) {
    for await (const { key, here, there } of sideBySide(source.list(root), replica.list(root))) {
      if (signal?.aborted) return;
      if (!here || !isFileKey(key)) continue;
      const level = there && (mayChange(key) ? there.size === here.size && state.fileIsKnown(here) : true);
      if (!level) state.add({ key, kind: 'file', writtenMs: here.modifiedMs ?? Date.now() });
    }
  }
}

/** Two lists in key order as one: for each key what either list says of it. */
export async function* sideBySide(
  left: AsyncIterable<ObjectInfo>,
  right: AsyncIterable<ObjectInfo>,
): AsyncGenerator<{ key: string; here?: ObjectInfo; there?: ObjectInfo }> {
  const [a, b] = [left[Symbol.asyncIterator](), right[Symbol.asyncIterator]()];
  try {
    let [x, y] = await Promise.all([a.next(), b.next()]);
    while (!x.done || !y.done) {
      const [here, there] = [x.done ? undefined : x.value, y.done ? undefined : y.value];
      if (here && (!there || here.key < there.key)) {
        yield { key: here.key, here };
        x = await a.next();
      } else if (there && (!here || there.key < here.key)) {
        yield { key: there.key, there };
        y = await b.next();
      } else {
        yield { key: here!.key, here: here!, there: there! };
        [x, y] = await Promise.all([a.next(), b.next()]);
      }
    }
  } finally {
    await Promise.all([a.return?.(), b.return?.()]);
  }
}

/** When a segment was written, ms, as the ULID in its key tells; now where there is none. */
export function writtenAt(key: string): number {
  const id = key.slice(key.lastIndexOf('/') + 1).slice(0, 10);
  let time = 0;
  for (const digit of id) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) return Date.now();
    time = time * 32 + value;
  }
  return id.length === 10 ? time : Date.now();
}
