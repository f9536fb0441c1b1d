import { expect, it } from 'vitest';
import { decodeEncapsulated } from '../../viewer/src/features/reading/decode/decode.ts';
import { DecodeError, type PixelFormat } from '../../viewer/src/features/reading/decode/decode-types.ts';
import { nodeCodecs } from '../support/node-codecs.ts';

function format(transferSyntaxUID: string): PixelFormat {
  return {
    transferSyntaxUID: `1.2.840.10008.1.2.4.${transferSyntaxUID}`,
    rows: 8,
    columns: 8,
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    planarConfiguration: 0,
    bitsAllocated: 16,
    bitsStored: 16,
    highBit: 15,
    pixelRepresentation: 0,
    sampleKind: 'integer',
  };
}

/** Start of a codestream, then nothing of sense. */
const codestreams: [name: string, syntax: string, start: number[]][] = [
  ['JPEG 2000', '91', [0xff, 0x4f, 0xff, 0x51]],
  ['High-Throughput JPEG 2000', '201', [0xff, 0x4f, 0xff, 0x51]],
  ['JPEG-LS', '80', [0xff, 0xd8, 0xff, 0xf7, 0, 11, 16, 0, 8, 0, 8, 1]],
  ['JPEG', '50', [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1]],
];

it.each(codestreams)(
  'damaged %s data is refused in words, never shown as a black picture',
  async (name, syntax, start) => {
    for (const filler of [0, 0x55, 0xee]) {
      const frame = Uint8Array.from({ length: 300 }, (_, i) => start[i] ?? filler);
      const decoded = decodeEncapsulated(frame, format(syntax), nodeCodecs);
      await expect(decoded).rejects.toThrow(DecodeError);
      await expect(decoded).rejects.toThrow(`${name} data is damaged`);
    }
  },
);
