import { stat } from 'node:fs/promises';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { StoredInstance } from './catalogue-feed.ts';
import type { Describer } from './describe-thread.ts';
import type { InstanceEntry } from './format/manifest.ts';
import { objectKey } from './keys.ts';
import type { Limiter } from './limiter.ts';
import { contentId } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import { isMarked } from './policy/sweep-mark.ts';
import { type DescribedInstance, writeSegments } from './segments.ts';
import type { SpoolEntry } from './spool-types.ts';
import type { StudyCache } from './study-cache.ts';
import type { Hashers } from './verify-threads.ts';

/** Where a test may stop the process: after the step of that name, before the next. */
export type CommitStep = 'described' | 'objects' | 'segments' | 'catalogue' | 'removed';

export interface CommitParts {
  store: ObjectStore;
  cache: StudyCache;
  describer: Describer;
  puts: Limiter;
  /** Opened at the first instance that comes again. */
  hashers(): Hashers;
  checks: Limiter;
  onStep(step: CommitStep): void | Promise<void>;
}

export interface BatchOutcome {
  stored: StoredInstance[];
  /** To be tried again: the store did not take them this time. */
  failed: { spooled: SpoolEntry; error: LifeboatError }[];
  /** Their file in the spool is no longer what was acknowledged. */
  damaged: { spooled: SpoolEntry; error: LifeboatError }[];
}

/** Brings one study's share of a batch into the store: objects, then metadata and manifest segment. Never throws. */
export async function commitStudy(parts: CommitParts, studyUID: string, batch: SpoolEntry[]): Promise<BatchOutcome> {
  const outcome: BatchOutcome = { stored: [], failed: [], damaged: [] };
  try {
    await commitInto(outcome, parts, studyUID, batch);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    const settled = new Set([...outcome.stored, ...outcome.failed, ...outcome.damaged].map(({ spooled }) => spooled));
    for (const spooled of batch) if (!settled.has(spooled)) outcome.failed.push({ spooled, error });
  }
  return outcome;
}

async function commitInto(outcome: BatchOutcome, parts: CommitParts, studyUID: string, batch: SpoolEntry[]) {
  const known = new Map((await parts.cache.entries(studyUID)).map((entry) => [contentId(entry), entry]));
  // its bytes may be on their way out just now: nothing counts as stored until it is sure to stay
  const hadRemovals = await parts.cache.hadRemovals(studyUID);
  if (hadRemovals && (await isMarked(parts.store, studyUID))) throw beingSwept();
  const fresh = new Map<string, SpoolEntry>();
  const again: SpoolEntry[] = [];
  for (const spooled of batch) {
    const id = contentId(spooled);
    if (known.has(id) || fresh.has(id)) again.push(spooled);
    else fresh.set(id, spooled);
  }
  await Promise.all(
    again.map(async (spooled) => {
      const entry = known.get(contentId(spooled));
      if (entry && !(await isWhole(parts, entry))) fresh.set(contentId(spooled), spooled);
    }),
  );

  const wanted = [...fresh.values()];
  const [described, put] = await Promise.all([
    parts.describer.describe(wanted).then(async (instances) => {
      await parts.onStep('described');
      return instances;
    }),
    Promise.all(wanted.map((spooled) => putObject(parts, spooled))),
  ]);
  await parts.onStep('objects');

  const written: DescribedInstance[] = [];
  const writtenFrom: SpoolEntry[] = [];
  for (const [i, spooled] of wanted.entries()) {
    const error = put[i];
    if (error) (error.code === 'OBJECT_DAMAGED' ? outcome.damaged : outcome.failed).push({ spooled, error });
    else {
      written.push(described[i]!);
      writtenFrom.push(spooled);
    }
  }
  let segment: string | undefined;
  if (written.length > 0) {
    const key = await writeSegments(parts.store, studyUID, written);
    const entries = written.map(({ entry }) => entry);
    parts.cache.added(studyUID, key, entries);
    segment = key;
    for (const entry of entries) known.set(contentId(entry), entry);
    await parts.onStep('segments');
  }
  if (hadRemovals && segment !== undefined) await mustStay(parts.store, studyUID, written);
  for (const [i, spooled] of writtenFrom.entries()) outcome.stored.push({ spooled, entry: written[i]!.entry, segment });
  const settled = new Set([
    ...writtenFrom,
    ...outcome.failed.map((f) => f.spooled),
    ...outcome.damaged.map((d) => d.spooled),
  ]);
  for (const spooled of again) {
    if (settled.has(spooled)) continue;
    const entry = known.get(contentId(spooled));
    if (entry) outcome.stored.push({ spooled, entry });
    else outcome.failed.push({ spooled, error: new LifeboatError('STORE_UNAVAILABLE') });
  }
}

/**
 * A sweep that began before the manifest segment was written does not know of it. One that is at work, or that has deleted an
 * object of ours, is reason to do it all again: what the segment names is then looked at byte for byte.
 */
async function mustStay(store: ObjectStore, studyUID: string, written: readonly DescribedInstance[]): Promise<void> {
  if (await isMarked(store, studyUID)) throw beingSwept();
  for (const { entry } of written) if (!(await store.head(entry.key))) throw beingSwept();
}

const beingSwept = () =>
  new LifeboatError(
    'BUSY',
    'The space of a removed study is being freed; its new images are stored when that is done.',
  );

/**
 * What was received again is dropped only when the store still has the first one, byte for byte: its size may be right and
 * its content not. An object that could not be read to its end counts as not whole: putting it again does no harm.
 */
async function isWhole(parts: CommitParts, entry: InstanceEntry): Promise<boolean> {
  if ((await parts.store.head(entry.key))?.size !== entry.size) return false;
  const check = await parts.checks.run(entry.size, () => parts.hashers().check(entry.key));
  return check.state === 'read' && check.size === entry.size && check.sha256 === entry.sha256;
}

async function putObject(parts: CommitParts, spooled: SpoolEntry): Promise<LifeboatError | null> {
  try {
    await parts.puts.run(spooled.size, () => parts.store.putFile(objectKey(spooled), spooled.path, spooled.size));
    return null;
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    if (error.code !== 'OBJECT_NOT_FOUND') return error;
    const gone = await stat(spooled.path).then(
      () => false,
      () => true,
    );
    return gone
      ? new LifeboatError('OBJECT_DAMAGED', 'The file vanished from the spool before it was committed.')
      : new LifeboatError('STORE_UNAVAILABLE', undefined, { cause: error });
  }
}
