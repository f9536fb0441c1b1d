import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectCheck } from '../../storage/verify-hash.ts';
import { FailureReason } from './commitment-classes.ts';
import type { FailedReference, SopReference } from './references.ts';

export interface JudgeContext {
  archive: Pick<Archive, 'catalogue' | 'entries' | 'acknowledged' | 'flush' | 'spool' | 'tending'>;
  /** Reads a whole object of the store and hashes it. */
  check(key: string): Promise<ObjectCheck>;
}

/** What can be said of a request, by study. */
export interface Judgement {
  failed: FailedReference[];
  studies: { studyInstanceUID: string; confirmed: number; failed: number }[];
}

/** Objects hashed at once. */
const CHECKS_AT_ONCE = 4;
/** How long to wait for what is acknowledged and not yet in the store, before trying again later, ms. */
const SETTLE_MS = 10_000;

/**
 * Decides for each instance whether the archive commits to it: only when it is in the store, of the SOP class asked for, and
 * every byte of every content kept under its UID was read just now and has the hash it was received with.
 * @throws STORE_UNAVAILABLE or CATALOGUE_UNAVAILABLE when it cannot be said now: nothing is concluded from silence
 */
export async function judge(context: JudgeContext, references: readonly SopReference[]): Promise<Judgement> {
  const { archive } = context;
  const all = await settled(archive, references);
  if (archive.tending().filling || archive.catalogue.needsRebuild)
    throw new LifeboatError('CATALOGUE_UNAVAILABLE', 'The catalogue is being filled; what it lacks may be here.');
  const known = await contentsOf(archive, references);
  if (!all && references.some(({ sopInstanceUID }) => !known.has(sopInstanceUID)))
    throw new LifeboatError('STORE_UNAVAILABLE', 'Not everything that was received is in the store yet.');
  const studies = new Map<string, { studyInstanceUID: string; confirmed: number; failed: number }>();
  const reasons: (number | undefined)[] = new Array(references.length);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < references.length; i = next++) {
      const contents = known.get(references[i]!.sopInstanceUID) ?? [];
      const reason = await reasonAgainst(context, references[i]!, contents);
      reasons[i] = reason;
      const studyInstanceUID = contents[0]?.studyInstanceUID;
      if (studyInstanceUID === undefined) continue;
      const count = studies.get(studyInstanceUID) ?? { studyInstanceUID, confirmed: 0, failed: 0 };
      count[reason === undefined ? 'confirmed' : 'failed']++;
      studies.set(studyInstanceUID, count);
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, lane));
  const failed = references.flatMap((reference, i) =>
    reasons[i] === undefined ? [] : [{ ...reference, reason: reasons[i] }],
  );
  return { failed, studies: [...studies.values()] };
}

/**
 * Waits until what was acknowledged so far is in the store. False: it is not, so that nothing can be concluded from what is
 * missing there; after a start the spool itself may not be read yet.
 */
async function settled(archive: JudgeContext['archive'], references: readonly SopReference[]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), SETTLE_MS);
  });
  const flushed = await Promise.race([archive.flush().then(() => true), enough]);
  clearTimeout(timer);
  const asked = new Set(references.map(({ sopInstanceUID }) => sopInstanceUID));
  for (const { sopInstanceUID } of archive.acknowledged())
    if (asked.has(sopInstanceUID))
      throw new LifeboatError('STORE_UNAVAILABLE', 'Some of the instances are not in the store yet.');
  return flushed && archive.spool().unread === undefined;
}

/** What is kept under each SOP Instance UID asked for, in the study that the catalogue names. */
async function contentsOf(
  archive: JudgeContext['archive'],
  references: readonly SopReference[],
): Promise<Map<string, InstanceEntry[]>> {
  const known = new Map<string, InstanceEntry[]>();
  const read = new Set<string>();
  for (const { sopInstanceUID } of references) {
    if (known.has(sopInstanceUID)) continue;
    const study = await archive.catalogue.studyOf({ sopInstanceUID });
    if (study === null || read.has(study)) continue;
    read.add(study);
    for (const entry of await archive.entries(study)) {
      const list = known.get(entry.sopInstanceUID);
      if (list) list.push(entry);
      else known.set(entry.sopInstanceUID, [entry]);
    }
  }
  return known;
}

async function reasonAgainst(
  { check }: JudgeContext,
  { sopClassUID }: SopReference,
  contents: readonly InstanceEntry[],
): Promise<number | undefined> {
  if (contents.length === 0) return FailureReason.NoSuchObjectInstance;
  if (contents.some((entry) => entry.sopClassUID !== sopClassUID)) return FailureReason.ClassInstanceConflict;
  for (const { key, size, sha256 } of contents) {
    const found = await check(key);
    if (found.state === 'not-checked') throw new LifeboatError('STORE_UNAVAILABLE', `: ${found.reason}`);
    if (found.state === 'missing') return FailureReason.NoSuchObjectInstance;
    if (found.size !== size || found.sha256 !== sha256) return FailureReason.ProcessingFailure;
  }
  return undefined;
}
