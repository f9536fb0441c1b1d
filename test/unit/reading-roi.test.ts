import { describe, expect, it } from 'vitest';
import { AnnotationStore } from '../../viewer/src/features/reading/annotations/annotation-store.ts';
import { areaOf, crossesItself, valueAt, valuesIn } from '../../viewer/src/features/reading/annotations/roi.ts';
import { suvFactor, valueUnitOf } from '../../viewer/src/features/reading/annotations/value-unit.ts';
import { grayscaleOf } from '../../viewer/src/features/reading/paint/grayscale.ts';
import type { ReadyPicture } from '../../viewer/src/features/reading/paint/painted-picture.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';
import { measurementLines } from '../../viewer/src/features/reading/viewport/measurements.ts';

const tag = (vr: string, ...values: unknown[]) => ({ vr, Value: values });
const [rows, columns] = [100, 120];
const [rowSpacing, columnSpacing] = [0.5, 0.8];

/** A disc of 300 HU in water, in pixels that are not square; stored values are HU + 1024. */
const centre = { x: 60, y: 50 };
const [rx, ry] = [25, 40];
const ct = {
  '00080060': tag('CS', 'CT'),
  '00280030': tag('DS', rowSpacing, columnSpacing),
  '00281052': tag('DS', -1024),
  '00281053': tag('DS', 1),
  '00281054': tag('LO', 'HU'),
};

function picture(
  attributes: Record<string, { vr: string; Value: unknown[] }>,
  valueIn: (x: number, y: number) => number,
) {
  const pixels = new Int16Array(rows * columns);
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) pixels[y * columns + x] = valueIn(x + 0.5, y + 0.5);
  const made = { id: 'a#1', attributes, frame: 0, frames: 1 } as unknown as Picture;
  return {
    picture: made,
    frame: { kind: 'gray', rows, columns, pixels },
    range: [0, 4096],
    grayscale: grayscaleOf(attributes, [0, 4096]),
    overlays: [],
    remarks: [],
  } as unknown as ReadyPicture;
}

const inDisc = (x: number, y: number) => ((x - centre.x) / rx) ** 2 + ((y - centre.y) / ry) ** 2 <= 1;
const disc = picture(ct, (x, y) => (inDisc(x, y) ? 1324 : 1024));
const box = [
  { x: centre.x - rx, y: centre.y - ry },
  { x: centre.x + rx, y: centre.y + ry },
];

describe('regions over analytic shapes', () => {
  it('an ellipse drawn on the edge of a disc has its area, its value and no deviation', () => {
    const values = valuesIn(disc, 'ellipse', box)!;
    expect(values.mean).toBe(300);
    expect(values.deviation).toBe(0);
    expect(values.unit.name).toBe('HU');
    const area = areaOf('ellipse', box, { row: rowSpacing, column: columnSpacing, plane: 'patient' });
    expect(area).toBeCloseTo(Math.PI * rx * columnSpacing * ry * rowSpacing, 6);
    expect(Math.abs(values.pixels * rowSpacing * columnSpacing - area) / area).toBeLessThan(0.01);
  });

  it('a rectangle around it has the mean and the deviation of the mixture', () => {
    const values = valuesIn(disc, 'rectangle', box)!;
    const share = Math.PI / 4;
    // The disc's edge runs through pixels: one in a hundred.
    expect(Math.abs(values.mean - 300 * share)).toBeLessThan(2);
    expect(Math.abs(values.deviation - 300 * Math.sqrt(share * (1 - share)))).toBeLessThan(2);
    expect([values.least, values.greatest]).toEqual([0, 300]);
  });

  it('a line by hand around a ramp has the ramp’s mean and the polygon’s area, whichever way it goes round', () => {
    const ramp = picture(ct, (x) => 1024 + 10 * x);
    const triangle = [
      { x: 10, y: 10 },
      { x: 100, y: 10 },
      { x: 10, y: 90 },
    ];
    const values = valuesIn(ramp, 'freehand', triangle)!;
    // The centroid of the triangle lies at x = 40.
    expect(Math.abs(values.mean - 400)).toBeLessThan(4);
    for (const points of [triangle, triangle.toReversed()])
      expect(areaOf('freehand', points, { row: 0.5, column: 0.8, plane: 'patient' })).toBeCloseTo(
        90 * 80 * 0.5 * 0.4,
        6,
      );
    expect(crossesItself(triangle)).toBe(false);
  });

  it('a line that crosses itself has no area', () => {
    const bow = [
      { x: 0, y: 0 },
      { x: 10, y: 10 },
      { x: 10, y: 0 },
      { x: 0, y: 10 },
    ];
    expect(crossesItself(bow)).toBe(true);
    const lines = measurementLines({ id: 1, pictureId: '', kind: 'freehand', points: bow }, ct, disc);
    expect(lines.join()).not.toMatch(/mm|Mean/);
  });

  it('padding does not count, and a region outside has no values', () => {
    const padded = picture({ ...ct, '00280120': tag('SS', -2000), '00280103': tag('US', 1) }, (x) =>
      x < 60 ? -2000 : 1074,
    );
    const half = valuesIn(padded, 'rectangle', [
      { x: 50, y: 10 },
      { x: 70, y: 20 },
    ])!;
    expect([half.mean, half.pixels]).toEqual([50, 100]);
    expect(
      valuesIn(disc, 'rectangle', [
        { x: 200, y: 200 },
        { x: 300, y: 300 },
      ]),
    ).toBeNull();
  });

  it('millimetres and units only where they are known', () => {
    const plain = { '00080060': tag('CS', 'OT') };
    const lines = measurementLines(
      { id: 1, pictureId: '', kind: 'ellipse', points: box },
      plain,
      picture(plain, () => 7),
    );
    expect(lines[0]).toMatch(/^3142 px² \(/);
    expect(lines[1]).toBe('Mean 7.00 SD 0.0000 stored value');
    expect(measurementLines({ id: 1, pictureId: '', kind: 'rectangle', points: box }, ct, disc)[0]).toBe('1600 mm²');
  });

  it('two diameters: the longer first; a Cobb angle: the acute one of two lines in true proportions', () => {
    const at = (x: number, y: number) => ({ x: x / columnSpacing, y: y / rowSpacing });
    const two = [at(10, 10), at(10, 20), at(0, 15), at(30, 15)];
    expect(measurementLines({ id: 1, pictureId: '', kind: 'bidirectional', points: two }, ct)[0]).toBe(
      '30.0 × 10.0 mm',
    );
    const turn = (24 * Math.PI) / 180;
    const cobb = [at(0, 0), at(30, 0), at(5, 40), at(5 - 20 * Math.cos(turn), 40 + 20 * Math.sin(turn))];
    expect(measurementLines({ id: 1, pictureId: '', kind: 'cobb', points: cobb }, ct)[0]).toBe('24.0° Cobb');
  });

  it('the value of the pixel under a point, none beside the picture', () => {
    expect(valueAt(disc, { x: 60.9, y: 50.1 })).toMatchObject({ value: 300, unit: { name: 'HU' } });
    expect(valueAt(disc, { x: 0.2, y: 0.2 })).toMatchObject({ value: 0 });
    expect(valueAt(disc, { x: -1, y: 3 })).toBeNull();
  });
});

describe('units of values', () => {
  const dose = { '00181074': tag('DS', 370e6), '00181075': tag('DS', 6586.2), '00181072': tag('TM', '080000') };
  const pet = {
    '00080060': tag('CS', 'PT'),
    '00541001': tag('CS', 'BQML'),
    '00541102': tag('CS', 'START'),
    '00280051': tag('CS', 'ATTN', 'DECY'),
    '00101030': tag('DS', 74),
    '00080031': tag('TM', '094946.2'),
    '00540016': { vr: 'SQ', Value: [dose] },
  };

  it('SUV by body weight after one half-life', () => {
    expect(suvFactor(pet)).toBeCloseTo(74_000 / (370e6 / 2), 9);
    expect(valueUnitOf(pet).name).toBe('SUVbw g/ml');
  });

  it('no SUV without weight, dose or decay correction: then Bq/ml', () => {
    for (const missing of ['00101030', '00540016', '00541102'] as const) {
      const { [missing]: _gone, ...rest } = pet;
      expect(valueUnitOf(rest).name).toBe('Bq/ml');
    }
    expect(valueUnitOf({ ...pet, '00280051': tag('CS', 'ATTN') }).name).toBe('Bq/ml');
  });

  it('what a Rescale Type names, and no name where there is none', () => {
    expect(valueUnitOf({ '00080060': tag('CS', 'MR'), '00281054': tag('LO', 'US') }).name).toBe('stored value');
    expect(valueUnitOf({ '00080060': tag('CS', 'MR'), '00281053': tag('DS', 2.5) }).name).toBe('rescaled value');
    expect(valueUnitOf({ '00080060': tag('CS', 'MR'), '00281054': tag('LO', 'OD') }).name).toBe('OD');
  });
});

describe('taking back', () => {
  const length = { pictureId: 'a#1', kind: 'length' as const, points: box };

  it('undoes and redoes step by step; what changed nothing is no step; something new ends redoing', () => {
    const store = new AnnotationStore();
    store.checkpoint();
    const made = store.add(length);
    store.settle();
    store.checkpoint();
    for (let x = 1; x < 9; x++) store.change(made.id, { points: [box[0]!, { x, y: 0 }] });
    store.settle();
    store.checkpoint();
    store.settle();
    store.toggleKeyImage('a#1');
    expect(store.keyImages.has('a#1')).toBe(true);
    store.undo();
    expect(store.keyImages.size).toBe(0);
    expect(store.list[0]!.points[1]).toEqual({ x: 8, y: 0 });
    store.undo();
    expect(store.list[0]!.points).toEqual(box);
    store.undo();
    expect(store.list).toEqual([]);
    expect(store.canUndo).toBe(false);
    store.redo();
    store.redo();
    expect(store.list[0]!.points[1]).toEqual({ x: 8, y: 0 });
    store.checkpoint();
    store.keep(() => false);
    store.settle();
    store.redo();
    expect(store.keyImages.size).toBe(0);
  });
});
