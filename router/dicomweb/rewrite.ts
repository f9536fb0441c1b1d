import dcmjsCodecs from 'dcmjs-codecs';
import dicomParser from 'dicom-parser';
import { LifeboatError } from '../../contract/errors.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import type { PixelDataLayout } from '../../storage/format/manifest.ts';
import { buildFileHeader, parseFileHeader } from '../../storage/format/part10.ts';
import { describeImage, type ImageDescription } from './image-description.ts';
import { isUncompressed, TransferSyntax as T } from './media-types.ts';
import { type Decoded, decodeFrame, encodeFrame } from './render/decode.ts';
import { pixelDataSpan } from './retrieval.ts';

const MAX_PIXEL_BYTES = 0xfffffffe;
/** Tag, VR, two reserved bytes, 32-bit length (PS3.5 7.1.2). */
const LONG_HEADER_BYTES = 12;

/**
 * A PS3.10 file with its pixel data in another transfer syntax. Everything else of the data set stays byte for byte, but
 * for the attributes that describe the pixels; data sets in implicit VR or big endian are re-encoded as a whole.
 *
 * @param file of a deflated object: already inflated in its place
 */
export function rewriteFile(file: Uint8Array, target: string): Uint8Array {
  const header = parseFileHeader(file, true);
  if (!header) throw new LifeboatError('NOT_DICOM');
  const source = header.transferSyntaxUID;
  if (source === T.ImplicitVRLittleEndian || source === T.ExplicitVRBigEndian) {
    const explicit = reencoded(file);
    return target === T.ExplicitVRLittleEndian ? explicit : rewriteFile(explicit, target);
  }
  const syntax = source === T.DeflatedExplicitVRLittleEndian ? T.ExplicitVRLittleEndian : source;
  const known = { size: file.length, dataSetOffset: header.dataSetOffset, transferSyntaxUID: syntax };
  const described = describeObjectSync(inMemory(file), known);
  const meta = buildFileHeader({
    sopClassUID: described.sopClassUID ?? '',
    sopInstanceUID: described.sopInstanceUID ?? '',
    transferSyntaxUID: target,
  });
  const dataSet = file.subarray(header.dataSetOffset);
  const layout = described.pixelData;
  if (!layout || (isUncompressed(syntax) && target === T.ExplicitVRLittleEndian)) return Buffer.concat([meta, dataSet]);
  const image = describeImage(described.metadata, syntax);
  const frames = convertedFrames(file, layout, image, target);
  const span = pixelDataSpan(described.metadata);
  const before = file.subarray(header.dataSetOffset, span.offset - LONG_HEADER_BYTES);
  return Buffer.concat([
    meta,
    patched(meta, before, frames[0]?.image ?? image),
    target === T.ExplicitVRLittleEndian ? nativeElement(frames) : encapsulatedElement(frames),
    file.subarray(endOf(file, span.offset + span.length)),
  ]);
}

/** Implicit VR and big endian to explicit VR little endian, by dcmjs. */
function reencoded(file: Uint8Array): Uint8Array {
  const copy = new Uint8Array(file);
  const transcoder = new dcmjsCodecs.Transcoder(copy.buffer);
  transcoder.transcode(T.ExplicitVRLittleEndian);
  return new Uint8Array(transcoder.getDicomPart10());
}

function convertedFrames(
  file: Uint8Array,
  layout: PixelDataLayout,
  image: ImageDescription,
  target: string,
): Decoded[] {
  const frames: Decoded[] = [];
  let total = 0;
  for (let i = 0; i < frameCount(layout); i++) {
    const range = frameRange(layout, i);
    if (!range) throw new LifeboatError('NOT_ACCEPTABLE', 'A frame of this object has no bytes.');
    const decoded = decodeFrame(extractFrame(layout, i, file.subarray(range.start, range.end)), image);
    const frame = target === T.ExplicitVRLittleEndian ? decoded : encodeFrame(decoded, target);
    total += frame.bytes.length;
    if (total > MAX_PIXEL_BYTES) throw new LifeboatError('NOT_ACCEPTABLE', 'The transcoded object would be too large.');
    frames.push({ bytes: new Uint8Array(frame.bytes), image: frame.image });
  }
  return frames;
}

/** Past the sequence delimitation item of encapsulated pixel data, when it is there. */
function endOf(file: Uint8Array, end: number): number {
  const delimiter = [0xfe, 0xff, 0xdd, 0xe0];
  return delimiter.every((byte, i) => file[end + i] === byte) ? end + 8 : end;
}

function elementHeader(element: number, vr: string, length: number): Buffer {
  const bytes = Buffer.alloc(LONG_HEADER_BYTES);
  bytes.writeUInt16LE(0x7fe0, 0);
  bytes.writeUInt16LE(element, 2);
  bytes.write(vr, 4, 'latin1');
  bytes.writeUInt32LE(length, 8);
  return bytes;
}

function nativeElement(frames: readonly Decoded[]): Buffer {
  const length = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
  const vr = (frames[0]?.image.bitsAllocated ?? 8) > 8 ? 'OW' : 'OB';
  return Buffer.concat([
    elementHeader(0x0010, vr, length + (length % 2)),
    ...frames.map((frame) => frame.bytes),
    Buffer.alloc(length % 2),
  ]);
}

/** Empty basic offset table, one fragment a frame (PS3.5 A.4). */
function encapsulatedElement(frames: readonly Decoded[]): Buffer {
  const item = (tag: number, length: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(0xfffe, 0);
    bytes.writeUInt16LE(tag, 2);
    bytes.writeUInt32LE(length, 4);
    return bytes;
  };
  const fragments = frames.flatMap(({ bytes }) => [
    item(0xe000, bytes.length + (bytes.length % 2)),
    bytes,
    Buffer.alloc(bytes.length % 2),
  ]);
  return Buffer.concat([elementHeader(0x0010, 'OB', 0xffffffff), item(0xe000, 0), ...fragments, item(0xe0dd, 0)]);
}

/** The data set in front of the pixel data with the attributes that describe the pixels as they are now. */
function patched(meta: Uint8Array, before: Uint8Array, image: ImageDescription): Buffer {
  const { elements } = dicomParser.parseDicom(Buffer.concat([meta, before]));
  const photometric = image.photometricInterpretation;
  const word = (value: number) => {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return bytes;
  };
  const changes: [string, Buffer][] = [
    ['x00280004', Buffer.from(photometric.length % 2 ? `${photometric} ` : photometric, 'latin1')],
    ['x00280006', word(image.planarConfiguration)],
    ['x00280100', word(image.bitsAllocated)],
  ];
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [tag, value] of changes) {
    const element = elements[tag];
    if (!element || element.length > 16) continue;
    const start = element.dataOffset - meta.length;
    pieces.push(before.subarray(at, start - 2), word(value.length), value);
    at = start + element.length;
  }
  // An extended offset table (7FE0,0001), (7FE0,0002) speaks of fragments that are no more.
  const table = elements['x7fe00001'] ?? elements['x7fe00002'];
  const end = table ? table.dataOffset - meta.length - LONG_HEADER_BYTES : before.length;
  pieces.push(before.subarray(at, end));
  return Buffer.concat(pieces);
}
