import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import type { DicomJson, InstanceEntry, PixelDataLayout } from '../../storage/format/manifest.ts';
import { buildFileHeader } from '../../storage/format/part10.ts';
import { type BulkSource, type Elsewhere, lengthOf, type Piece, writeDataSet } from '../dicomweb/json-data-set.ts';
import { checkedObject, type ObjectSource } from './checked-object.ts';
import { deidentified, type MadeUpPatient, mayBeBurnedIn } from './deidentify.ts';
import { nameEntries } from './file-names.ts';
import { addBytes } from './stream-study.ts';
import { ZipWriter } from './zip-writer.ts';

const LARGEST = 1 << 30;
const EXPLICIT_LE = '1.2.840.10008.1.2.1';
/** Implicit and explicit little endian: the bytes of native pixels stay as they are. */
const native = /^1\.2\.840\.10008\.1\.2(\.1)?$/;
const encapsulated = /^1\.2\.840\.10008\.1\.2\.(4\.\d+|5)$/;

function bytesOf(whole: Uint8Array, start: number, end: number): Elsewhere {
  const part = whole.subarray(start, end);
  return {
    length: part.length,
    read: async function* () {
      yield part;
    },
  };
}

/** Fragments of a frame as one. */
function frameBytes(whole: Uint8Array, spans: readonly number[]): Elsewhere {
  const parts: Uint8Array[] = [];
  for (let i = 0; i + 1 < spans.length; i += 2) parts.push(whole.subarray(spans[i]!, spans[i]! + spans[i + 1]!));
  return {
    length: parts.reduce((sum, part) => sum + part.length, 0),
    read: async function* () {
      yield* parts;
    },
  };
}

function bulkOf(whole: Uint8Array, layout: PixelDataLayout): BulkSource {
  return (uri, tag) => {
    if (tag === '7FE00010' && layout.kind === 'encapsulated')
      return { fragments: layout.frames.map((spans) => frameBytes(whole, spans)) };
    const [, start, length] = /^bulk:(\d+):(\d+)$/.exec(uri) ?? [];
    if (start === undefined) throw new LifeboatError('DATASET_UNREADABLE', 'An attribute refers to nothing.');
    return bytesOf(whole, Number(start), Number(start) + Number(length));
  };
}

async function readWhole(source: ObjectSource, entry: InstanceEntry): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await checkedObject(source, entry)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Why an object is not in a teaching copy, or null. */
export function leftOut(entry: InstanceEntry): string | null {
  const { pixelData, transferSyntaxUID, size } = entry;
  if (!pixelData) return 'no picture: reports and documents are full of names';
  if (/^1\.2\.840\.10008\.1\.2\.4\.10\d/.test(transferSyntaxUID))
    return 'a video: nobody can check all of its pictures here';
  if (pixelData.kind === 'deflated' || !(native.test(transferSyntaxUID) || encapsulated.test(transferSyntaxUID)))
    return 'its transfer syntax cannot be written anew';
  return size > LARGEST ? 'larger than 1 GiB' : null;
}

/** One object without its patient as a Part 10 file, and whether there may be names in its pixels. */
export async function teachingFile(
  source: ObjectSource,
  entry: InstanceEntry,
  patient: MadeUpPatient,
): Promise<{ pieces: Piece[]; burnedIn: boolean }> {
  const whole = await readWhole(source, entry);
  const { transferSyntaxUID, dataSetOffset } = entry;
  const { metadata, pixelData } = describeObjectSync(inMemory(whole), { transferSyntaxUID, dataSetOffset });
  if (!pixelData) throw new LifeboatError('DATASET_UNREADABLE', 'The object has no pixel data.');
  const made: DicomJson = deidentified(metadata, patient);
  const syntax = native.test(transferSyntaxUID) ? EXPLICIT_LE : transferSyntaxUID;
  const header = buildFileHeader({
    sopClassUID: entry.sopClassUID,
    sopInstanceUID: String(made['00080018']?.Value?.[0]),
    transferSyntaxUID: syntax,
  });
  return {
    pieces: [header, ...writeDataSet(made, bulkOf(whole, pixelData)).pieces],
    burnedIn: mayBeBurnedIn(metadata),
  };
}

async function* bodyOf(pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* piece.read();
  }
}

/**
 * Writes a teaching copy as one ZIP: pictures without their patient, and a text that says which of them a person must look at
 * for burned-in names and what was left out.
 */
export async function streamTeachingCopy(
  source: ObjectSource,
  entries: InstanceEntry[],
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const id = randomBytes(6).toString('hex').toUpperCase();
  const patient: MadeUpPatient = { name: `TEACHING^${id}`, id: `TEACH-${id}`, secret: randomBytes(32) };
  const writer = new ZipWriter({ write });
  const burnedIn: string[] = [];
  const missing = new Map<string, number>();
  const usable = entries.filter((entry) => {
    const reason = leftOut(entry);
    if (reason) missing.set(reason, (missing.get(reason) ?? 0) + 1);
    return !reason;
  });
  for (const { entry, name } of nameEntries(usable)) {
    const file = await teachingFile(source, entry, patient);
    await writer.add(name, lengthOf(file.pieces), bodyOf(file.pieces));
    if (file.burnedIn) burnedIn.push(name);
  }
  const lines = [
    'Teaching copy made by Lifeboat (PS3.15 Annex E, Basic Application Level Confidentiality Profile).',
    'The pixels are as they were. Look at every picture before you show it: names may be written into it,',
    'and a face can be made from thin slices of a head.',
    '',
    burnedIn.length > 0
      ? 'Names are likely in these pictures, or the picture does not say:'
      : 'No picture says or suggests that there is text in it.',
    ...burnedIn,
    '',
    ...[...missing].map(([reason, count]) => `${count} left out: ${reason}.`),
    '',
  ];
  await addBytes(writer, 'READ ME FIRST.txt', Buffer.from(lines.join('\r\n')));
  await writer.finish();
}
