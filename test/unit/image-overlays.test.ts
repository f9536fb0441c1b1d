import { describe, expect, it } from 'vitest';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import type { DicomJson, InstanceManifest } from '../../storage/format/manifest.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { paintMask, planeMatrix } from '../../viewer/src/features/reading/overlays/mask.ts';
import { colourOfLab } from '../../viewer/src/features/reading/overlays/overlay-types.ts';
import { Presentation } from '../../viewer/src/features/reading/overlays/presentation.ts';
import { StructureSet } from '../../viewer/src/features/reading/overlays/structure-set.ts';
import { planeOf } from '../../viewer/src/features/reading/study/plane.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';
import {
  overlayPresentation,
  overlaySegmentation,
  overlaySlice,
  overlayStructures,
  sliceUID,
} from '../support/overlay-study.ts';

function opened(bytes: Uint8Array): { metadata: DicomJson; attributes: DicomJson } {
  const { transferSyntaxUID, dataSetOffset } = parseFileHeader(bytes, true)!;
  return describeObjectSync(inMemory(bytes), { transferSyntaxUID, dataSetOffset });
}

function pictureOf(bytes: Uint8Array, sopInstanceUID = ''): Picture {
  const { attributes } = opened(bytes);
  const instance = { key: sopInstanceUID, sopInstanceUID } as InstanceManifest;
  return { id: `${sopInstanceUID}#1`, studyInstanceUID: '1', instance, attributes, frame: 0, frames: 1 };
}

const slices = [0, 1, 2].map((n) => pictureOf(overlaySlice(n), sliceUID(n)));
const none: ReadonlySet<string> = new Set();

describe('structures', () => {
  const structures = new StructureSet(opened(overlayStructures()).metadata);

  it('are drawn where they lie in the patient, on their own slice alone', () => {
    const drawing = structures.drawingFor(slices[0]!, none);
    expect(drawing!.shapes).toHaveLength(1);
    const [shape] = drawing!.shapes;
    // Position is the centre of the first pixel; in a picture that is half a pixel from its corner.
    expect(shape).toMatchObject({
      kind: 'line',
      closed: true,
      colour: [0, 255, 0],
      points: [
        { x: 25.5, y: 35.5 },
        { x: 35.5, y: 35.5 },
        { x: 35.5, y: 45.5 },
        { x: 25.5, y: 45.5 },
      ],
    });
    expect(structures.drawingFor(slices[1]!, none)).toBeNull();
    expect(structures.parts).toEqual([{ id: '7', name: 'Target', colour: [0, 255, 0] }]);
  });

  it('that are hidden, or of another frame of reference, are not drawn', () => {
    expect(structures.drawingFor(slices[0]!, new Set(['7']))).toBeNull();
    const other = { ...slices[0]!, attributes: { ...slices[0]!.attributes, '00200052': { vr: 'UI', Value: ['9'] } } };
    expect(structures.drawingFor(other, none)).toBeNull();
  });
});

describe('a presentation state', () => {
  const state = new Presentation(opened(overlayPresentation()).metadata);

  it('concerns the picture it names, no other', () => {
    expect(slices.map((picture) => state.concerns(picture))).toEqual([false, false, true]);
    expect(state.drawingFor(slices[0]!, none)).toBeNull();
  });

  it('has its window, polarity and mirror', () => {
    expect(state.lookOf(slices[2]!)).toEqual({
      window: { center: 1000, width: 500, function: 'LINEAR' },
      inverse: true,
      turns: 0,
      flipped: true,
    });
  });

  it('draws its graphics from the pixel that is counted as 1', () => {
    const shapes = state.drawingFor(slices[2]!, none)!.shapes;
    expect(shapes).toContainEqual({
      kind: 'ellipse',
      centre: { x: 32, y: 32 },
      a: { x: 8, y: 0 },
      b: { x: 0, y: 8 },
      colour: [255, 226, 110],
      filled: false,
    });
    expect(shapes).toContainEqual({
      kind: 'text',
      at: { x: 9.5, y: 19.5 },
      lines: ['Look here'],
      colour: [255, 226, 110],
    });
  });

  it('says what of it is not applied', () => {
    const { metadata } = opened(overlayPresentation());
    const lut: DicomJson = { '00283110': { vr: 'SQ', Value: [{ '00283010': { vr: 'SQ', Value: [{}] } }] } };
    expect(new Presentation({ ...metadata, ...lut }).missing).toEqual(['its VOI LUT table']);
  });
});

describe('a segmentation', () => {
  it('lies on the picture by its own pixel size and position', () => {
    const mine = planeOf(pictureOf(overlaySegmentation()))!;
    // Column 32 of half a mm begins where column 16 of 1 mm does.
    const [a, b, c, d, e, f] = planeMatrix(mine, planeOf(slices[1]!)!);
    expect([a * 32 + c * 16 + e, b * 32 + d * 16 + f]).toEqual([16, 8]);
    expect([a, d]).toEqual([0.5, 0.5]);
  });

  it('fills a little and draws the edge fully', () => {
    const rgba = new Uint8ClampedArray(5 * 5 * 4);
    const inside = (i: number) => (i % 5 >= 1 && i % 5 <= 3 && i >= 5 && i < 20 ? 1 : 0);
    paintMask(rgba, 5, 5, inside, [255, 0, 0]);
    const alpha = (column: number, row: number) => rgba[(row * 5 + column) * 4 + 3]!;
    expect(alpha(0, 0)).toBe(0);
    expect(alpha(1, 1)).toBeGreaterThan(200);
    expect(alpha(2, 2)).toBeGreaterThan(40);
    expect(alpha(2, 2)).toBeLessThan(120);
  });

  it('has the colour of its CIELab value', () => {
    expect(colourOfLab([65535, 32896, 32896])).toEqual([255, 255, 255]);
    const [red, green, blue] = colourOfLab([34885, 53485, 50171])!;
    expect(red).toBeGreaterThan(230);
    expect(Math.max(green, blue)).toBeLessThan(60);
  });
});
