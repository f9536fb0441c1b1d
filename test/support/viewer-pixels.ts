import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { type DescribedObject, describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { decodeFrame } from '../../viewer/src/features/reading/decode/decode.ts';
import type { DecodedFrame, PixelFormat } from '../../viewer/src/features/reading/decode/decode-types.ts';
import { paletteOf } from '../../viewer/src/features/reading/decode/lookup-table.ts';
import { isWordElement, pixelFormatOf } from '../../viewer/src/features/reading/decode/pixel-format.ts';
import { nodeCodecs } from './node-codecs.ts';

const deflatedExplicitLittleEndian = '1.2.840.10008.1.2.1.99';

/** A file as the viewer sees it: manifest attributes, frame ranges, bytes. */
export interface OpenedFile {
  described: DescribedObject;
  transferSyntaxUID: string;
  frames: number;
  format: PixelFormat;
  decode(frame: number): Promise<DecodedFrame>;
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
  if (bigEndian && layout.kind === 'native' && format.bitsAllocated === 8)
    format.bytesInWords = isWordElement(bytes.subarray(layout.offset - 12, layout.offset));
  format.palette = await paletteOf(described.attributes, bigEndian, async (start, end) => bytes.subarray(start, end));
  return {
    described,
    transferSyntaxUID: header.transferSyntaxUID,
    frames: frameCount(layout),
    format,
    bytes,
    decode: async (frame) => {
      const span = frameRange(layout, frame)!;
      return await decodeFrame(extractFrame(layout, frame, bytes.subarray(span.start, span.end)), format, nodeCodecs);
    },
  };
}
