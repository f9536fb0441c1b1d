import { asLifeboatError } from '../contract/errors.ts';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { MANIFESTS, METADATA, metadataKeyOf, OBJECTS } from './keys.ts';
import { currentEntries } from './merge.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { readManifestSegment, readMetadataSegment } from './segments.ts';
import { byStudy } from './study-groups.ts';
import type { ObjectCheck } from './verify-hash.ts';
import { openHashers } from './verify-threads.ts';

export type FindingKind =
  /** The store says that the object is not there. */
  | 'missing'
  /** Shorter or longer than recorded. */
  | 'size'
  /** Right size, other bytes. */
  | 'hash'
  /** The bytes are those of another instance of the study. */
  | 'swapped'
  /** A manifest or metadata segment that cannot be read. */
  | 'segment'
  /** An object that no manifest names. */
  | 'stray'
  /** The catalogue shows another number of instances: rebuild it. */
  | 'catalogue'
  /** No answer: neither right nor wrong. */
  | 'not-checked';

export interface Finding {
  kind: FindingKind;
  key: string;
  studyInstanceUID?: string;
  sopInstanceUID?: string;
  /** One sentence. */
  text: string;
}

export interface VerifySummary {
  studies: number;
  segments: number;
  /** Objects that were read whole and are as recorded. */
  sound: number;
  /** Bytes read. */
  bytes: number;
  findings: Partial<Record<FindingKind, number>>;
}

export interface VerifyOptions {
  store: ObjectStore;
  /** Compared with the store where given. */
  catalogue?: Catalogue;
  /** Objects younger than this may still be in the middle of their commit and are no strays. Default 10 minutes. */
  strayAgeMs?: number;
  signal?: AbortSignal;
  /** Called after each study. */
  onProgress?(summary: VerifySummary): void;
}

export interface Verification extends AsyncIterable<Finding> {
  /** Counts so far; final when the iteration ends. */
  readonly summary: VerifySummary;
}

const CHECKS_IN_FLIGHT = 8;

/**
 * Reads everything in the store and compares it with the manifests: each object's size and SHA-256, each segment, each
 * object that no manifest names, and the catalogue. Needs memory for one study at a time. Throws STORE_UNAVAILABLE only
 * when the store cannot even be listed.
 */
export function verify(options: VerifyOptions): Verification {
  const summary: VerifySummary = { studies: 0, segments: 0, sound: 0, bytes: 0, findings: {} };
  return {
    summary,
    async *[Symbol.asyncIterator]() {
      for await (const finding of findings(options, summary)) {
        summary.findings[finding.kind] = (summary.findings[finding.kind] ?? 0) + 1;
        yield finding;
      }
    },
  };
}

async function* findings(options: VerifyOptions, summary: VerifySummary): AsyncGenerator<Finding> {
  const { store } = options;
  const hashers = openHashers(store);
  const manifests = byStudy(store.list(MANIFESTS), MANIFESTS);
  const objects = byStudy(store.list(OBJECTS), OBJECTS);
  try {
    let manifest = await manifests.next();
    let object = await objects.next();
    while ((!manifest.done || !object.done) && !options.signal?.aborted) {
      const here = manifest.done
        ? object.value!.path
        : object.done
          ? manifest.value.path
          : least(manifest.value.path, object.value.path);
      const segments = !manifest.done && manifest.value.path === here ? manifest.value.items : [];
      const found = !object.done && object.value.path === here ? object.value.items : [];
      if (segments.length > 0) manifest = await manifests.next();
      if (found.length > 0) object = await objects.next();
      yield* verifyStudy(options, summary, hashers, segments, found);
      options.onProgress?.(summary);
    }
    yield* surplusInCatalogue(options, summary);
  } finally {
    await hashers.close();
  }
}

function least(a: string, b: string): string {
  return a < b ? a : b;
}

async function* verifyStudy(
  options: VerifyOptions,
  summary: VerifySummary,
  hashers: ReturnType<typeof openHashers>,
  segments: ObjectInfo[],
  found: ObjectInfo[],
): AsyncGenerator<Finding> {
  const { store } = options;
  const entries = new Map<string, InstanceEntry>();
  let complete = true;
  for (const { key } of segments) {
    summary.segments++;
    try {
      for (const entry of (await readManifestSegment(store, key)).entries) entries.set(entry.key, entry);
    } catch (error) {
      complete = false;
      yield segmentFinding(error, key);
    }
    const metadata = metadataKeyOf(key);
    try {
      await readMetadataSegment(store, metadata);
    } catch (error) {
      yield segmentFinding(error, metadata);
    }
  }
  if (segments.length > 0) summary.studies++;
  const owners = new Map([...entries.values()].map((entry) => [entry.sha256, entry]));
  const wanted = [...entries.values()];
  for (let at = 0; at < wanted.length && !options.signal?.aborted; at += CHECKS_IN_FLIGHT * 4) {
    const turn = wanted.slice(at, at + CHECKS_IN_FLIGHT * 4);
    const checks = await inLanes(turn, (entry) => hashers.check(entry.key));
    for (const [i, entry] of turn.entries()) {
      const finding = judge(entry, checks[i]!, owners, summary);
      if (finding) yield finding;
    }
  }
  const oldEnough = Date.now() - (options.strayAgeMs ?? 600_000);
  for (const { key, modifiedMs } of found) {
    if (entries.has(key) || (modifiedMs ?? 0) > oldEnough) continue;
    const text = complete ? 'no manifest names this object' : 'no readable manifest names this object';
    yield { kind: 'stray', key, text };
  }
  if (complete) yield* compareCatalogue(options.catalogue, wanted);
}

function judge(
  entry: InstanceEntry,
  check: ObjectCheck,
  owners: Map<string, InstanceEntry>,
  summary: VerifySummary,
): Finding | null {
  const { key, studyInstanceUID, sopInstanceUID } = entry;
  const finding = (kind: FindingKind, text: string) => ({ kind, key, studyInstanceUID, sopInstanceUID, text });
  if (check.state === 'missing') return finding('missing', 'the store says that this object is not there');
  if (check.state === 'not-checked') return finding('not-checked', `the store did not answer: ${check.reason}`);
  summary.bytes += check.size;
  if (check.sha256 === entry.sha256 && check.size === entry.size) {
    summary.sound++;
    return null;
  }
  const owner = owners.get(check.sha256);
  if (owner) return finding('swapped', `it holds the bytes of ${owner.key}`);
  if (check.size !== entry.size) return finding('size', `${check.size} bytes instead of ${entry.size}`);
  return finding('hash', `its SHA-256 is ${check.sha256} instead of ${entry.sha256}`);
}

async function* compareCatalogue(catalogue: Catalogue | undefined, entries: InstanceEntry[]): AsyncGenerator<Finding> {
  const studyInstanceUID = entries[0]?.studyInstanceUID;
  if (!catalogue || !studyInstanceUID) return;
  const keys = [{ tag: '0020000D', value: studyInstanceUID }];
  const { rows } = await catalogue.query({ level: 'study', keys, limit: 1, offset: 0 });
  const shown = Number(rows[0]?.['00201208']?.Value?.[0] ?? 0);
  const kept = currentEntries(entries).length;
  if (shown === kept) return;
  const text = `the catalogue shows ${shown} instances of ${kept}: rebuild it`;
  yield { kind: 'catalogue', key: '', studyInstanceUID, text };
}

async function* surplusInCatalogue(options: VerifyOptions, summary: VerifySummary): AsyncGenerator<Finding> {
  if (!options.catalogue || options.signal?.aborted || summary.findings.segment || summary.findings['not-checked'])
    return;
  const { studies } = await options.catalogue.totals();
  if (studies <= summary.studies) return;
  const text = `the catalogue shows ${studies} studies, the store has ${summary.studies}: rebuild it`;
  yield { kind: 'catalogue', key: '', text };
}

function segmentFinding(thrown: unknown, key: string): Finding {
  const error = asLifeboatError(thrown);
  if (error.code === 'STORE_UNAVAILABLE') return { kind: 'not-checked', key, text: error.message };
  const what = key.startsWith(METADATA) ? 'metadata segment' : 'manifest segment';
  return { kind: 'segment', key, text: `this ${what} cannot be read: ${error.message}` };
}

async function inLanes<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const mine = next++;
      results[mine] = await work(items[mine]!);
    }
  };
  await Promise.all(Array.from({ length: CHECKS_IN_FLIGHT }, lane));
  return results;
}
