/** A chest radiograph: path lengths through a thorax, film-like (MONOCHROME1: the higher the value, the darker). */
import { drawText, noiseTable } from './drawing.ts';
import { EXPLICIT_LE, writePart10 } from './part10-writer.ts';
import { commonAttributes, littleEndianBytes, pixelAttributes, type StudyDescription } from './patient.ts';

const CR_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.1';

/** Adds `density` times the thickness (mm along the beam) of an ellipsoid; x to the image's right, z downwards, mm. */
function addThickness(
  image: Float32Array,
  columns: number,
  spacing: number,
  shape: { x: number; z: number; rx: number; rz: number; depth: number; density: number; angle?: number },
): void {
  const rows = image.length / columns;
  const [sin, cos] = [Math.sin(shape.angle ?? 0), Math.cos(shape.angle ?? 0)];
  const reachX = Math.hypot(shape.rx * cos, shape.rz * sin);
  const reachZ = Math.hypot(shape.rx * sin, shape.rz * cos);
  const toRow = (z: number) => z / spacing + rows / 2;
  const toColumn = (x: number) => x / spacing + columns / 2;
  const lastRow = Math.min(rows - 1, toRow(shape.z + reachZ));
  for (let row = Math.max(0, Math.ceil(toRow(shape.z - reachZ))); row <= lastRow; row++) {
    const z = (row - rows / 2) * spacing - shape.z;
    const lastColumn = Math.min(columns - 1, toColumn(shape.x + reachX));
    for (let column = Math.max(0, Math.ceil(toColumn(shape.x - reachX))); column <= lastColumn; column++) {
      const x = (column - columns / 2) * spacing - shape.x;
      const inside = 1 - ((x * cos + z * sin) / shape.rx) ** 2 - ((z * cos - x * sin) / shape.rz) ** 2;
      if (inside > 0) image[row * columns + column]! += shape.density * 2 * shape.depth * Math.sqrt(inside);
    }
  }
}

/** A rib as a band along a curve, brighter at its edges as a tube of cortical bone is. */
function addRib(
  image: Float32Array,
  columns: number,
  spacing: number,
  side: number,
  level: number,
  anterior: boolean,
): void {
  const rows = image.length / columns;
  const width = 62 + 78 * Math.sin(Math.min(1, (level + 1.5) / 8) * 1.45);
  const top = -148 + level * 27;
  const from = anterior ? 0.34 : 0.08;
  for (let step = 0; step < width / spacing; step++) {
    const along = step / (width / spacing);
    if (along < from) continue;
    const bend = Math.sqrt(Math.max(0, 1 - along * along));
    const z = anterior ? top + 34 + 46 * (1 - along) : top + 30 * (1 - bend) + 9 * along - 6;
    const half = (anterior ? 6.2 : 5.2) - 1.2 * along;
    const oblique = Math.min(3.2, 1 / Math.max(0.3, bend));
    const fade = anterior ? Math.min(1, (along - from) * 5) * 0.62 : 1;
    const column = Math.round((side * width * along) / spacing + columns / 2);
    const middle = z / spacing + rows / 2;
    for (let row = Math.ceil(middle - half / spacing); row <= middle + half / spacing; row++) {
      if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
      const across = Math.abs(row - middle) / (half / spacing);
      image[row * columns + column]! +=
        fade * oblique * (2.2 + (across > 0.72 ? 3.4 * Math.sqrt(1 - across) + 1.2 : 0));
    }
  }
}

function thorax(rows: number, columns: number, spacing: number): Float32Array {
  const image = new Float32Array(rows * columns);
  const add = (x: number, z: number, rx: number, rz: number, depth: number, density: number, angle = 0) =>
    addThickness(image, columns, spacing, { x, z, rx, rz, depth, density, angle });
  add(0, 40, 182, 320, 108, 0.62);
  add(0, -214, 62, 70, 58, 0.7);
  for (const side of [-1, 1]) {
    add(side * 150, -176, 76, 44, 52, 0.34, side * 0.5);
    add(side * 67, -18, 58, 150, 86, -0.5, side * 0.04);
    add(side * 74, 30, 54, 104, 62, -0.08);
    add(side * 112, 78, 62, 52, 36, 0.22);
  }
  add(24, 54, 62, 66, 52, 0.42, 0.6);
  add(-14, 44, 38, 58, 40, 0.24);
  add(12, -44, 27, 44, 40, 0.34);
  add(29, -64, 18, 20, 16, 0.5);
  add(0, -20, 26, 170, 42, 0.3);
  add(-2, -124, 8.5, 62, 9, -1.1);
  add(-74, 192, 92, 80, 92, 0.62);
  add(78, 204, 84, 74, 82, 0.5);
  add(62, 152, 26, 18, 30, -0.7);
  for (let level = 0; level < 17; level++) {
    const z = -186 + level * 24;
    add(0, z, 17 + level * 0.4, 10.5, 15, 0.55);
    add(0, z + 3, 3.5, 8, 10, 0.5);
    for (const side of [-1, 1]) add(side * 24, z - 2, 13, 4.5, 6, 0.4, side * -0.15);
  }
  vessels(add);
  for (let level = 0; level < 10; level++) {
    for (const side of [-1, 1]) {
      addRib(image, columns, spacing, side, level, false);
      if (level > 0 && level < 7) addRib(image, columns, spacing, side, level, true);
    }
  }
  for (const side of [-1, 1]) {
    add(side * 72, -152, 66, 6.5, 7, 1.0, side * -0.2);
    add(side * 138, -116, 13, 74, 4, 0.8, side * -0.22);
    add(side * 152, -146, 26, 22, 14, 0.7);
  }
  return image;
}

/** Pulmonary vessels fan out from the hila and branch. */
function vessels(
  add: (x: number, z: number, rx: number, rz: number, depth: number, density: number, angle: number) => void,
): void {
  for (const side of [-1, 1]) {
    const branch = (x: number, z: number, angle: number, length: number, radius: number): void => {
      if (radius < 0.7) return;
      const [dx, dz] = [side * Math.cos(angle) * length, Math.sin(angle) * length];
      add(x + dx / 2, z + dz / 2, length * 0.62, radius, radius, 0.75, Math.atan2(dz, dx));
      branch(x + dx, z + dz, angle + 0.38, length * 0.76, radius * 0.68);
      branch(x + dx, z + dz, angle - 0.34, length * 0.8, radius * 0.7);
    };
    add(side * 36, -8, 13, 24, 13, 0.5, side * 0.35);
    for (const angle of [-1.15, -0.55, 0.1, 0.7, 1.2]) branch(side * 34, -10 + angle * 12, angle, 30, 5);
  }
}

/** Two passes of a running mean: the unsharpness of a focal spot. */
function soften(image: Float32Array, columns: number): void {
  for (const stride of [1, columns]) {
    for (let i = image.length - 1 - stride; i >= stride; i--) {
      image[i] = (image[i - stride]! + 2 * image[i]! + image[i + stride]!) / 4;
    }
  }
}

/** A PA chest radiograph of 12 bits, MONOCHROME1. */
export function crImage(options: {
  rows?: number;
  columns?: number;
  study: StudyDescription;
  seriesNumber?: number;
}): Uint8Array {
  const { rows = 2048, columns = 1760, study, seriesNumber = 1 } = options;
  const spacing = 409.6 / rows;
  const image = thorax(rows, columns, spacing);
  for (let pass = 0; pass < 2; pass++) soften(image, columns);
  const noise = noiseTable(11);
  const pixels = new Uint16Array(rows * columns);
  for (let i = 0; i < pixels.length; i++) {
    const value = 3900 * Math.exp(-image[i]! / 135) + 11 * noise[(i * 3 + (i >> 11)) & 0xffff]!;
    pixels[i] = Math.min(4095, Math.max(0, value));
  }
  const scale = Math.max(1, columns >> 7);
  drawText({ pixels, rows, columns }, 'SAMPLE', 4 * scale, 4 * scale, Math.max(1, scale >> 1), [200]);
  drawText({ pixels, rows, columns }, 'L', columns - 12 * scale, 4 * scale, scale, [200]);
  const series = { number: seriesNumber, modality: 'CR', description: 'Chest PA', device: 'Analytic CR' };
  return writePart10(
    {
      ...commonAttributes(study, series, CR_IMAGE_STORAGE, 1),
      ...pixelAttributes({ rows, columns, bitsAllocated: 16, bitsStored: 12, photometric: 'MONOCHROME1' }),
      '00080008': ['CS', 'ORIGINAL', 'PRIMARY'],
      '00180015': ['CS', 'CHEST'],
      '00180060': ['DS', 125],
      '00181164': ['DS', spacing, spacing],
      '00185101': ['CS', 'PA'],
      '00200020': ['CS', 'L', 'F'],
      '00281050': ['DS', 1700],
      '00281051': ['DS', 3000],
      '7FE00010': ['OW', littleEndianBytes(pixels)],
    },
    EXPLICIT_LE,
  );
}
