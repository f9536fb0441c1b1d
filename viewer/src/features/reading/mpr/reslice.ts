import type { Vector } from '../study/plane.ts';
import type { VolumeGeometry } from './volume-geometry.ts';

export type SlabMode = 'none' | 'maximum' | 'minimum' | 'average';

/** A grid of points in the patient: point (x, y) is origin + x*right + y*down, mm, LPS. */
export interface Cut {
  width: number;
  height: number;
  origin: Vector;
  right: Vector;
  down: Vector;
  /** Unit length. */
  normal: Vector;
  mode: SlabMode;
  /** mm, half of it on either side; without a slab 0. */
  thickness: number;
}

export type VolumeValues = Int16Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

export type Matrix = [Vector, Vector, Vector];

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Rows that turn a direction in the patient into columns, rows and slices. */
export function inverse({ columnStep: u, rowStep: v, sliceStep: w }: VolumeGeometry): Matrix {
  const [vw, wu, uv] = [cross(v, w), cross(w, u), cross(u, v)];
  const volume = dot(u, vw);
  const part = (a: Vector): Vector => [a[0] / volume, a[1] / volume, a[2] / volume];
  return [part(vw), part(wu), part(uv)];
}

/** Values of a volume, slice after slice, and cuts through them. Slices that have not come yet are empty. */
export class Volume {
  readonly geometry: VolumeGeometry;
  readonly values: VolumeValues;
  /** Least and greatest value of the slices that have come. */
  least = Number.POSITIVE_INFINITY;
  greatest = Number.NEGATIVE_INFINITY;
  readonly #present: Uint8Array;
  readonly #inverse: Matrix;

  constructor(geometry: VolumeGeometry, kind: 'Int16' | 'Uint16' | 'Float32') {
    this.geometry = geometry;
    const count = geometry.columns * geometry.rows * geometry.slices;
    this.values =
      kind === 'Int16' ? new Int16Array(count) : kind === 'Uint16' ? new Uint16Array(count) : new Float32Array(count);
    this.#present = new Uint8Array(geometry.slices);
    this.#inverse = inverse(geometry);
  }

  setSlice(k: number, pixels: ArrayLike<number>): void {
    const { columns, rows } = this.geometry;
    this.values.set(pixels, k * columns * rows);
    this.#present[k] = 1;
    for (let n = 0; n < pixels.length; n += 1) {
      const value = pixels[n]!;
      if (value < this.least) this.least = value;
      if (value > this.greatest) this.greatest = value;
    }
  }

  /**
   * A layer of the volume on a coarser grid: means of blocks of `factor` columns, rows and slices; at the far ends blocks are
   * smaller. Slices that have not come have no part in it.
   * @param layer counts coarse layers
   * @returns values row after row; the least value of the volume where there is none
   */
  coarseLayer(layer: number, factor: readonly [number, number, number]): Float32Array<ArrayBuffer> {
    const { columns, rows, slices } = this.geometry;
    const [width, height] = [Math.ceil(columns / factor[0]), Math.ceil(rows / factor[1])];
    const sums = new Float32Array(width * height);
    const counts = new Uint32Array(width * height);
    const end = Math.min(slices, (layer + 1) * factor[2]);
    for (let k = layer * factor[2]; k < end; k += 1) {
      if (this.#present[k] === 0) continue;
      let at = k * columns * rows;
      for (let j = 0; j < rows; j += 1) {
        const row = Math.floor(j / factor[1]) * width;
        for (let i = 0; i < columns; i += 1, at += 1) {
          const to = row + Math.floor(i / factor[0]);
          sums[to]! += this.values[at]!;
          counts[to]! += 1;
        }
      }
    }
    for (let n = 0; n < sums.length; n += 1) sums[n] = counts[n] === 0 ? this.least : sums[n]! / counts[n]!;
    return sums;
  }

  #toIndex(direction: Vector): Vector {
    const [a, b, c] = this.#inverse;
    return [dot(a, direction), dot(b, direction), dot(c, direction)];
  }

  /**
   * Cuts the volume, with trilinear interpolation; a slab takes the greatest, least or mean of samples no farther apart than
   * the slices' smallest step.
   * @returns values row after row; `empty` where the volume has none
   */
  cut(cut: Cut, empty: number): VolumeValues {
    const { width, height, mode } = cut;
    const out = new (this.values.constructor as new (n: number) => VolumeValues)(width * height);
    const { origin } = this.geometry;
    const start = this.#toIndex([cut.origin[0] - origin[0], cut.origin[1] - origin[1], cut.origin[2] - origin[2]]);
    const right = this.#toIndex(cut.right);
    const down = this.#toIndex(cut.down);
    const normal = this.#toIndex(cut.normal);
    const samples = mode === 'none' || cut.thickness <= 0 ? 1 : this.#samplesIn(cut.thickness, normal);
    const round = !(out instanceof Float32Array);
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) {
        const i = start[0] + x * right[0] + y * down[0];
        const j = start[1] + x * right[1] + y * down[1];
        const k = start[2] + x * right[2] + y * down[2];
        const value = samples === 1 ? this.#sample(i, j, k) : this.#slab(i, j, k, normal, samples, cut);
        out[y * width + x] = Number.isNaN(value) ? empty : round ? Math.round(value) : value;
      }
    return out;
  }

  /** So many that from sample to sample no step in the volume is longer than one value. @param normal in indices a mm */
  #samplesIn(thickness: number, normal: Vector): number {
    const perMm = Math.max(Math.abs(normal[0]), Math.abs(normal[1]), Math.abs(normal[2]));
    return Math.min(512, Math.max(2, Math.ceil(thickness * perMm) + 1));
  }

  #slab(i: number, j: number, k: number, normal: Vector, samples: number, { mode, thickness }: Cut): number {
    let result = Number.NaN;
    let count = 0;
    for (let n = 0; n < samples; n += 1) {
      const at = thickness * (n / (samples - 1) - 0.5);
      const value = this.#sample(i + at * normal[0], j + at * normal[1], k + at * normal[2]);
      if (Number.isNaN(value)) continue;
      count += 1;
      if (count === 1) result = value;
      else if (mode === 'average') result += value;
      else if (mode === 'maximum' ? value > result : value < result) result = value;
    }
    return mode === 'average' && count > 1 ? result / count : result;
  }

  /** Trilinear value at column i, row j, slice k; NaN outside, half a pixel beyond the outermost centres. */
  #sample(i: number, j: number, k: number): number {
    const { columns, rows, slices } = this.geometry;
    if (i < -0.5 || j < -0.5 || k < -0.5 || i > columns - 0.5 || j > rows - 0.5 || k > slices - 0.5) return Number.NaN;
    // Plain arithmetic, no small arrays: this runs some million times a cut.
    const ci = i < 0 ? 0 : Math.min(columns - 1, i);
    const cj = j < 0 ? 0 : Math.min(rows - 1, j);
    const ck = k < 0 ? 0 : Math.min(slices - 1, k);
    const i0 = Math.floor(ci);
    const j0 = Math.floor(cj);
    const k0 = Math.floor(ck);
    const fi = ci - i0;
    const fj = cj - j0;
    const fk = ck - k0;
    // Rounding alone must not ask for a slice that has no part in the value.
    const onlyNear = fk < 1e-6;
    const onlyFar = fk > 1 - 1e-6;
    const k1 = k0 + 1 < slices ? k0 + 1 : k0;
    if ((!onlyFar && this.#present[k0] === 0) || (!onlyNear && this.#present[k1] === 0)) return Number.NaN;
    const v = this.values;
    const plane = columns * rows;
    const nextColumn = i0 + 1 < columns ? 1 : 0;
    const nextRow = j0 + 1 < rows ? columns : 0;
    let at = k0 * plane + j0 * columns + i0;
    const near =
      (v[at]! * (1 - fi) + v[at + nextColumn]! * fi) * (1 - fj) +
      (v[at + nextRow]! * (1 - fi) + v[at + nextRow + nextColumn]! * fi) * fj;
    if (onlyNear) return near;
    at = k1 * plane + j0 * columns + i0;
    const far =
      (v[at]! * (1 - fi) + v[at + nextColumn]! * fi) * (1 - fj) +
      (v[at + nextRow]! * (1 - fi) + v[at + nextRow + nextColumn]! * fi) * fj;
    return onlyFar ? far : near * (1 - fk) + far * fk;
  }
}
