import type { VolumeGeometry } from '../volume-geometry.ts';

/** A grid that a graphics card can keep: so many values along columns, rows and slices, each the mean of a block. */
export interface TexturePlan {
  size: [number, number, number];
  factor: [number, number, number];
}

/** Two bytes each: 128 MB. */
export const mostTexels = 64 * 2 ** 20;

/**
 * The finest grid that fits: blocks grow first along the axis whose values lie closest, so that they stay near to cubes.
 * @param limit most values along one axis (MAX_3D_TEXTURE_SIZE)
 * @param most values in all
 */
export function planTexture(geometry: VolumeGeometry, limit: number, most = mostTexels): TexturePlan {
  const counts = [geometry.columns, geometry.rows, geometry.slices] as const;
  const steps = [geometry.columnStep, geometry.rowStep, geometry.sliceStep].map((step) => Math.hypot(...step));
  const factor = counts.map((count) => Math.max(1, Math.ceil(count / limit))) as [number, number, number];
  const size = () => counts.map((count, n) => Math.ceil(count / factor[n]!)) as [number, number, number];
  while (size().reduce((product, count) => product * count, 1) > most) {
    const now = size();
    let closest = -1;
    for (let n = 0; n < 3; n += 1) {
      if (now[n] === 1) continue;
      if (closest < 0 || steps[n]! * factor[n]! < steps[closest]! * factor[closest]!) closest = n;
    }
    factor[closest]! += 1;
  }
  return { size: size(), factor };
}
