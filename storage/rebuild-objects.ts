import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import { describeContent, toInstance } from './describe-file.ts';
import { parseFileHeader } from './format/part10.ts';
import { MANIFESTS, OBJECTS } from './keys.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { REMOVALS, type TrustedKeys } from './policy/removal-record.ts';
import { recordsBelow, removedBy } from './policy/removed.ts';
import { type DescribedInstance, readManifestSegment, writeSegments } from './segments.ts';
import { FileStore } from './stores/file-store.ts';
import { byStudy } from './study-groups.ts';

export interface RebuildObjectsOptions {
  store: ObjectStore;
  /** Whose removals count; absent: those signed with keys that lie in the store. */
  trusted?: TrustedKeys;
  signal?: AbortSignal;
  onProgress?(progress: RebuildObjectsResult): void;
}

export interface RebuildObjectsResult {
  /** Objects looked at, and how many of them had no line in a readable manifest and were given one. */
  objects: number;
  added: number;
  /** Objects that are no DICOM files with the UIDs an instance needs. */
  unreadable: LifeboatError[];
}

const SEGMENT_ENTRIES = 500;
/** Preamble and file meta information are read from so much of the beginning. */
const HEAD_BYTES = 1 << 20;

/**
 * Writes manifests anew from the objects themselves: for each object that no readable manifest segment names. What only the
 * manifest knew is lost: `receivedAt` becomes the time the store gives, `source` an import, and a note says so. Run
 * `rebuild` afterwards. Throws STORE_UNAVAILABLE.
 */
export async function rebuildManifests(options: RebuildObjectsOptions): Promise<RebuildObjectsResult> {
  const { store, trusted, signal, onProgress } = options;
  const result: RebuildObjectsResult = { objects: 0, added: 0, unreadable: [] };
  const scratch = await mkdtemp(join(tmpdir(), 'lifeboat-rebuild-'));
  try {
    for await (const { path, items } of byStudy(store.list(OBJECTS), OBJECTS)) {
      if (signal?.aborted) break;
      const known = await namedKeys(store, path);
      // what was removed by a rule may still lie there for a while
      const records = await recordsBelow(store, REMOVALS + path);
      if (records.length > 0) for (const key of (await removedBy(store, records, trusted)).keys) known.add(key);
      const studies = new Map<string, DescribedInstance[]>();
      for (const info of items) {
        result.objects++;
        if (known.has(info.key)) continue;
        const described = await describeKept(store, info, join(scratch, 'object'), result.unreadable);
        if (!described) continue;
        const uid = described.entry.studyInstanceUID;
        studies.set(uid, [...(studies.get(uid) ?? []), described]);
        result.added++;
      }
      for (const [uid, instances] of studies) {
        for (let at = 0; at < instances.length; at += SEGMENT_ENTRIES) {
          await writeSegments(store, uid, instances.slice(at, at + SEGMENT_ENTRIES));
        }
      }
      onProgress?.({ ...result });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return result;
}

async function namedKeys(store: ObjectStore, studyPath: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of store.list(MANIFESTS + studyPath)) {
    try {
      for (const entry of (await readManifestSegment(store, key)).entries) keys.add(entry.key);
    } catch (error) {
      if (asLifeboatError(error).code !== 'MANIFEST_DAMAGED') throw error;
      // its lines are written anew from their objects
    }
  }
  return keys;
}

async function describeKept(
  store: ObjectStore,
  info: ObjectInfo,
  scratch: string,
  unreadable: LifeboatError[],
): Promise<DescribedInstance | null> {
  const path = store instanceof FileStore ? store.pathOf(info.key) : scratch;
  if (path === scratch) {
    const { body } = await store.stream(info.key);
    await pipeline(body, createWriteStream(scratch));
  }
  try {
    return await describeLocal(path, info);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    unreadable.push(new LifeboatError('DATASET_UNREADABLE', `: ${info.key}: ${error.message}`, { cause: error }));
    return null;
  }
}

async function describeLocal(path: string, info: ObjectInfo): Promise<DescribedInstance> {
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(Math.min(info.size, HEAD_BYTES));
    await handle.read(head, 0, head.length, 0);
    const header = parseFileHeader(head, true);
    if (!header?.transferSyntaxUID) throw new LifeboatError('NOT_DICOM');
    const { dataSetOffset, transferSyntaxUID } = header;
    const whole = createHash('sha256');
    const dataSet = createHash('sha256');
    let at = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false, start: 0, highWaterMark: 1 << 20 })) {
      const bytes = chunk as Buffer;
      whole.update(bytes);
      dataSet.update(bytes.subarray(Math.max(0, dataSetOffset - at)));
      at += bytes.length;
    }
    const described = await describeContent({ path, size: info.size, dataSetOffset, transferSyntaxUID });
    const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, sopClassUID = '' } = described;
    if (!studyInstanceUID || !seriesInstanceUID || !sopInstanceUID) throw new LifeboatError('DATASET_MISSING_UID');
    const known = {
      path,
      size: info.size,
      sha256: whole.digest('hex'),
      dataSetOffset,
      dataSetSha256: dataSet.digest('hex'),
      studyInstanceUID,
      seriesInstanceUID,
      sopInstanceUID,
      sopClassUID,
      transferSyntaxUID,
      source: { via: 'import' as const },
      receivedAt: new Date(info.modifiedMs ?? 0).toISOString(),
      notes: ['this line was made again from the object: when and how it was received is not known'],
    };
    const instance = toInstance(known, described);
    return { ...instance, entry: { ...instance.entry, key: info.key } };
  } finally {
    await handle.close();
  }
}
