/**
 * Understanding a kept object: its attributes, its full metadata and where its frames are, from the header and the item
 * headers of its pixel data alone. Content never makes it fail: what is odd is in `notes`. Runs in the browser too.
 */
import { ByteWindow, LoadedChunks, MissingBytes, type RandomAccess, type SyncRandomAccess } from './byte-window.ts';
import { displayAttributes } from './display-attributes.ts';
import {
  type EncapsulatedFrames,
  type EncapsulatedInput,
  locateFrames,
  type ReadRequest,
  type Reads,
} from './fragments.ts';
import { type Encoding, HeaderParser } from './header-parser.ts';
import type { DicomJson, PixelDataLayout } from './manifest.ts';
import { TransferSyntax } from './transfer-syntaxes.ts';

export type { RandomAccess, SyncRandomAccess } from './byte-window.ts';
export { inMemory } from './byte-window.ts';

/** What is known of an object before it is described. */
export interface KnownObject {
  transferSyntaxUID: string;
  /** First byte of the data set in the object. */
  dataSetOffset: number;
}

export interface DescribedObject {
  studyInstanceUID?: string;
  seriesInstanceUID?: string;
  sopInstanceUID?: string;
  sopClassUID?: string;
  /** What search and display need. */
  attributes: DicomJson;
  /**
   * Everything, as DICOM JSON Model (PS3.18 Annex F) without group lengths and file meta information. `bulk:OFFSET:LENGTH`
   * counts from the start of the object; in a deflated object as though the data set were inflated in its place.
   */
  metadata: DicomJson;
  pixelData?: PixelDataLayout;
  notes: string[];
}

export const DEFLATED_EXPLICIT_LE = TransferSyntax.DeflatedExplicitVRLittleEndian;
const IMPLICIT_LE = TransferSyntax.ImplicitVRLittleEndian;
const EXPLICIT_BE = TransferSyntax.ExplicitVRBigEndian;
const UNDEFINED_LENGTH = 0xffffffff;
const FIRST_READ = 64 * 1024;
const MAX_READ = 8 * 1024 * 1024;
/** More than any real header: a deflated data set is inflated no further than this. */
export const INFLATE_LIMIT = 64 * 1024 * 1024;
/** Deflated bytes taken at once; 1 byte may become 1032. */
const DEFLATED_CHUNK = 64 * 1024;

function encodingOf(transferSyntaxUID: string): Encoding {
  return {
    explicit: transferSyntaxUID !== IMPLICIT_LE,
    littleEndian: transferSyntaxUID !== EXPLICIT_BE,
  };
}

/** Numbers of the header that decide the layout; 0 where absent or senseless. */
function count(json: DicomJson, tag: string): number {
  const value = Number(json[tag]?.Value?.[0] ?? 0);
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function uid(json: DicomJson, tag: string): string | undefined {
  const value = json[tag]?.Value?.[0];
  return typeof value === 'string' ? value : undefined;
}

/** Bits of one uncompressed frame (PS3.5 8); 0 when the header does not say. */
function bitsPerFrame(json: DicomJson, tag: string): number {
  const pixels = count(json, '00280010') * count(json, '00280011');
  if (tag === '7FE00008') return pixels * 32;
  if (tag === '7FE00009') return pixels * 64;
  const photometric = json['00280004']?.Value?.[0];
  const samples =
    photometric === 'YBR_FULL_422' || photometric === 'YBR_PARTIAL_422' ? 2 : Math.max(1, count(json, '00280002'));
  return pixels * samples * count(json, '00280100');
}

function nativeLayout(
  parser: HeaderParser,
  tag: '7FE00010' | '7FE00008' | '7FE00009',
  offset: number,
  length: number,
): PixelDataLayout {
  const announced = Math.max(1, count(parser.json, '00280008'));
  let frameBits = bitsPerFrame(parser.json, tag);
  const photometric = String(parser.json['00280004']?.Value?.[0] ?? '');
  if (photometric.endsWith('_422') && frameBits > 0 && length * 8 >= (frameBits / 2) * 3 * announced) {
    // Senders often leave the name though the samples are no longer subsampled: then three are there for each pixel.
    frameBits = (frameBits / 2) * 3;
    parser.note(`${photometric} though the samples are not subsampled`);
  }
  if (frameBits === 0)
    return { kind: 'native', tag, offset, length, frameBits: length * 8, frames: length > 0 ? 1 : 0 };
  const present = Math.floor((length * 8) / frameBits);
  if (present < announced) parser.note('the pixel data is shorter than Rows, Columns and Number of Frames say');
  else if (length > Math.ceil((frameBits * announced) / 8) + 1) {
    parser.note('the pixel data is longer than Rows, Columns and Number of Frames say');
  }
  return { kind: 'native', tag, offset, length, frameBits, frames: Math.min(announced, present) };
}

function isEncapsulatedSyntax(transferSyntaxUID: string): boolean {
  return /^1\.2\.840\.10008\.1\.2\.(4\.|5$|6\.)/.test(transferSyntaxUID);
}

function encapsulatedInput(parser: HeaderParser, size: number, known: KnownObject): EncapsulatedInput | undefined {
  const { pixelData } = parser;
  if (pixelData?.length !== UNDEFINED_LENGTH) return undefined;
  return {
    offset: pixelData.offset,
    size,
    numberOfFrames: Math.max(1, count(parser.json, '00280008')),
    transferSyntaxUID: known.transferSyntaxUID,
    littleEndian: encodingOf(known.transferSyntaxUID).littleEndian,
    extendedOffsets: parser.extendedOffsets,
    extendedLengths: parser.extendedLengths,
  };
}

function finish(
  parser: HeaderParser,
  known: KnownObject,
  frames: EncapsulatedFrames | undefined,
  deflated: boolean,
): DescribedObject {
  const { json, pixelData } = parser;
  let layout: PixelDataLayout | undefined;
  if (pixelData && frames) {
    for (const note of frames.notes) parser.note(note);
    const element = json[pixelData.tag];
    if (element) element.BulkDataURI = `bulk:${pixelData.offset}:${frames.end - pixelData.offset}`;
    layout = { kind: 'encapsulated', tag: '7FE00010', offset: pixelData.offset, frames: frames.frames };
  } else if (pixelData && pixelData.length !== UNDEFINED_LENGTH) {
    const native = nativeLayout(parser, pixelData.tag, pixelData.offset, pixelData.length);
    const expected = bitsPerFrame(json, pixelData.tag) / 8;
    if (isEncapsulatedSyntax(known.transferSyntaxUID) && pixelData.length > 0) {
      parser.note('pixel data is not encapsulated though the transfer syntax says so');
      layout =
        pixelData.length >= expected
          ? native
          : {
              kind: 'encapsulated',
              tag: '7FE00010',
              offset: pixelData.offset,
              frames: [[pixelData.offset, pixelData.length]],
            };
    } else layout = native;
  }
  if (deflated && layout) {
    layout = {
      kind: 'deflated',
      frames: layout.kind === 'encapsulated' ? layout.frames.length : Number(layout.frames),
    };
  }
  return {
    studyInstanceUID: uid(json, '0020000D'),
    seriesInstanceUID: uid(json, '0020000E'),
    sopInstanceUID: uid(json, '00080018'),
    sopClassUID: uid(json, '00080016'),
    attributes: displayAttributes(json),
    metadata: json,
    pixelData: layout,
    notes: [...parser.notes],
  };
}

function runSync<T>(reads: Reads<T>, reader: SyncRandomAccess): T {
  let step = reads.next();
  while (!step.done) {
    step = reads.next(step.value.map(({ offset, length }) => clipped(offset, length, reader)));
  }
  return step.value;
}

function clipped(offset: number, length: number, reader: SyncRandomAccess): Uint8Array {
  return offset >= reader.size ? new Uint8Array(0) : reader.read(offset, Math.min(length, reader.size - offset));
}

/**
 * Describes an object that can be read synchronously.
 * @param inflateRaw for deflated data sets: inflates (RFC 1951) a possibly incomplete stream, at most `limit` bytes, and
 *   answers what came out until then
 */
export function describeObjectSync(
  reader: SyncRandomAccess,
  known: KnownObject,
  inflateRaw?: (deflated: Uint8Array, limit: number) => Uint8Array,
): DescribedObject {
  if (known.transferSyntaxUID === DEFLATED_EXPLICIT_LE) {
    if (!inflateRaw) throw new TypeError('describing a deflated data set needs inflateRaw');
    const deflated = reader.read(known.dataSetOffset, reader.size - known.dataSetOffset);
    return describeInflated(inflateRaw(deflated, INFLATE_LIMIT), known);
  }
  return describePlain(reader, known, false);
}

function describePlain(reader: SyncRandomAccess, known: KnownObject, deflated: boolean): DescribedObject {
  const parser = new HeaderParser(new ByteWindow(reader), known.dataSetOffset, encodingOf(known.transferSyntaxUID));
  parser.run();
  const input = encapsulatedInput(parser, reader.size, known);
  const frames = input ? runSync(locateFrames(input), reader) : undefined;
  if (frames && frames.end < reader.size) parser.run(frames.end);
  return finish(parser, known, frames, deflated);
}

function describeInflated(inflated: Uint8Array, known: KnownObject): DescribedObject {
  const offset = known.dataSetOffset;
  const cut = inflated.length >= INFLATE_LIMIT;
  const reader: SyncRandomAccess = {
    // Where inflating stopped early the pixel data may be as long as its header says.
    size: cut ? Number.MAX_SAFE_INTEGER : offset + inflated.length,
    read: (from, length) => inflated.subarray(from - offset, from - offset + length),
  };
  const described = describePlain(reader, known, true);
  if (cut && !described.pixelData) described.notes.push('the deflated data set is longer than is read');
  return described;
}

/** Describes an object wherever it is: the header is read in few, growing pieces, item headers in parallel. */
export async function describeObject(reader: RandomAccess, known: KnownObject): Promise<DescribedObject> {
  if (known.transferSyntaxUID === DEFLATED_EXPLICIT_LE) {
    return describeInflated(await inflateBounded(reader, known.dataSetOffset), known);
  }
  const chunks = new LoadedChunks(reader.size);
  const first = Math.min(FIRST_READ, reader.size - known.dataSetOffset);
  if (first > 0) chunks.add(known.dataSetOffset, await reader.read(known.dataSetOffset, first));
  const start = () => {
    const parser = new HeaderParser(new ByteWindow(chunks), known.dataSetOffset, encodingOf(known.transferSyntaxUID));
    parser.run();
    return parser;
  };
  let readLength = FIRST_READ;
  const attempt = async <T>(work: () => T): Promise<T> => {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof MissingBytes)) throw error;
        readLength = Math.min(readLength * 2, MAX_READ);
        const length = Math.min(Math.max(error.length, readLength), reader.size - error.offset);
        const bytes = await reader.read(error.offset, length);
        if (bytes.length < error.length) throw new RangeError('the object is shorter than its size');
        chunks.add(error.offset, bytes);
      }
    }
  };
  let parser = await attempt(start);
  const input = encapsulatedInput(parser, reader.size, known);
  const frames = input ? await runAsync(locateFrames(input), reader) : undefined;
  if (frames && frames.end < reader.size) {
    parser = await attempt(() => {
      const again = start();
      again.run(frames.end);
      return again;
    });
  }
  return finish(parser, known, frames, false);
}

async function runAsync<T>(reads: Reads<T>, reader: RandomAccess): Promise<T> {
  const read = ({ offset, length }: ReadRequest) =>
    offset >= reader.size
      ? Promise.resolve(new Uint8Array(0))
      : reader.read(offset, Math.min(length, reader.size - offset));
  let step = reads.next();
  while (!step.done) step = reads.next(await Promise.all(step.value.map(read)));
  return step.value;
}

/** Inflates from `offset` to the end of the object, but never more than `INFLATE_LIMIT`; a damaged stream ends early. */
async function inflateBounded(reader: RandomAccess, offset: number): Promise<Uint8Array> {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  const output = stream.readable.getReader();
  const feed = (async () => {
    try {
      for (let at = offset; at < reader.size; at += DEFLATED_CHUNK) {
        const chunk = await reader.read(at, Math.min(DEFLATED_CHUNK, reader.size - at));
        await writer.write(new Uint8Array(chunk));
      }
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => undefined);
    }
  })();
  const parts: Uint8Array[] = [];
  let total = 0;
  try {
    for (;;) {
      const { done, value } = await output.read();
      if (done || !value) break;
      parts.push(value);
      total += value.length;
      if (total >= INFLATE_LIMIT) break;
    }
  } catch {
    // A damaged or cut stream: what came out so far is described, and its notes say that it ends early.
  }
  await output.cancel().catch(() => undefined);
  await feed;
  const inflated = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    inflated.set(part, at);
    at += part.length;
  }
  return inflated;
}
