import { describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import {
  calibrationAt,
  lengthOf,
  type Point,
  pixelAspectOf,
  wholeCalibration,
} from '../../viewer/src/features/reading/study/geometry.ts';
import { type Measurement, measurementText } from '../../viewer/src/features/reading/viewport/measurements.ts';

function tag(vr: string, ...values: unknown[]) {
  return { vr, Value: values };
}

/** A filled ellipse in a grid whose pixels are `row` by `column` mm: a disc of `diameter` mm when seen in true size. */
function disc(diameter: number, row: number, column: number) {
  const [rows, columns] = [Math.ceil((diameter * 1.5) / row), Math.ceil((diameter * 1.5) / column)];
  const inside = (x: number, y: number) =>
    Math.hypot((x + 0.5 - columns / 2) * column, (y + 0.5 - rows / 2) * row) <= diameter / 2;
  const edges = (count: number, hit: (i: number) => boolean) => {
    const all = Array.from({ length: count }, (_, i) => i).filter(hit);
    return [all[0]!, all[all.length - 1]! + 1] as const;
  };
  const [left, right] = edges(columns, (x) => inside(x, Math.floor(rows / 2)));
  const [top, bottom] = edges(rows, (y) => inside(Math.floor(columns / 2), y));
  return {
    across: [
      { x: left, y: rows / 2 },
      { x: right, y: rows / 2 },
    ] as [Point, Point],
    down: [
      { x: columns / 2, y: top },
      { x: columns / 2, y: bottom },
    ] as [Point, Point],
  };
}

function text(kind: Measurement['kind'], attributes: DicomJson, ...points: Point[]): string {
  return measurementText({ id: 1, pictureId: '', kind, points }, attributes);
}

describe('a disc of 40 mm in pixels that are not square', () => {
  const [row, column] = [0.4, 0.25];
  const { across, down } = disc(40, row, column);
  for (const [name, attributes] of [
    ['Pixel Spacing', { '00280030': tag('DS', row, column) }],
    [
      'an ultrasound region in cm',
      {
        '00186011': tag('SQ', {
          '00186018': tag('UL', 0),
          '0018601A': tag('UL', 0),
          '0018601C': tag('UL', 999),
          '0018601E': tag('UL', 999),
          '00186024': tag('US', 3),
          '00186026': tag('US', 3),
          '0018602C': tag('FD', column / 10),
          '0018602E': tag('FD', -row / 10),
        }),
      },
    ],
  ] as [string, DicomJson][])
    it(`measures 40 mm both ways by ${name}, and is drawn round`, () => {
      for (const line of [across, down])
        expect(Math.abs(lengthOf(...line, calibrationAt(attributes, line)) - 40)).toBeLessThan(2 * row);
      const aspect = pixelAspectOf(attributes);
      expect(aspect).toBeCloseTo(column / row, 9);
      const drawn = ((across[1].x - across[0].x) * aspect) / (down[1].y - down[0].y);
      expect(Math.abs(drawn - 1)).toBeLessThan(0.02);
      expect(text('angle', attributes, { x: 100, y: 0 }, { x: 0, y: 0 }, { x: 100, y: 100 * (column / row) })).toBe(
        '45.0°',
      );
    });
});

const projection = { '00080060': tag('CS', 'DX') };
const line: [Point, Point] = [
  { x: 0, y: 0 },
  { x: 100, y: 0 },
];

describe('what the millimetres of a projection mean is said', () => {
  for (const [name, attributes, said] of [
    ['only the detector’s spacing', { '00181164': tag('DS', 0.2, 0.2) }, '20.0 mm at detector'],
    [
      'Pixel Spacing equal to the detector’s',
      { '00181164': tag('DS', 0.2, 0.2), '00280030': tag('DS', '0.20', '0.20') },
      '20.0 mm at detector',
    ],
    [
      'corrected for geometry',
      { '00181164': tag('DS', 0.2, 0.2), '00280030': tag('DS', 0.15, 0.15), '00280A02': tag('CS', 'GEOMETRY') },
      '15.0 mm (corrected for an assumed depth)',
    ],
    [
      'corrected for geometry to the same numbers',
      { '00181164': tag('DS', 0.2, 0.2), '00280030': tag('DS', 0.2, 0.2), '00280A02': tag('CS', 'GEOMETRY') },
      '20.0 mm (corrected for an assumed depth)',
    ],
    [
      'calibrated by an object',
      { '00280030': tag('DS', 0.15, 0.15), '00280A02': tag('CS', 'FIDUCIAL') },
      '15.0 mm (calibrated by an object of known size)',
    ],
    [
      'corrected in an unnamed way',
      { '00181164': tag('DS', 0.2, 0.2), '00280030': tag('DS', 0.15, 0.15) },
      '15.0 mm (corrected, method not named)',
    ],
    [
      'Pixel Spacing alone',
      { '00280030': tag('DS', 0.2, 0.2) },
      '20.0 mm (not known whether at detector or in the patient)',
    ],
    ['a scanned film', { '00182010': tag('DS', 0.1, 0.1) }, '10.0 mm on the film'],
    ['no spacing', {}, '100 px (this image has no scale)'],
    ['a spacing of nothing', { '00280030': tag('DS', 0, 0) }, '100 px (this image has no scale)'],
    ['half a spacing', { '00280030': tag('DS', 0.2) }, '100 px (this image has no scale)'],
  ] as [string, DicomJson, string][])
    it(name, () => expect(text('length', { ...projection, ...attributes }, ...line)).toBe(said));

  it('a cross-section needs no word', () => {
    const attributes = {
      '00080060': tag('CS', 'CT'),
      '00280030': tag('DS', 0.5, 0.7),
      '00200037': tag('DS', 1, 0, 0, 0, 1, 0),
      '00200032': tag('DS', 0, 0, 0),
    };
    expect(text('length', attributes, ...line)).toBe('70.0 mm');
  });
});

/** Picture above (0.05 cm a pixel), M-mode below (seconds across, cm down). */
const region = (
  y0: number,
  y1: number,
  unitX: number,
  deltaX: number,
  deltaY: number,
  flags = 0,
  x0 = 0,
  x1 = 639,
) => ({
  '00186016': tag('UL', flags),
  '00186018': tag('UL', x0),
  '0018601A': tag('UL', y0),
  '0018601C': tag('UL', x1),
  '0018601E': tag('UL', y1),
  '00186024': tag('US', unitX),
  '00186026': tag('US', 3),
  '0018602C': tag('FD', deltaX),
  '0018602E': tag('FD', deltaY),
});
const ultrasound = (...regions: unknown[]): DicomJson => ({
  '00080060': tag('CS', 'US'),
  '00280030': tag('DS', 0.3, 0.3),
  '00186011': tag('SQ', ...regions),
});
const pair = (x0: number, y0: number, x1: number, y1: number): [Point, Point] => [
  { x: x0, y: y0 },
  { x: x1, y: y1 },
];

describe('ultrasound regions', () => {
  const mMode = ultrasound(region(0, 239, 3, 0.05, 0.05), region(240, 479, 4, 0.01, 0.05));

  it('millimetres where both axes are cm', () => {
    expect(text('length', mMode, ...pair(10, 10, 110, 10))).toBe('50.0 mm');
  });

  it('none where an axis is time, and the picture says so; no angle there either', () => {
    expect(text('length', mMode, ...pair(10, 300, 110, 300))).toBe(
      '100 px (no lengths here: across are seconds, down are cm)',
    );
    expect(text('angle', mMode, ...pair(10, 300, 110, 300), { x: 10, y: 400 })).not.toMatch(/°/);
  });

  it('none where the rows are a velocity', () => {
    const spectral = ultrasound({ ...region(0, 479, 3, 0.05, 0.05), '00186026': tag('US', 7) });
    expect(text('length', spectral, ...pair(10, 10, 110, 10))).toBe(
      '100 px (no lengths here: across are cm, down are cm/s)',
    );
  });

  it('none from one region into another, nor outside all, whatever Pixel Spacing says', () => {
    expect(text('length', mMode, ...pair(10, 10, 10, 300))).toMatch(/^290 px \(/);
    expect(text('length', ultrasound(region(0, 99, 3, 0.05, 0.05)), ...pair(10, 200, 110, 200))).toBe(
      '100 px (no one scale holds here)',
    );
  });

  it('none across two pictures side by side, though both have the same scale', () => {
    const dual = ultrasound(region(0, 479, 3, 0.05, 0.05, 0, 0, 319), region(0, 479, 3, 0.05, 0.05, 0, 321, 639));
    expect(text('length', dual, ...pair(10, 10, 110, 10))).toBe('50.0 mm');
    expect(text('length', dual, ...pair(300, 10, 400, 10))).toMatch(/^100 px/);
  });

  it('a region of other scale that lies over the picture hides its millimetres', () => {
    const over = ultrasound(region(0, 479, 3, 0.05, 0.05, 1), region(100, 199, 4, 0.01, 0.05, 0));
    expect(text('length', over, ...pair(10, 10, 110, 10))).toBe('50.0 mm');
    expect(text('length', over, ...pair(10, 150, 110, 150))).toMatch(/^100 px/);
  });

  it('a ruler only where one scale holds for the whole picture', () => {
    expect(wholeCalibration(mMode)).toEqual({ row: 0.5, column: 0.5, plane: 'patient' });
    const two = ultrasound(region(0, 239, 3, 0.05, 0.05), region(240, 479, 3, 0.1, 0.1));
    expect(wholeCalibration(two)).toBeNull();
    expect(wholeCalibration(ultrasound(region(0, 239, 4, 0.05, 0.05)))).toBeNull();
  });

  it('the shape of a pixel: the ratio that is given, else the regions’ deltas', () => {
    const wide = ultrasound(region(0, 479, 3, 0.1, 0.05), region(240, 479, 4, 0.01, 0.05));
    expect(pixelAspectOf(wide)).toBe(2);
    expect(pixelAspectOf({ ...wide, '00280034': tag('IS', 1, 1) })).toBe(1);
    expect(wholeCalibration({ ...wide, '00280034': tag('IS', 1, 1) })).toBeNull();
    expect(pixelAspectOf({ '00280034': tag('IS', 4, 3) })).toBe(0.75);
  });
});
