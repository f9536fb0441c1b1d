import { asLifeboatError } from '../contract/errors.ts';
import { contentId, instanceId } from './merge.ts';
import type { ObjectStore } from './object-store.ts';
import type { TrustedKeys } from './policy/removal-record.ts';
import type { Removed } from './policy/removed.ts';
import type { CatalogueCheck } from './verify-catalogue.ts';
import type { ObjectCheck } from './verify-hash.ts';
import type { FoundStudy } from './verify-listing.ts';
import { inLanes, type StudyKeys, type StudyReader } from './verify-reader.ts';
import type { CheckedEntry } from './verify-segments.ts';
import { type ReadSegments, readSegments } from './verify-study-segments.ts';
import type { Finding, FindingKind, FindingPatient } from './verify-types.ts';

/** What checking a study needs besides its keys. */
export interface StudyContext {
  store: ObjectStore;
  reader: StudyReader;
  catalogue?: CatalogueCheck;
  strayAgeMs: number;
  signal?: AbortSignal;
  /** Awaited before so many bytes are read; for reading slowly. */
  throttle?(bytes: number): Promise<void>;
  /** Whose signature under a removal record counts; absent: keys that lie in the store. */
  removalKeys?: TrustedKeys;
  /** What else is to be compared with a study's manifest lines. */
  also?(study: VerifiedStudy): Promise<Finding[]> | Finding[];
}

export interface VerifiedStudy {
  path: string;
  /** Absent where nothing readable says it. */
  studyInstanceUID?: string;
  segments: number;
  /** Manifest lines as read. */
  entries: CheckedEntry[];
  /** What was removed rightfully. */
  removed?: Removed;
  /** False while a segment could not be read: `entries` may lack some. */
  complete: boolean;
  /** Checks of objects by key. */
  checks: Map<string, ObjectCheck>;
  sound: number;
  bytes: number;
  patient?: FindingPatient;
  findings: Finding[];
}

/** Reads and compares everything of one study. Never throws; what cannot be asked for is a finding 'not-checked'. */
export async function verifyStudy(context: StudyContext, found: FoundStudy): Promise<VerifiedStudy> {
  const study: VerifiedStudy = {
    path: found.path,
    segments: 0,
    entries: [],
    complete: true,
    checks: new Map(),
    sound: 0,
    bytes: 0,
    findings: [],
  };
  try {
    const keys = found.keys ?? (await context.reader.list(found.path));
    const read = await readSegments(context, keys);
    takeSegments(study, read);
    await checkObjects(context, study);
    await findStrays(context, study, keys);
    findTwoContents(study);
    if (!study.complete) context.catalogue?.leaveOut(study.path);
    else if (study.studyInstanceUID) study.findings.push(...((await context.catalogue?.compare(study)) ?? []));
    study.findings.push(...((await context.also?.(study)) ?? []));
  } catch (thrown) {
    const text = `this study could not be checked: ${asLifeboatError(thrown).message}`;
    study.findings.push({ kind: 'not-checked', key: found.path, text });
  }
  await namePatients(context, study);
  return study;
}

function takeSegments(study: VerifiedStudy, read: ReadSegments): void {
  study.segments = read.segments.length;
  study.removed = read.removed;
  study.entries = read.segments
    .flatMap(({ manifest, entries }) => (manifest.misplaced ? [] : entries))
    .filter((entry) => !read.removed.contents.has(contentId(entry)));
  study.complete = read.complete;
  study.findings.push(...read.findings);
  for (const { patient } of read.segments) study.patient = patient ?? study.patient;
  const named = study.path.split('/')[1];
  study.studyInstanceUID = study.entries[0]?.studyInstanceUID ?? (/^[0-9.]+$/.test(named ?? '') ? named : undefined);
}

/** A turn is what one thread reads before the next is asked. */
const TURN_BYTES = 8 << 20;
const TURN_OBJECTS = 64;
const SLOW_TURN_BYTES = 256 << 10;
const TURNS_IN_FLIGHT = 16;

async function checkObjects(context: StudyContext, study: VerifiedStudy): Promise<void> {
  const byKey = new Map(study.entries.map((entry) => [entry.key, entry]));
  const owners = new Map(study.entries.map((entry) => [entry.sha256, entry]));
  const turns = turnsOf([...byKey.values()], context.throttle ? SLOW_TURN_BYTES : TURN_BYTES);
  await inLanes(turns, context.throttle ? 1 : TURNS_IN_FLIGHT, async (turn) => {
    if (context.signal?.aborted) return;
    await context.throttle?.(turn.reduce((sum, { size }) => sum + size, 0));
    const checks = await context.reader.check(turn.map(({ key }) => key));
    for (const [i, { key }] of turn.entries()) study.checks.set(key, checks[i]!);
  });
  for (const entry of uniqueClaims(study.entries)) {
    const check = study.checks.get(entry.key);
    if (!check) continue;
    if (check.state === 'read') study.bytes += check.size;
    const finding = judge(entry, check, owners);
    if (finding) study.findings.push(finding);
    else study.sound++;
  }
  for (const entry of study.entries)
    if (entry.rightKey)
      study.findings.push(about(entry, 'wrong-key', `a manifest names it here; its own key is ${entry.rightKey}`));
}

function turnsOf(entries: CheckedEntry[], bytes: number): CheckedEntry[][] {
  const turns: CheckedEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    if (room < entry.size || turns.at(-1)!.length >= TURN_OBJECTS) {
      turns.push([]);
      room = bytes;
    }
    turns.at(-1)!.push(entry);
    room -= entry.size;
  }
  return turns;
}

/** Lines of several writers that say the same of one key count once. */
function uniqueClaims(entries: CheckedEntry[]): CheckedEntry[] {
  const claims = new Map(entries.map((entry) => [`${entry.key} ${entry.sha256} ${entry.size}`, entry]));
  return [...claims.values()];
}

function about(entry: CheckedEntry, kind: FindingKind, text: string): Finding {
  const { key, studyInstanceUID, sopInstanceUID } = entry;
  return { kind, key, studyInstanceUID, sopInstanceUID, text };
}

function judge(entry: CheckedEntry, check: ObjectCheck, owners: Map<string, CheckedEntry>): Finding | null {
  if (check.state === 'missing') return about(entry, 'missing', 'the store says that this object is not there');
  if (check.state === 'not-checked')
    return about(entry, 'not-checked', `the store did not answer, also after tries: ${check.reason}`);
  if (check.sha256 === entry.sha256 && check.size === entry.size) return null;
  const owner = owners.get(check.sha256);
  if (owner && owner.key !== entry.key) return about(entry, 'swapped', `it holds the bytes of ${owner.key}`);
  const sizes = `${check.size} bytes instead of ${entry.size}`;
  if (check.size < entry.size) return about(entry, 'truncated', sizes);
  if (check.size > entry.size) return about(entry, 'grown', sizes);
  return about(entry, 'flipped', `its SHA-256 is ${check.sha256} instead of ${entry.sha256}`);
}

async function findStrays(context: StudyContext, study: VerifiedStudy, keys: StudyKeys): Promise<void> {
  const named = new Set(study.entries.map(({ key }) => key));
  const owners = new Map(study.entries.map((entry) => [entry.sha256, entry]));
  const suspects = keys.objects.filter((key) => !named.has(key) && !study.removed?.keys.has(key));
  for (const key of suspects) {
    if (context.signal?.aborted) return;
    const found = await look(context, key, study.findings);
    if (!found || isYoung(context, found.modifiedMs)) continue;
    await context.throttle?.(found.size);
    const check = (await context.reader.check([key]))[0]!;
    const finding = (kind: FindingKind, text: string) =>
      study.findings.push({ kind, key, studyInstanceUID: study.studyInstanceUID, text });
    if (check.state === 'missing') continue;
    if (check.state === 'not-checked') finding('not-checked', `the store did not answer: ${check.reason}`);
    else {
      study.bytes += check.size;
      const owner = owners.get(check.sha256);
      if (owner) finding('wrong-key', `it holds the content whose key is ${owner.key}`);
      else if (!study.complete) finding('stray', 'no readable manifest names this object');
      else if (key.endsWith(`.${check.sha256.slice(0, 32)}.dcm`)) finding('stray', 'no manifest names this object');
      else finding('stray', 'no manifest names this object, and its bytes are not those its name tells of');
    }
  }
}

/** null when it is gone; an answer that does not come is a finding. */
async function look({ store }: StudyContext, key: string, findings: Finding[]) {
  try {
    return await store.head(key);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    // a name that no writer could have given: it is there all the same
    if (error.code === 'BAD_REQUEST') findings.push({ kind: 'stray', key, text: 'this is no key of an archive' });
    else findings.push({ kind: 'not-checked', key, text: `the store did not answer: ${error.message}` });
    return null;
  }
}

/** What was written a moment ago may be in the middle of its commit. */
export function isYoung({ strayAgeMs }: Pick<StudyContext, 'strayAgeMs'>, atMs = 0): boolean {
  return strayAgeMs > 0 && atMs > Date.now() - strayAgeMs;
}

function findTwoContents(study: VerifiedStudy): void {
  const contents = new Map<string, Map<string, CheckedEntry>>();
  for (const entry of study.entries) {
    const instance = contents.get(instanceId(entry));
    if (instance) instance.set(contentId(entry), entry);
    else contents.set(instanceId(entry), new Map([[contentId(entry), entry]]));
  }
  for (const instance of contents.values()) {
    if (instance.size < 2) continue;
    const newest = [...instance.values()].reduce((a, b) => (a.receivedAt > b.receivedAt ? a : b));
    const text = `${instance.size} contents were received under this SOP Instance UID; all are kept`;
    study.findings.push(about(newest, 'two-contents', text));
  }
}

/** Whose images they are: from the manifests, else the metadata segments, else what the catalogue remembers. */
async function namePatients(context: StudyContext, study: VerifiedStudy): Promise<void> {
  if (study.findings.length === 0) return;
  const patient =
    study.patient ??
    (study.studyInstanceUID && (await context.catalogue?.patient(study.studyInstanceUID))) ??
    undefined;
  for (const finding of study.findings) {
    finding.studyInstanceUID ??= study.studyInstanceUID;
    if (patient) finding.patient ??= patient;
  }
}
