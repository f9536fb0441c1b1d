import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { type DescribedObject, describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { frameCount } from '../../storage/format/frames.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { decodeEncapsulated, decodeNative, hasNativeFrames } from '../../viewer/src/features/reading/decode/decode.ts';
import type { DecodedFrame, PixelFormat } from '../../viewer/src/features/reading/decode/decode-types.ts';
import { readFrame } from '../../viewer/src/features/reading/decode/frame-bytes.ts';
import { needsPalette, paletteOf } from '../../viewer/src/features/reading/decode/lookup-table.ts';
import { pixelFormatOf } from '../../viewer/src/features/reading/decode/pixel-format.ts';
import {
  grayscaleOf,
  paddingOf,
  storedRangeOf,
  voiFunctionOf,
  windowVoi,
} from '../../viewer/src/features/reading/paint/grayscale.ts';
import { embeddedOverlaysOf, readOverlays } from '../../viewer/src/features/reading/paint/overlays.ts';
import { type Look, type Paintable, paintWords } from '../../viewer/src/features/reading/paint/paint-words.ts';
import { shutterOf } from '../../viewer/src/features/reading/paint/shutter.ts';
import { readTables } from '../../viewer/src/features/reading/paint/voi-tables.ts';
import { frameAttributesOf } from '../../viewer/src/features/reading/study/frame-attributes.ts';
import { pixelAspectOf } from '../../viewer/src/features/reading/study/geometry.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';
import { nodeCodecs } from './node-codecs.ts';

const deflatedExplicitLittleEndian = '1.2.840.10008.1.2.1.99';

/** A file as the viewer sees it: manifest attributes, frame ranges, bytes. */
export interface OpenedFile {
  described: DescribedObject;
  transferSyntaxUID: string;
  frames: number;
  format: PixelFormat;
  decode(frame: number): Promise<DecodedFrame>;
  /** The bytes of a frame as the decoder gets them. */
  encoded(frame: number): Promise<Uint8Array>;
  bytes: Uint8Array;
}

/** Opens a Part 10 file; null when it has no picture. */
export async function openFile(path: string): Promise<OpenedFile | null> {
  let bytes: Uint8Array = new Uint8Array(readFileSync(path));
  const header = parseFileHeader(bytes, true);
  if (!header) return null;
  let known = { transferSyntaxUID: header.transferSyntaxUID, dataSetOffset: header.dataSetOffset };
  if (known.transferSyntaxUID === deflatedExplicitLittleEndian) {
    bytes = new Uint8Array(inflateRawSync(bytes.subarray(known.dataSetOffset)));
    known = { transferSyntaxUID: '1.2.840.10008.1.2.1', dataSetOffset: 0 };
  }
  const described = describeObjectSync(inMemory(bytes), known);
  const layout = described.pixelData;
  if (!layout || frameCount(layout) === 0) return null;
  const format = pixelFormatOf(described.attributes, known.transferSyntaxUID, layout);
  if (format.rows === 0 || format.columns === 0) return null;
  const bigEndian = known.transferSyntaxUID === '1.2.840.10008.1.2.2';
  const read = async (start: number, end: number) => bytes.subarray(start, end);
  return {
    described,
    transferSyntaxUID: header.transferSyntaxUID,
    frames: frameCount(layout),
    format,
    bytes,
    encoded: async (frame) => await readFrame(layout, frame, format, read),
    decode: async (frame) => {
      const instance = { transferSyntaxUID: header.transferSyntaxUID } as Picture['instance'];
      const { attributes } = described;
      if (needsPalette({ id: '', studyInstanceUID: '', instance, attributes, frame, frames: 1 }))
        format.palette = await paletteOf(attributes, bigEndian, read);
      const cells = await readFrame(layout, frame, format, read);
      return hasNativeFrames(layout, header.transferSyntaxUID)
        ? decodeNative(cells, format)
        : await decodeEncapsulated(cells, format, nodeCodecs);
    },
  };
}

/** The picture that the viewer makes of one frame of a file. */
export function pictureOf(file: OpenedFile, frame: number): Picture {
  const { attributes } = file.described;
  const instance = { transferSyntaxUID: file.transferSyntaxUID } as Picture['instance'];
  return { id: '', studyInstanceUID: '', instance, attributes, frame, frames: file.frames };
}

/**
 * One frame as the viewer paints it, with its overlays and under the given window or the one it would choose.
 * @returns grey levels, or red, green and blue of every pixel
 */
export async function painted(
  file: OpenedFile,
  index: number,
  look: Look & { window?: { center: number; width: number } } = {},
): Promise<{ rows: number; columns: number; bytes: Uint8Array }> {
  const picture = pictureOf(file, index);
  const attributes = frameAttributesOf(picture);
  const frame = await file.decode(index);
  const read = async (start: number, end: number) => file.bytes.subarray(start, end);
  const item: Paintable = {
    frame,
    overlays: [...embeddedOverlaysOf(picture, frame), ...(await readOverlays(picture, read))],
  };
  const shape = shutterOf(attributes);
  if (shape) item.shutter = { shape, aspect: pixelAspectOf(attributes) };
  if (frame.kind === 'gray') {
    const range = storedRangeOf(frame, paddingOf(attributes));
    item.grayscale = grayscaleOf(attributes, range, await readTables(picture, read));
  }
  const { window } = look;
  const voi = window && windowVoi(window.center, window.width, voiFunctionOf(attributes));
  const words = new Uint32Array(frame.rows * frame.columns);
  paintWords(item, { voi, ...look }, words);
  const bytes =
    frame.kind === 'gray'
      ? Uint8Array.from(words, (word) => word & 255)
      : Uint8Array.from({ length: words.length * 3 }, (_, i) => (words[Math.floor(i / 3)]! >>> (8 * (i % 3))) & 255);
  return { rows: frame.rows, columns: frame.columns, bytes };
}

/** Greatest difference between two pictures, in grey levels. */
export function greatestDifference(a: Uint8Array, b: Uint8Array): number {
  let greatest = a.length === b.length ? 0 : 256;
  for (let i = 0; i < a.length; i += 1) greatest = Math.max(greatest, Math.abs(a[i]! - b[i]!));
  return greatest;
}
