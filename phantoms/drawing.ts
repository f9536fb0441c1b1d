/** Drawing into rasters: letters, ellipses with soft edges, noise that is the same on every run. */

export interface Raster {
  pixels: Int16Array | Uint16Array | Float32Array | Uint8Array;
  columns: number;
  rows: number;
}

/** 5 x 7 letters, a row of bits each. */
const LETTERS: Record<string, readonly number[]> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [30, 17, 17, 17, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  H: [17, 17, 17, 31, 17, 17, 17],
  I: [14, 4, 4, 4, 4, 4, 14],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  P: [30, 17, 17, 30, 16, 16, 16],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  '0': [14, 17, 19, 21, 25, 17, 14],
  '1': [4, 12, 4, 4, 4, 4, 14],
  '2': [14, 17, 1, 2, 4, 8, 31],
  '5': [31, 16, 30, 1, 1, 17, 14],
  '7': [31, 1, 2, 4, 8, 8, 8],
  ' ': [0, 0, 0, 0, 0, 0, 0],
};

/**
 * Writes capital letters with their upper left corner at (x, y).
 * @param scale pixels of the raster for one of the letter, at least 1
 * @param samples values for one pixel, interleaved: one for grey, three for colour
 */
export function drawText(
  raster: Raster,
  text: string,
  x: number,
  y: number,
  scale: number,
  samples: readonly number[],
): void {
  const { pixels, columns, rows } = raster;
  for (const [n, char] of [...text].entries()) {
    const letter = LETTERS[char];
    if (!letter) throw new RangeError(`no letter ${char} in the phantom's font`);
    for (let row = 0; row < 7 * scale; row++) {
      const bits = letter[Math.floor(row / scale)]!;
      for (let column = 0; column < 5 * scale; column++) {
        if (!(bits & (16 >> Math.floor(column / scale)))) continue;
        const px = x + n * 6 * scale + column;
        const py = y + row;
        if (px < 0 || py < 0 || px >= columns || py >= rows) continue;
        for (const [s, value] of samples.entries()) pixels[(py * columns + px) * samples.length + s] = value;
      }
    }
  }
}

/** An ellipsoid in mm; `angle` turns it in the image plane, radians. */
export interface Ellipsoid {
  x: number;
  y: number;
  z: number;
  rx: number;
  ry: number;
  rz: number;
  angle?: number;
  value: number;
}

/** Image plane at height `z`: pixel (column, row) is at ((column - centreColumn) * spacing, (row - centreRow) * spacing) mm. */
export interface Plane extends Raster {
  z: number;
  spacing: number;
}

/** Fills the cut of an ellipsoid with its value; pixels on the edge are blended by how much of them is inside. */
export function fillEllipsoid(plane: Plane, shape: Ellipsoid): void {
  const { pixels, columns, rows, spacing } = plane;
  const height = (plane.z - shape.z) / shape.rz;
  if (Math.abs(height) >= 1) return;
  const scale = Math.sqrt(1 - height * height) / spacing;
  const [a, b] = [shape.rx * scale, shape.ry * scale];
  const [sin, cos] = [Math.sin(shape.angle ?? 0), Math.cos(shape.angle ?? 0)];
  const A = (cos / a) ** 2 + (sin / b) ** 2;
  const B = 2 * sin * cos * (1 / a ** 2 - 1 / b ** 2);
  const C = (sin / a) ** 2 + (cos / b) ** 2;
  const cx = shape.x / spacing + columns / 2 - 0.5;
  const cy = shape.y / spacing + rows / 2 - 0.5;
  const reach = Math.hypot(a * sin, b * cos);
  for (let row = Math.max(0, Math.ceil(cy - reach)); row <= Math.min(rows - 1, cy + reach); row++) {
    const y = row - cy;
    const root = B * B * y * y - 4 * A * (C * y * y - 1);
    if (root <= 0) continue;
    const half = Math.sqrt(root) / (2 * A);
    const middle = cx - (B * y) / (2 * A);
    const [left, right] = [Math.max(-0.5, middle - half), Math.min(columns - 0.5, middle + half)];
    if (right <= left) continue;
    const [first, last] = [Math.round(left), Math.round(right)];
    const base = row * columns;
    if (first + 1 < last) pixels.fill(shape.value, base + first + 1, base + last);
    const blend = (column: number, part: number) => {
      if (column < 0 || column >= columns) return;
      pixels[base + column] = pixels[base + column]! + (shape.value - pixels[base + column]!) * part;
    };
    if (first === last) blend(first, right - left);
    else {
      blend(first, first + 0.5 - left);
      blend(last, right - (last - 0.5));
    }
  }
}

/** Small, fast, repeatable random numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4294967296;
  };
}

/** 2^16 values with mean 0 and standard deviation 1, about normally distributed. */
export function noiseTable(seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: 65536 }, () => (random() + random() + random() + random() - 2) * Math.sqrt(3));
}
