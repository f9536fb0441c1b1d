/** A head as T1-weighted MR sees it: nested ellipsoids with folded cortex, ventricles, nuclei, cerebellum. */
import { drawText, noiseTable } from './drawing.ts';
import { EXPLICIT_LE, writePart10 } from './part10-writer.ts';
import { commonAttributes, littleEndianBytes, pixelAttributes, type StudyDescription } from './patient.ts';
import { uidFrom } from './uid.ts';

const MR_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.4';
const [AIR, CSF, GREY, WHITE, FAT, MUSCLE, BONE] = [12, 190, 520, 800, 1150, 430, 60] as const;
const SLICE_SPACING = 1.8;

/** How far out a point is, in units of the ellipsoid's radii: 1 is on its surface. */
function radius(x: number, y: number, z: number, rx: number, ry: number, rz: number): number {
  return Math.sqrt((x / rx) ** 2 + (y / ry) ** 2 + (z / rz) ** 2);
}

/** Signal at a point of the brain; `fold` is the local relief of the cortex, -1 to 1. */
function brain(x: number, y: number, z: number, rho: number, fold: number): number {
  const side = Math.abs(x);
  if (side < 1.6 + 0.6 * fold && (y < -34 || y > 30 || z > 34) && z > -14) return CSF;
  if (radius(side - 13, y - 4 - 0.25 * side, z - 14, 7, 32, 13) < 1 || radius(side - 25, y - 30, z - 2, 7, 16, 9) < 1)
    return CSF;
  if (radius(x, y + 2, z - 2, 2.4, 14, 10) < 1) return CSF;
  if (radius(side - 11, y + 16, z - 16, 7, 14, 12) < 1 || radius(side - 11, y - 8, z - 4, 9, 14, 9) < 1)
    return GREY + 60;
  if (radius(side - 25, y + 6, z - 2, 7, 17, 12) < 1) return GREY + 40;
  if (radius(side - 42, y - 2, z + 2, 5, 19, 4) < 1 && fold < 0.4) return CSF;
  const cortex = 0.83 + 0.085 * fold;
  if (rho > 0.955 + 0.03 * fold && fold < 0.35) return CSF;
  if (fold < -0.55 && rho > 0.84) return rho > 0.9 ? CSF : GREY;
  return rho > cortex ? GREY : WHITE;
}

/** Signal at a point of the head, mm: x to the patient's left, y to the back, z up from the middle of the brain. */
function head(x: number, y: number, z: number, fold: number): number {
  const outer = radius(x, y, z + 6, 82, 103, 104);
  const neck = z < -52 && radius(x, y - 26, 0, 58, 58, 1e6) < 1;
  const face = z < -20 && radius(x, y + 40, z + 70, 62, 66, 78) < 1;
  if (outer > 1 && !neck && !face) return AIR;
  const rho = radius(x, y, z, 69, 88, 78);
  const cerebellum = radius(x, y - 48, z + 50, 50, 32, 24);
  if (cerebellum < 1 && z < -30) {
    const leaf = Math.sin(z * 1.5 + 0.02 * x * x * 0.1) + fold * 0.5;
    return cerebellum > 0.62 && leaf < -0.55 ? CSF + 160 : cerebellum > 0.55 ? GREY + 20 : WHITE - 40;
  }
  if (radius(x, y - 14, z + 46, 15, 14, 40) < 1) return WHITE - 70;
  // The frontal lobe lies on the orbits, the temporal lobes reach lower.
  const floor = -50 + 24 * Math.min(1, Math.max(0, (-y - 26) / 22)) + 12 * Math.max(0, 1 - Math.abs(x) / 16);
  if (rho < 1 && z > floor) return brain(x, y, z, rho, fold);
  if (radius(Math.abs(x) - 31, y + 74, z + 34, 12.5, 13, 12.5) < 1) {
    return radius(Math.abs(x) - 31, y + 84, z + 34, 6, 4, 6) < 1 ? GREY : CSF - 40;
  }
  if (radius(x, y + 70, z + 58, 14, 30, 24) < 1) return Math.abs(x) < 1.5 ? GREY : AIR;
  const skin = face && outer > 1 ? radius(x, y + 40, z + 70, 62, 66, 78) : outer;
  if (skin > 0.975) return MUSCLE;
  if (skin > 0.93) return FAT;
  if (rho < 1.03 && z > floor) return CSF - 60;
  if (rho < 1.12 && z > Math.max(-40, floor)) return rho > 1.055 && rho < 1.085 ? FAT * 0.55 : BONE;
  return fold > 0.5 ? FAT * 0.8 : MUSCLE + 60 * fold;
}

export interface MrOptions {
  rows?: number;
  columns?: number;
  study: StudyDescription;
  seriesNumber?: number;
}

/** One of `count` axial slices, 0 the lowest. */
export function mrSlice(index: number, count: number, options: MrOptions): Uint8Array {
  const { rows = 256, columns = 256, study, seriesNumber = 1 } = options;
  const sliceSpacing = (SLICE_SPACING * 96) / count;
  const spacing = 240 / Math.max(rows, columns);
  const z = (index - count / 2 + 0.5) * sliceSpacing;
  const pixels = new Uint16Array(rows * columns);
  const noise = noiseTable(7);
  const phase = (index * 7919) & 0xffff;
  for (let row = 0; row < rows; row++) {
    const y = (row - rows / 2 + 0.5) * spacing - 6;
    for (let column = 0; column < columns; column++) {
      const x = (column - columns / 2 + 0.5) * spacing;
      if ((x / 84) ** 2 + (y / 112) ** 2 > 1.02) {
        pixels[row * columns + column] = Math.abs(AIR + 14 * noise[(row * columns + column + phase) & 0xffff]!);
        continue;
      }
      const fold =
        (Math.sin(x * 0.33 + 1.6 * Math.sin(z * 0.13 + y * 0.05)) +
          Math.sin(y * 0.3 + 1.4 * Math.sin(x * 0.11 + z * 0.07)) +
          Math.sin(z * 0.31 + 1.2 * Math.sin(y * 0.12 - x * 0.06))) /
        2.4;
      const bias = 1 + 0.0012 * y + 0.0006 * x - 0.000012 * (x * x + y * y);
      const value = head(x, y, z, fold) * bias + 22 * noise[(row * columns + column + phase) & 0xffff]!;
      pixels[row * columns + column] = Math.abs(value);
    }
  }
  drawText({ pixels, rows, columns }, 'SAMPLE', 4, 4, Math.max(1, columns >> 8), [1200]);
  const series = { number: seriesNumber, modality: 'MR', description: 'T1 3D axial', device: 'Analytic MR' };
  return writePart10(
    {
      ...commonAttributes(study, series, MR_IMAGE_STORAGE, index + 1),
      ...pixelAttributes({ rows, columns, bitsAllocated: 16, bitsStored: 12, photometric: 'MONOCHROME2' }),
      '00080008': ['CS', 'ORIGINAL', 'PRIMARY', 'OTHER'],
      '00180015': ['CS', 'HEAD'],
      '00180020': ['CS', 'GR'],
      '00180021': ['CS', 'SP'],
      '00180022': ['CS', 'PFP'],
      '00180023': ['CS', '3D'],
      '00180050': ['DS', sliceSpacing],
      '00180080': ['DS', 7.5],
      '00180081': ['DS', 3.4],
      '00180083': ['DS', 1],
      '00180087': ['DS', 1.5],
      '00180088': ['DS', sliceSpacing],
      '00180091': ['IS', 1],
      '00181314': ['DS', 8],
      '00185100': ['CS', 'HFS'],
      '00200012': ['IS', 1],
      '00200032': ['DS', (-columns / 2 + 0.5) * spacing, (-rows / 2 + 0.5) * spacing - 6, z],
      '00200037': ['DS', 1, 0, 0, 0, 1, 0],
      '00200052': ['UI', uidFrom(`${study.name} frame of reference`)],
      '00201040': ['LO'],
      '00280030': ['DS', spacing, spacing],
      '00281050': ['DS', 500],
      '00281051': ['DS', 1000],
      '7FE00010': ['OW', littleEndianBytes(pixels)],
    },
    EXPLICIT_LE,
  );
}
