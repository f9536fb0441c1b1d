import { describe, expect, it } from 'vitest';
import { type Axes, cross, startingAxes } from '../../viewer/src/features/reading/mpr/frame-of-planes.ts';
import { angleAt, distanceOf, liesIn } from '../../viewer/src/features/reading/mpr/measure/plane-measurement.ts';
import { Volume } from '../../viewer/src/features/reading/mpr/reslice.ts';
import { axesFrom, dragged, sides } from '../../viewer/src/features/reading/mpr/volume/camera.ts';
import { entries, transferOf, volumePresets } from '../../viewer/src/features/reading/mpr/volume/presets.ts';
import { planTexture } from '../../viewer/src/features/reading/mpr/volume/texture-plan.ts';
import type { VolumeGeometry } from '../../viewer/src/features/reading/mpr/volume-geometry.ts';
import { grayscaleOf, windowVoi } from '../../viewer/src/features/reading/paint/grayscale.ts';

const geometry: VolumeGeometry = {
  columns: 512,
  rows: 512,
  slices: 900,
  origin: [0, 0, 0],
  columnStep: [0.5, 0, 0],
  rowStep: [0, 0.5, 0],
  sliceStep: [0, 0, 1],
};

function atRightAngles({ right, down, normal }: Axes): void {
  const across = cross(right, down);
  for (let n = 0; n < 3; n += 1) expect(across[n]).toBeCloseTo(normal[n]!, 9);
  expect(Math.hypot(...normal)).toBeCloseTo(1, 9);
}

describe('the volume in the graphics memory', () => {
  it('is as fine as the images where it fits', () => {
    const small = { ...geometry, slices: 200 };
    expect(planTexture(small, 2048)).toEqual({ size: [512, 512, 200], factor: [1, 1, 1] });
  });

  it('grows coarser where values lie closest, never beyond the budget or the limit of an axis', () => {
    const { size, factor } = planTexture(geometry, 2048);
    expect(size[0] * size[1] * size[2]).toBeLessThanOrEqual(64 * 2 ** 20);
    expect(factor[2]).toBe(1);
    expect(planTexture(geometry, 256).size.every((count) => count <= 256)).toBe(true);
    expect(planTexture({ ...geometry, columns: 1, rows: 1, slices: 5000 }, 2048, 10).size).toEqual([1, 1, 10]);
  });

  it('a coarse layer holds the means of its blocks, without slices that have not come', () => {
    const small = { ...geometry, columns: 3, rows: 2, slices: 3 };
    const volume = new Volume(small, 'Int16');
    volume.setSlice(0, [0, 2, 4, 6, 8, 10]);
    volume.setSlice(2, [1, 1, 1, 1, 1, 100]);
    expect([...volume.coarseLayer(0, [2, 2, 2])]).toEqual([4, 7]);
    expect([...volume.coarseLayer(1, [2, 2, 2])]).toEqual([1, 50.5]);
    expect([volume.least, volume.greatest]).toEqual([0, 100]);
  });
});

describe('the camera', () => {
  it('looks at right angles from every side, and stays so after thousands of turns', () => {
    for (const side of sides) atRightAngles(axesFrom(side));
    let axes = axesFrom('front');
    for (let n = 0; n < 5000; n += 1) axes = dragged(axes, 0.013, -0.007);
    atRightAngles(axes);
  });

  it('turns as if the near side were dragged: from the front to the right shows more of the right side', () => {
    const { normal } = dragged(axesFrom('front'), Math.PI / 2, 0);
    // Who looks stands on the patient's right and looks to the left.
    expect(normal[0]).toBeCloseTo(1, 9);
    expect(dragged(axesFrom('front'), 0, Math.PI / 2).normal[2]).toBeCloseTo(-1, 9);
  });
});

describe('presets', () => {
  const grayscale = grayscaleOf({}, [0, 1]);
  const voi = windowVoi(40, 400, 'LINEAR_EXACT');

  it('in Hounsfield units are offered for CT alone', () => {
    expect(volumePresets('CT')).toEqual(['bone', 'softTissue', 'lung', 'mip']);
    expect(volumePresets('MR')[0]).toBe('mr');
    expect(volumePresets('PT')).not.toContain('bone');
  });

  it('begin without opacity; the greatest value is shown by the window', () => {
    for (const preset of ['bone', 'softTissue', 'lung', 'mr'] as const)
      expect(transferOf(preset, grayscale, voi).table[3]).toBe(0);
    const { low, high, table } = transferOf('mip', grayscale, voi);
    expect([low, high]).toEqual([-160, 240]);
    expect(Math.abs(table[(entries / 2) * 4]! - 128)).toBeLessThanOrEqual(1);
  });
});

describe('measuring in a plane', () => {
  it('is in mm and degrees of the patient', () => {
    expect(distanceOf([1, 2, 3], [4, 6, 15])).toBe(13);
    expect(angleAt([2, 0, 0], [0, 0, 0], [0, 0, 5])).toBeCloseTo(90, 9);
    expect(angleAt([1, 1, 1], [1, 1, 1], [0, 0, 5])).toBe(0);
  });

  it('belongs to its plane, and to no other one', () => {
    const axes = startingAxes();
    const made = {
      id: 1,
      kind: 'length',
      view: 'axial',
      points: [
        [0, 0, 7],
        [9, 0, 7],
      ],
      axes,
      cross: [0, 0, 7],
      slab: '',
    } as const;
    const measurement = {
      ...made,
      points: [...made.points.map((point) => [...point])],
      cross: [...made.cross],
    } as never;
    expect(liesIn(measurement, [0, 0, 1], [50, 50, 7], geometry)).toBe(true);
    expect(liesIn(measurement, [0, 0, 1], [50, 50, 8], geometry)).toBe(false);
    expect(liesIn(measurement, [0, 1, 0], [0, 0, 7], geometry)).toBe(false);
  });
});
