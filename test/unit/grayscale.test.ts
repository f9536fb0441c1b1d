import { describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import {
  grayscaleOf,
  lightOf,
  paintGray,
  type Voi,
  voiFunctionOf,
} from '../../viewer/src/features/reading/paint/grayscale.ts';
import { draggedWindow, voiOf, windowOf } from '../../viewer/src/features/reading/viewport/window-choice.ts';

function image(center: number, width: number, name?: string): DicomJson {
  return {
    '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
    '00281050': { vr: 'DS', Value: [center] },
    '00281051': { vr: 'DS', Value: [width] },
    ...(name && { '00281056': { vr: 'CS', Value: [name] } }),
  };
}

/** Grey levels of the values 0, 1, … as painted. */
function painted(attributes: DicomJson, pixels: Uint16Array | Float32Array): number[] {
  const out = new Uint32Array(pixels.length);
  const frame = { kind: 'gray' as const, rows: 1, columns: pixels.length, pixels };
  paintGray(frame, grayscaleOf(attributes, [0, 1]), out);
  return [...out].map((word) => word & 255);
}

const upTo = (n: number) => Uint16Array.from({ length: n }, (_, i) => i);

describe('the functions of PS3.3 C.11.2, worked by hand', () => {
  it('LINEAR: centre 2048, width 4096 maps 0 to black, 4095 to white (C.11.2.1.2.1)', () => {
    const grey = painted(image(2048, 4096), Uint16Array.of(0, 1, 2047, 2048, 4094, 4095, 5000));
    expect(grey).toEqual([0, 0, 127, 128, 255, 255, 255]);
  });

  it('LINEAR of width 1 is a threshold: centre 2048 makes 2048 white and 2047 black', () => {
    expect(painted(image(2048, 1), Uint16Array.of(2046, 2047, 2048, 2049))).toEqual([0, 0, 255, 255]);
  });

  it('LINEAR below width 1 is the straight line between the ends of the window', () => {
    const grey = painted(image(0.5, 0.5), Float32Array.of(0, 0.25, 0.375, 0.5, 0.625, 0.75, 1));
    expect(grey).toEqual([0, 0, 64, 128, 191, 255, 255]);
  });

  it('LINEAR_EXACT: centre 8.5, width 17 maps 0 to black and 17 to white', () => {
    const grey = painted(image(8.5, 17, 'LINEAR_EXACT'), upTo(19));
    expect(grey).toEqual([...Array.from({ length: 18 }, (_, i) => i * 15), 255]);
  });

  it('SIGMOID: 1 / (1 + exp(-4 (x - c) / w))', () => {
    const grey = painted(image(100, 40, 'SIGMOID'), Uint16Array.of(0, 80, 90, 100, 110, 120, 200));
    expect(grey).toEqual([0, 30, 69, 128, 186, 225, 255]);
  });
});

describe('a drag of the window', () => {
  const drag = (attributes: DicomJson, dx: number, dy = 0, range: [number, number] = [0, 4095]): Voi => {
    const grayscale = grayscaleOf(attributes, range);
    const choice = draggedWindow(grayscale.voi, grayscale, range, dx, dy);
    return voiOf(choice, grayscale, range, voiFunctionOf(attributes));
  };

  for (const name of ['LINEAR', 'LINEAR_EXACT', 'SIGMOID'])
    it(`keeps ${name}`, () => {
      const voi = drag(image(1000, 400, name), 10, -5);
      expect(voi).toMatchObject({ kind: 'window', function: name });
      expect(windowOf(voi).width).toBeGreaterThan(400);
      expect(windowOf(voi).center).toBeLessThan(1000);
    });

  it('keeps the exact line under which a picture without a window is shown: no jump at the first touch', () => {
    const attributes = { '00280004': { vr: 'CS', Value: ['MONOCHROME2'] } };
    const range: [number, number] = [0, 3];
    const before = grayscaleOf(attributes, range);
    const after = drag(attributes, 0, 0, range);
    for (const value of [0, 1, 2, 3]) expect(lightOf(after, value)).toBeCloseTo(lightOf(before.voi, value), 9);
  });

  it('never makes LINEAR narrower than 1', () => {
    expect(windowOf(drag(image(1000, 2), -10_000)).width).toBe(1);
  });

  it('stretches a VOI LUT and keeps its shape', () => {
    const table = { firstMapped: 0, bits: 8, data: Uint16Array.from({ length: 101 }, (_, i) => (i < 50 ? 0 : 255)) };
    const attributes = { '00280004': { vr: 'CS', Value: ['MONOCHROME2'] } };
    const grayscale = grayscaleOf(attributes, [0, 200], { voi: table });
    const choice = draggedWindow(grayscale.voi, grayscale, [0, 200], 0, 20);
    const voi = voiOf(choice, grayscale, [0, 200], 'LINEAR');
    expect(lightOf(grayscale.voi, 51)).toBe(1);
    expect(lightOf(voi, 51)).toBe(0);
    expect(lightOf(voi, 49 + windowOf(voi).center - 50)).toBe(0);
    expect(lightOf(voi, 51 + windowOf(voi).center - 50)).toBe(1);
  });
});
