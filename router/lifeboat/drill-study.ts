import { createHash } from 'node:crypto';
import { asLifeboatError } from '../../contract/errors.ts';
import type { DrillStudy } from '../../contract/lifeboat.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import type { LifeboatHit, LifeboatIndex, LifeboatSource } from '../../storage/format/lifeboat-index.ts';
import { readLifeboatStudy } from '../../storage/format/lifeboat-study.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { describeImage } from '../dicomweb/image-description.ts';
import { canDecode, codecsReady, decodeFrame } from '../dicomweb/render/decode.ts';

const MOST_NAMED = 5;

export interface StudyCheck extends DrillStudy {
  /** Something did not answer: nothing is known of it. */
  unanswered: boolean;
  /** All of it came so lately that the index was not asked for it. */
  tooNew: boolean;
}

/** Of `text` and how often it came. */
class Problems {
  readonly sentences: string[] = [];
  #more = 0;
  unanswered = false;

  add(sentence: string): void {
    if (this.sentences.length < MOST_NAMED) this.sentences.push(sentence);
    else this.#more++;
  }

  /** Whatever was thrown; true when no answer came. */
  caught(what: string, thrown: unknown): void {
    const error = asLifeboatError(thrown);
    if (error.code === 'STORE_UNAVAILABLE') this.unanswered = true;
    this.add(`${what}: ${error.message}`);
  }

  all(): string[] {
    return this.#more > 0 ? [...this.sentences, `and ${this.#more} more`] : this.sentences;
  }
}

/**
 * One study as lifeboat mode meets it: found by every way of searching; complete by what the index knows alone, as on a copy that
 * cannot be listed; every object's bytes against its hash; of every series one frame fetched by its range, compared with the object
 * and decoded.
 * @param settledBefore ms since 1970; what came later need not be in the index yet
 */
export async function drillStudy(
  source: LifeboatSource,
  index: LifeboatIndex,
  studyInstanceUID: string,
  settledBefore: number,
): Promise<StudyCheck> {
  const problems = new Problems();
  const count = { instances: 0, frames: 0, bytes: 0 };
  let tooNew = false;
  try {
    const { entries, problems: unread } = await readLifeboatStudy(source, studyInstanceUID);
    for (const sentence of unread) problems.add(sentence);
    const settled = contents(entries).filter(({ receivedAt }) => Date.parse(receivedAt) < settledBefore);
    tooNew = settled.length === 0;
    if (!tooNew) {
      const hit = await checkFound(index, studyInstanceUID, problems);
      await checkWithoutList(source, hit, studyInstanceUID, settled, problems);
    }
    await codecsReady();
    const decodedSeries = new Set<string>();
    for (const entry of contents(entries)) {
      const { frames, bytes } = await checkObject(source, entry, decodedSeries, problems);
      count.instances++;
      count.frames += frames;
      count.bytes += bytes;
    }
    if (count.instances === 0) problems.add('Its lists of images name none.');
  } catch (error) {
    problems.caught('The study cannot be opened', error);
  }
  return { studyInstanceUID, ...count, problems: problems.all(), unanswered: problems.unanswered, tooNew };
}

/** Each content once. */
function contents(entries: readonly InstanceEntry[]): InstanceEntry[] {
  return [...new Map(entries.map((entry) => [entry.key, entry])).values()];
}

async function checkFound(
  index: LifeboatIndex,
  studyInstanceUID: string,
  problems: Problems,
): Promise<LifeboatHit | undefined> {
  const { hit, complete, problems: said } = await index.findStudy(studyInstanceUID);
  if (!complete) for (const sentence of said) problems.add(`The search index: ${sentence}`);
  if (!hit) {
    problems.add('It is not in the search index.');
    return undefined;
  }
  const ways: [string, string, object][] = [
    ['patient ID', hit.patientID, { patientID: hit.patientID }],
    ['accession number', hit.accessionNumber, { accessionNumber: hit.accessionNumber }],
    ['study date', hit.studyDate, { studyDate: { from: hit.studyDate, to: hit.studyDate } }],
  ];
  for (const [name, value, search] of ways) {
    if (!value) continue;
    let after: string | undefined;
    let found = false;
    do {
      const page = await index.search({ ...search, limit: 200, ...(after !== undefined && { after }) });
      found = page.hits.some((each) => each.studyInstanceUID === studyInstanceUID);
      after = page.next;
    } while (!found && after !== undefined);
    if (!found) problems.add(`It is not found by its ${name}.`);
  }
  return hit;
}

async function checkWithoutList(
  { get }: LifeboatSource,
  hit: LifeboatHit | undefined,
  studyInstanceUID: string,
  settled: readonly InstanceEntry[],
  problems: Problems,
): Promise<void> {
  const segments = hit?.segments ?? [];
  const known = segments.length > 0 ? await readLifeboatStudy({ get }, studyInstanceUID, segments) : { entries: [] };
  const keys = new Set(known.entries.map(({ key }) => key));
  const unknown = settled.filter(({ key }) => !keys.has(key)).length;
  if (unknown > 0)
    problems.add(`On a plain copy ${unknown} of its images would be missing: the index does not know them.`);
}

/** Counts what was right. */
async function checkObject(
  source: LifeboatSource,
  entry: InstanceEntry,
  decodedSeries: Set<string>,
  problems: Problems,
): Promise<{ frames: number; bytes: number }> {
  const nothing = { frames: 0, bytes: 0 };
  const image = `Image ${entry.sopInstanceUID}`;
  try {
    const object = await source.get(entry.key);
    if (object.length !== entry.size) {
      problems.add(`${image} has ${object.length} bytes instead of ${entry.size}.`);
      return nothing;
    }
    if (createHash('sha256').update(object).digest('hex') !== entry.sha256) {
      problems.add(`${image} is not what was received: its SHA-256 differs.`);
      return { ...nothing, bytes: object.length };
    }
    const frames = entry.pixelData ? frameCount(entry.pixelData) : 0;
    if (frames > 0 && !decodedSeries.has(entry.seriesInstanceUID)) {
      await checkFrame(source, entry, object, Math.floor(frames / 2), problems);
      decodedSeries.add(entry.seriesInstanceUID);
    }
    return { frames, bytes: object.length };
  } catch (error) {
    problems.caught(image, error);
    return nothing;
  }
}

async function checkFrame(
  source: LifeboatSource,
  entry: InstanceEntry,
  object: Uint8Array,
  frame: number,
  problems: Problems,
): Promise<void> {
  const range = frameRange(entry.pixelData!, frame);
  if (!range) return;
  const span = await source.get(entry.key, { first: range.start, last: range.end - 1 });
  const name = `Frame ${frame + 1} of image ${entry.sopInstanceUID}`;
  if (Buffer.compare(span, object.subarray(range.start, range.end)) !== 0) {
    problems.add(`${name}, fetched alone, is not what the whole object has there.`);
    return;
  }
  // What no reader of ours decodes (video, say) is kept and handed out; its hash is the proof.
  if (!canDecode(entry.transferSyntaxUID)) return;
  try {
    const description = describeImage(entry.attributes, entry.transferSyntaxUID);
    decodeFrame(extractFrame(entry.pixelData!, frame, span), description);
  } catch (error) {
    // A picture that came damaged is kept as it came, and its manifest says so.
    if (!entry.notes?.length) problems.add(`${name} cannot be decoded: ${asLifeboatError(error).message}`);
  }
}
