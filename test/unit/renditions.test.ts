import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import type { DicomJson, PixelDataLayout } from '../../storage/format/manifest.ts';
import { type FrameShape, frameBytes, frameShapeOf } from '../../storage/renditions/frame-shape.ts';
import { decodeFrame } from '../../storage/renditions/htj2k.ts';
import { NoRendition, packFrame } from '../../storage/renditions/pack-frame.ts';
import { realFiles } from '../support/files.ts';

const LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const us = (...Value: number[]) => ({ vr: 'US', Value });

/** Smooth cells with some noise, over the whole range of values of the shape. */
function cells(shape: FrameShape): Uint8Array {
  const bytes = new Uint8Array(frameBytes(shape));
  const values = shape.bitsAllocated === 8 ? bytes : new Uint16Array(bytes.buffer);
  const top = 2 ** shape.bitsAllocated - 1;
  for (let i = 0; i < values.length; i++) values[i] = Math.round((i / (values.length - 1)) * top) ^ ((i * 7919) % 3);
  values[0] = 0;
  values[1] = top;
  values[2] = top >> 1;
  values[3] = (top >> 1) + 1;
  return bytes;
}

async function roundTrip(frame: Uint8Array, shape: FrameShape) {
  const { codestream, sha256 } = await packFrame(frame, shape);
  expect(createHash('sha256').update(codestream).digest('hex')).toBe(sha256);
  expect(Buffer.compare(await decodeFrame(codestream), frame)).toBe(0);
  return codestream.length;
}

describe('a lossless rendition', () => {
  for (const bitsAllocated of [8, 16] as const)
    for (const isSigned of [false, true])
      for (const samplesPerPixel of bitsAllocated === 8 ? ([1, 3] as const) : ([1] as const))
        it(`gives back ${samplesPerPixel} x ${bitsAllocated} ${isSigned ? 'signed' : 'unsigned'} bits, least and greatest values too`, async () => {
          const shape: FrameShape = { rows: 67, columns: 131, samplesPerPixel, bitsAllocated, isSigned };
          await roundTrip(cells(shape), shape);
        });

  it('is refused where it saves nothing', async () => {
    const shape: FrameShape = { rows: 128, columns: 128, samplesPerPixel: 1, bitsAllocated: 8, isSigned: false };
    let state = 1;
    const noise = Uint8Array.from({ length: 128 * 128 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    });
    await expect(packFrame(noise, shape)).rejects.toThrow(NoRendition);
  });

  it('is not made of what the codec would have to change', () => {
    const image: DicomJson = {
      '00280002': us(1),
      '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
      '00280010': us(128),
      '00280011': us(128),
      '00280100': us(16),
      '00280103': us(0),
    };
    const layout: PixelDataLayout = {
      kind: 'native',
      tag: '7FE00010',
      offset: 1000,
      length: 32_768,
      frameBits: 32_768 * 8,
      frames: 1,
    };
    expect(frameShapeOf(image, LITTLE_ENDIAN, layout)).not.toBeNull();
    const colour = { ...image, '00280002': us(3), '00280006': us(1), '00280100': us(8) };
    for (const [attributes, syntax, pixels] of [
      [image, '1.2.840.10008.1.2.2', layout],
      [image, LITTLE_ENDIAN, { ...layout, tag: '7FE00008' as const }],
      [image, LITTLE_ENDIAN, { ...layout, length: 32_000 }],
      [{ ...image, '00280100': us(32) }, LITTLE_ENDIAN, { ...layout, frameBits: 65_536 * 8, length: 65_536 }],
      [{ ...image, '00280100': us(1) }, LITTLE_ENDIAN, { ...layout, frameBits: 16_384, length: 2048 }],
      [colour, LITTLE_ENDIAN, { ...layout, frameBits: 49_152 * 8, length: 49_152 }],
      [{ ...image, '00280002': us(3) }, LITTLE_ENDIAN, { ...layout, frameBits: 98_304 * 8, length: 98_304 }],
      [image, '1.2.840.10008.1.2.4.80', { kind: 'encapsulated', tag: '7FE00010', offset: 0, frames: [[0, 10]] }],
      [image, LITTLE_ENDIAN, undefined],
    ] as [DicomJson, string, PixelDataLayout | undefined][])
      expect(frameShapeOf(attributes, syntax, pixels)).toBeNull();
  });

  it('of every uncompressed real file decodes to the file’s own bytes', async () => {
    let files = 0;
    let raw = 0;
    let packed = 0;
    const kinds = new Set<string>();
    for (const [n, { path, malformed }] of realFiles().entries()) {
      if (malformed) continue;
      const file = readFileSync(path);
      const meta = readFileMeta(file);
      if (!meta || meta.transferSyntaxUID === '1.2.840.10008.1.2.1.99') continue;
      const { attributes, pixelData } = describeObjectSync(inMemory(file), meta);
      const shape = frameShapeOf(attributes, meta.transferSyntaxUID, pixelData);
      if (!shape || !pixelData) continue;
      const kind = JSON.stringify([shape.bitsAllocated, shape.isSigned, shape.samplesPerPixel, attributes['00280004']]);
      // of the long series of one kind every eighth
      if (kinds.has(kind) && files > 40 && n % 8 !== 0) continue;
      kinds.add(kind);
      files++;
      for (let frame = 0; frame < Math.min(frameCount(pixelData), 3); frame++) {
        const { start, end } = frameRange(pixelData, frame)!;
        const own = Uint8Array.from(extractFrame(pixelData, frame, file.subarray(start, end)));
        try {
          packed += await roundTrip(own, shape);
          raw += own.length;
        } catch (error) {
          // noise, or an image of a few grey values that no codec makes smaller
          expect(error, path).toBeInstanceOf(NoRendition);
          expect((error as Error).message, path).toBe('it saves too little');
        }
      }
    }
    expect(files).toBeGreaterThan(15);
    expect(kinds.size).toBeGreaterThan(3);
    expect(raw / packed).toBeGreaterThan(1.5);
    if (process.env['LIFEBOAT_TEST_LOG']) console.log({ files, kinds: [...kinds], ratio: raw / packed });
  }, 60_000);
});
