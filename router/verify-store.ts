import { createHash } from 'node:crypto';
import { asLifeboatError, type ErrorCode } from '../contract/errors.ts';
import type { InstanceEntry } from '../storage/format/manifest.ts';
import { MANIFESTS, OBJECTS } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readManifestSegment } from '../storage/segments.ts';

export interface VerifyFinding {
  code: ErrorCode;
  key: string;
  message: string;
  studyInstanceUID?: string;
  sopInstanceUID?: string;
}

export interface VerifyOptions {
  /** Presence and size only, from the store's listing; contents are not read. */
  quick?: boolean;
  signal?: AbortSignal;
  onFinding(finding: VerifyFinding): void;
  onProgress?(progress: VerifyResult): void;
}

export interface VerifyResult {
  objects: number;
  bytes: number;
  segments: number;
  ofSegments: number;
  findings: number;
  /** Objects that no manifest names: what a writer left that died between object and manifest; harmless. */
  unnamed: number;
}

const READS_IN_FLIGHT = 4;

/**
 * Compares the store with its own manifests: every object named is there, has the recorded size and, unless `quick`, the
 * recorded SHA-256. Throws STORE_UNAVAILABLE; an answer that did not come is never a missing object.
 */
export async function verifyStore(store: ObjectStore, options: VerifyOptions): Promise<VerifyResult> {
  const result: VerifyResult = { objects: 0, bytes: 0, segments: 0, ofSegments: 0, findings: 0, unnamed: 0 };
  const find = (finding: VerifyFinding) => {
    result.findings++;
    options.onFinding(finding);
  };
  const keys: string[] = [];
  for await (const { key } of store.list(MANIFESTS)) keys.push(key);
  result.ofSegments = keys.length;
  const named = new Set<string>();
  for (const key of keys) {
    if (options.signal?.aborted) return result;
    let entries: InstanceEntry[] = [];
    try {
      ({ entries } = await readManifestSegment(store, key));
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code === 'STORE_UNAVAILABLE') throw error;
      if (error.code !== 'OBJECT_NOT_FOUND') find({ code: error.code, key, message: error.message });
    }
    const fresh = entries.filter((entry) => !named.has(entry.key));
    for (const entry of fresh) named.add(entry.key);
    for (let at = 0; at < fresh.length && !options.signal?.aborted; at += READS_IN_FLIGHT) {
      const turn = fresh.slice(at, at + READS_IN_FLIGHT);
      for (const finding of await Promise.all(turn.map((entry) => checkObject(store, entry, options.quick)))) {
        if (finding) find(finding);
      }
      result.objects += turn.length;
      for (const entry of turn) result.bytes += entry.size;
      options.onProgress?.(result);
    }
    result.segments++;
    options.onProgress?.(result);
  }
  for await (const { key } of store.list(OBJECTS)) if (!named.has(key)) result.unnamed++;
  return result;
}

async function checkObject(
  store: ObjectStore,
  entry: InstanceEntry,
  quick = false,
): Promise<VerifyFinding | undefined> {
  const { key, studyInstanceUID, sopInstanceUID } = entry;
  const finding = (code: ErrorCode, message: string) => ({ code, key, message, studyInstanceUID, sopInstanceUID });
  const info = await store.head(key);
  if (!info) return finding('OBJECT_NOT_FOUND', 'The object is not in the store.');
  if (info.size !== entry.size)
    return finding('OBJECT_DAMAGED', `The object has ${info.size} bytes where ${entry.size} are recorded.`);
  if (quick) return undefined;
  try {
    const hash = createHash('sha256');
    const { body } = await store.stream(key);
    for await (const chunk of body) hash.update(chunk as Uint8Array);
    if (hash.digest('hex') !== entry.sha256)
      return finding('OBJECT_DAMAGED', 'The bytes of the object do not have the recorded SHA-256.');
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    if (error.code === 'STORE_UNAVAILABLE') throw error;
    return finding(error.code, error.message);
  }
  return undefined;
}
