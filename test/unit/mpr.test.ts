import { describe, expect, it } from 'vitest';
import type { DicomJson, InstanceManifest } from '../../storage/format/manifest.ts';
import { centreOf, inside, startingAxes, turnOthers } from '../../viewer/src/features/reading/mpr/frame-of-planes.ts';
import { type Cut, Volume } from '../../viewer/src/features/reading/mpr/reslice.ts';
import { type VolumeGeometry, volumeOf } from '../../viewer/src/features/reading/mpr/volume-geometry.ts';
import type { Picture, Stack } from '../../viewer/src/features/reading/study/study-model.ts';
import { noVolumeText } from '../../viewer/src/shared/messages.mpr.en.ts';

type Vector = [number, number, number];

const geometry: VolumeGeometry = {
  columns: 40,
  rows: 32,
  slices: 24,
  origin: [-20, 10, 5],
  columnStep: [0.5, 0, 0],
  rowStep: [0, 0.7, 0],
  sliceStep: [0, 0, 1.5],
};
/** Slices of a gantry tilted by 20 degrees: the pile is not along their normal. */
const tilted: VolumeGeometry = {
  ...geometry,
  rowStep: [0, 0.7 * Math.cos(0.35), -0.7 * Math.sin(0.35)],
};

function placeOf(g: VolumeGeometry, i: number, j: number, k: number): Vector {
  return [0, 1, 2].map((n) => g.origin[n]! + i * g.columnStep[n]! + j * g.rowStep[n]! + k * g.sliceStep[n]!) as Vector;
}

/** A volume whose every value is a function of its place in the patient. */
function phantom(g: VolumeGeometry, value: (place: Vector) => number): Volume {
  const volume = new Volume(g, 'Float32');
  for (let k = 0; k < g.slices; k += 1) {
    const pixels = new Float32Array(g.columns * g.rows);
    for (let j = 0; j < g.rows; j += 1)
      for (let i = 0; i < g.columns; i += 1) pixels[j * g.columns + i] = value(placeOf(g, i, j, k));
    volume.setSlice(k, pixels);
  }
  return volume;
}

const ramp = ([x, y, z]: Vector) => 3 * x - 2 * y + 5 * z + 100;

function cutThrough(point: Vector, more: Partial<Cut> = {}): Cut {
  const right: Vector = more.right ?? [1, 0, 0];
  const down: Vector = more.down ?? [0, 1, 0];
  const origin = [0, 1, 2].map((n) => point[n]! - 2 * right[n]! - 2 * down[n]!) as Vector;
  return { width: 5, height: 5, origin, right, down, normal: [0, 0, 1], mode: 'none', thickness: 0, ...more };
}

describe('planes through a volume', () => {
  for (const [name, g] of [
    ['straight', geometry],
    ['of a tilted gantry', tilted],
    [
      'of slices from head to feet',
      { ...geometry, origin: [-20, 10, 39.5], sliceStep: [0, 0, -1.5] } as VolumeGeometry,
    ],
  ] as const)
    it(`${name}: each point of an oblique plane has the value of its place in the patient`, () => {
      const volume = phantom(g, ramp);
      const axes = turnOthers(turnOthers(startingAxes(), 'axial', 0.4), 'sagittal', -0.3).coronal;
      const centre = centreOf(g);
      const cut = cutThrough(centre, { ...axes });
      const values = volume.cut(cut, -1);
      for (let y = 0; y < 5; y += 1)
        for (let x = 0; x < 5; x += 1) {
          const place = [0, 1, 2].map((n) => cut.origin[n]! + x * cut.right[n]! + y * cut.down[n]!) as Vector;
          expect(values[y * 5 + x]).toBeCloseTo(ramp(place), 2);
        }
    });

  it('a sphere keeps its radius in all three planes, whatever the spacing', () => {
    const centre = centreOf(geometry);
    const radius = 6;
    const ball = (place: Vector) => (Math.hypot(...place.map((v, n) => v - centre[n]!)) <= radius ? 1000 : 0);
    const volume = phantom(geometry, ball);
    for (const { right, down, normal } of Object.values(startingAxes())) {
      const step = 0.25;
      const size = 80;
      const origin = [0, 1, 2].map((n) => centre[n]! - (size / 2) * step * (right[n]! + down[n]!)) as Vector;
      const scale = (v: Vector) => v.map((value) => value * step) as Vector;
      const values = volume.cut(
        {
          width: size,
          height: size,
          origin,
          right: scale(right),
          down: scale(down),
          normal,
          mode: 'none',
          thickness: 0,
        },
        0,
      );
      const area = Array.from(values).reduce((sum, value) => sum + value / 1000, 0) * step * step;
      expect(Math.abs(Math.sqrt(area / Math.PI) - radius)).toBeLessThan(0.15);
    }
  });

  it('a slab takes the greatest, the least and the mean of its thickness, no more', () => {
    const volume = phantom(geometry, ([, , z]) => z);
    const centre = centreOf(geometry);
    const at = (mode: Cut['mode']) => volume.cut(cutThrough(centre, { mode, thickness: 10 }), -1)[12]!;
    expect(at('maximum')).toBeCloseTo(centre[2] + 5, 3);
    expect(at('minimum')).toBeCloseTo(centre[2] - 5, 3);
    expect(at('average')).toBeCloseTo(centre[2], 3);
    expect(at('none')).toBeCloseTo(centre[2], 3);
  });

  it('nothing is invented outside the volume, nor where a slice has not come', () => {
    const volume = phantom(geometry, ramp);
    const outside = centreOf(geometry);
    outside[0] += 100;
    expect([...volume.cut(cutThrough(outside), -7)]).toEqual(new Array(25).fill(-7));
    const partial = new Volume(geometry, 'Int16');
    partial.setSlice(3, new Int16Array(geometry.columns * geometry.rows).fill(9));
    const [x, y] = centreOf(geometry);
    const value = (z: number) => partial.cut(cutThrough([x, y, z]), -7)[12];
    expect(value(5 + 3 * 1.5)).toBe(9);
    expect(value(5 + 3.5 * 1.5)).toBe(-7);
  });

  it('turning in one plane turns the other two and keeps all three at right angles', () => {
    const axes = turnOthers(startingAxes(), 'axial', Math.PI / 2);
    expect(axes.axial).toEqual(startingAxes().axial);
    expect(axes.coronal.normal.map((value) => Math.round(value))).toEqual([-1, 0, 0]);
    expect(axes.coronal.down).toEqual([0, 0, -1]);
  });

  it('the cross stays in the volume', () => {
    const kept = inside(geometry, [500, 20, -500]);
    expect(kept[0]).toBeCloseTo(-20 + 39 * 0.5, 6);
    expect(kept[1]).toBeCloseTo(20, 6);
    expect(kept[2]).toBeCloseTo(5, 6);
  });
});

describe('three planes are offered only where geometry allows them', () => {
  interface Slice {
    z: number;
    orientation?: number[];
    spacing?: number;
    more?: DicomJson;
    noPlace?: boolean;
  }
  function stackOf(slices: Slice[]): Stack {
    const pictures = slices.map(({ z, orientation, spacing, more, noPlace }, i): Picture => {
      const attributes: DicomJson = {
        '00280010': { vr: 'US', Value: [64] },
        '00280011': { vr: 'US', Value: [64] },
        '00280030': { vr: 'DS', Value: [spacing ?? 1, spacing ?? 1] },
        '00200037': { vr: 'DS', Value: orientation ?? [1, 0, 0, 0, 1, 0] },
        ...(!noPlace && { '00200032': { vr: 'DS', Value: [0, 0, z] } }),
        ...more,
      };
      const instance = { key: String(i) } as InstanceManifest;
      return { id: `${i}#1`, studyInstanceUID: '1', instance, attributes, frame: 0, frames: 1 };
    });
    return { id: '1', traits: [], pictures } as unknown as Stack;
  }
  const pile = (zs: number[], more: Partial<Slice> = {}) => stackOf(zs.map((z) => ({ z, ...more })));
  const reason = (stack: Stack): string => {
    const check = volumeOf(stack);
    return 'why' in check ? noVolumeText(check) : 'volume';
  };

  it('evenly spaced parallel slices are a volume, in the order of their places', () => {
    const check = volumeOf(pile([9, 0, 6, 3]));
    if ('why' in check) throw new Error(check.why);
    expect(check.geometry.sliceStep).toEqual([0, 0, 3]);
    expect(check.pictures.map(({ instance }) => instance.key)).toEqual(['1', '3', '2', '0']);
  });

  it('all else is said in plain words', () => {
    expect(reason(pile([0, 3]))).toMatch(/at least three slices/);
    expect(reason(pile([0, 3, 6, 12, 15]))).toMatch(/varies from 3.0 to 6.0 mm/);
    expect(reason(pile([0, 3, 3, 6]))).toMatch(/same place/);
    expect(reason(pile([0, 3, 6], { noPlace: true }))).toMatch(/do not say where/);
    expect(reason(pile([0, 3, 6], { more: { '00280002': { vr: 'US', Value: [3] } } }))).toMatch(/in colour/);
    expect(reason(stackOf([{ z: 0 }, { z: 3 }, { z: 6, orientation: [1, 0, 0, 0, 0, -1] }]))).toMatch(/not parallel/);
    expect(reason(stackOf([{ z: 0 }, { z: 3 }, { z: 6, spacing: 2 }]))).toMatch(/differ in size/);
    const various = { ...pile([0, 3, 6]), traits: [{ difference: 'phase' as const, value: 'various' }] };
    expect(reason(various)).toMatch(/no one volume/);
  });
});
