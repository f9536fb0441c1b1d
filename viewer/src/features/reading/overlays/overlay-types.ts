import type { Point } from '../study/point.ts';
import type { Picture } from '../study/study-model.ts';

/** Red, green and blue, 0 to 255. */
export type Colour = [red: number, green: number, blue: number];

/** A segment, a structure: what of an overlay can be hidden by itself. */
export interface OverlayPart {
  id: string;
  name: string;
  colour: Colour;
}

/** Lines and words in image coordinates (pixel corners are whole numbers). */
export type Shape =
  | { kind: 'line' | 'area'; points: Point[]; colour: Colour; closed: boolean }
  | { kind: 'point'; points: [Point]; colour: Colour }
  | { kind: 'ellipse'; centre: Point; a: Point; b: Point; colour: Colour; filled: boolean }
  | { kind: 'text'; at: Point; lines: string[]; colour: Colour };

/** A coloured picture, and where its pixels lie: x = a*column + c*row + e, y = b*column + d*row + f, in the image's. */
export interface Mask {
  columns: number;
  rows: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
  matrix: [a: number, b: number, c: number, d: number, e: number, f: number];
}

export interface Drawing {
  shapes: Shape[];
  masks: Mask[];
}

/** Something that lies over the pictures it belongs to. */
export interface Overlay {
  parts: OverlayPart[];
  /** What of it is not drawn, in words; [] when all is. */
  missing: string[];
  /** What it draws into a picture; null where it has nothing there. Only what has been fetched already. */
  drawingFor(picture: Picture, hidden: ReadonlySet<string>): Drawing | null;
  /** Fetches what it draws into a picture; false when there is nothing to fetch. */
  fetchFor(picture: Picture): Promise<boolean>;
}

const fallback: Colour[] = [
  [255, 99, 71],
  [64, 200, 255],
  [255, 214, 64],
  [120, 230, 120],
  [210, 130, 255],
  [255, 150, 200],
  [120, 255, 220],
  [255, 170, 80],
];

/** A colour for the n-th part that brings none. */
export function colourAt(n: number): Colour {
  return fallback[n % fallback.length]!;
}

/** Recommended Display CIELab Value (PS3.3 C.10.7.1.1: L 0 to 65535 is 0 to 100, a and b are -128 to 127) as sRGB. */
export function colourOfLab(lab: readonly number[]): Colour | null {
  if (lab.length !== 3) return null;
  const [l, a, b] = [(lab[0]! / 65535) * 100, (lab[1]! / 65535) * 255 - 128, (lab[2]! / 65535) * 255 - 128];
  const fy = (l + 16) / 116;
  const curve = (t: number) => (t > 6 / 29 ? t ** 3 : 3 * (6 / 29) ** 2 * (t - 4 / 29));
  // D50 white, as in ICC profile connection space; to linear sRGB (D65) by the Bradford matrix.
  const [x, y, z] = [0.9642 * curve(fy + a / 500), curve(fy), 0.8249 * curve(fy - b / 200)];
  const linear = [
    3.1338561 * x - 1.6168667 * y - 0.4906146 * z,
    -0.9787684 * x + 1.9161415 * y + 0.033454 * z,
    0.0719453 * x - 0.2289914 * y + 1.4052427 * z,
  ];
  const gamma = (v: number) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  return linear.map((v) => Math.round(255 * Math.min(1, Math.max(0, gamma(v))))) as Colour;
}
