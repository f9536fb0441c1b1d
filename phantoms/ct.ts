/** An analytic thorax: shapes of known place, size and density, cut by planes. */
import { drawText, type Ellipsoid, fillEllipsoid, noiseTable, type Plane, randomNumbers } from './drawing.ts';
import { type DataSet, EXPLICIT_LE, writePart10 } from './part10-writer.ts';
import { commonAttributes, littleEndianBytes, pixelAttributes, type StudyDescription } from './patient.ts';
import { uidFrom } from './uid.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const AIR = -1000;
/** Lowest and highest plane of the anatomy, mm. */
const BOTTOM = -120;
const TOP = 120;

/** Spheres of known diameter (mm) and density (HU) in the lungs; places in mm as in the image planes. */
export interface Lesion {
  x: number;
  y: number;
  z: number;
  diameter: number;
  hu: number;
}
/** What the current study shows. */
export const CT_LESIONS: readonly Lesion[] = [
  { x: 82, y: -28, z: 32, diameter: 24, hu: 40 },
  { x: -88, y: 18, z: 54, diameter: 8, hu: 400 },
  { x: -70, y: -40, z: -4, diameter: 12, hu: 60 },
];
/** What the prior showed: the first lesion was smaller. */
export const CT_PRIOR_LESIONS: readonly Lesion[] = [{ ...CT_LESIONS[0]!, diameter: 11 }, CT_LESIONS[1]!];

function sphere({ x, y, z, diameter, hu }: Lesion): Ellipsoid {
  return { x, y, z, rx: diameter / 2, ry: diameter / 2, rz: diameter / 2, value: hu };
}
const ellipsoid = (x: number, y: number, z: number, rx: number, ry: number, rz: number, value: number, angle = 0) => ({
  x,
  y,
  z,
  rx,
  ry,
  rz,
  value,
  angle,
});

/** Vessels: short bent rods, thick near the hilum and thin outside. */
function lungVessels(seed: number): Ellipsoid[] {
  const random = randomNumbers(seed);
  const vessels: Ellipsoid[] = [];
  for (const side of [-1, 1]) {
    for (let i = 0; i < 520; i++) {
      const out = 0.12 + 0.86 * random();
      const turn = random() * 2 * Math.PI;
      const x = side * (76 + (out > 0.5 ? 1 : 0.9) * 50 * out * Math.cos(turn));
      const y = 2 + 76 * out * Math.sin(turn);
      const z = -110 + 220 * random();
      const distance = Math.hypot(x - side * 28, y, (z - 10) * 0.6);
      const radius = Math.max(0.7, 4.2 - distance * 0.036) * (0.6 + 0.6 * random());
      const along = Math.atan2(y - 2, x - side * 24) + (random() - 0.5) * 0.7;
      vessels.push(ellipsoid(x, y, z, radius * (2 + 3 * random()), radius, radius * (1.5 + 3 * random()), 40, along));
    }
  }
  return vessels;
}

const tube = (x: number, y: number, rx: number, ry: number, value: number, angle = 0) =>
  ellipsoid(x, y, 0, rx, ry, 1e6, value, angle);

/** Shapes of one plane, in the order in which they cover each other. */
function* anatomy(z: number, lesions: readonly Lesion[], vessels: readonly Ellipsoid[]): Iterable<Ellipsoid> {
  const shoulder = Math.max(0, (z - 70) / 50);
  yield tube(0, 172, 210, 16, -120);
  yield tube(0, 172, 206, 12, -850);
  yield tube(0, 6, 186 + 6 * shoulder, 126 - 14 * shoulder, -95);
  yield tube(0, 6, 172 + 4 * shoulder, 113 - 12 * shoulder, 48);
  yield tube(-52, 96, 58, 20, 55, 0.16);
  yield tube(52, 96, 58, 20, 55, -0.16);
  yield tube(0, 0, 148, 96, -80);
  yield ellipsoid(-76, 2, -24, 64, 86, 150, -860, 0.06);
  yield ellipsoid(76, 2, -24, 62, 84, 150, -860, -0.06);
  for (const vessel of vessels) if (Math.abs(vessel.z - z) < vessel.rz) yield vessel;
  for (const lesion of lesions) yield sphere(lesion);
  yield* mediastinum(z);
  yield* upperAbdomen();
  yield* bones(z);
}

function* mediastinum(z: number): Iterable<Ellipsoid> {
  yield ellipsoid(0, 0, 60, 30, 62, 110, -60);
  yield ellipsoid(0, 10, 40, 26, 52, 100, 38);
  yield ellipsoid(22, -28, -38, 62, 50, 62, 45, 0.5);
  yield ellipsoid(36, -20, -44, 36, 25, 44, 190, 0.6);
  yield ellipsoid(-10, -38, -34, 30, 24, 44, 150, 0.3);
  yield ellipsoid(6, 12, -14, 30, 17, 24, 185);
  if (z > -10) yield tube(-10, -26, 15, 15, 210);
  if (z < 62) yield tube(24, 58, 12.5, 12.5, 205);
  yield ellipsoid(7, 14, 62, 13, 46, 15, 205, 0.42);
  yield ellipsoid(8, -18, 24, 16, 30, 13, 200, -0.9);
  if (z > 0) yield tube(-30, -22, 9, 10, 240);
  yield tube(14, 40, 6, 5, 42);
  if (z > 30) yield tube(0, 22, 9, 8.5, AIR);
  else if (z > -20) {
    const apart = (30 - z) * 0.75;
    yield tube(-4 - apart, 22, 7, 6.5, AIR, 0.4);
    yield tube(4 + apart, 22, 6.5, 6, AIR, -0.4);
  }
}

function* upperAbdomen(): Iterable<Ellipsoid> {
  yield ellipsoid(-70, 2, -138, 74, 84, 72, 104);
  yield ellipsoid(-84, 14, -128, 9, 8, 9, 22);
  yield ellipsoid(84, 30, -140, 44, 40, 54, 118, 0.5);
  yield ellipsoid(62, -36, -136, 52, 38, 46, 34);
  yield ellipsoid(60, -54, -136, 40, 18, 34, -980);
}

function* bones(z: number): Iterable<Ellipsoid> {
  const within = (((z % 28) + 28) % 28) / 28;
  const disc = within < 0.2;
  yield tube(0, 82, disc ? 19 : 18, disc ? 16.5 : 15.5, disc ? 90 : 680);
  if (!disc) yield tube(0, 82, 16, 13.5, 230);
  yield tube(-24, 104, 18, 4.5, 520, 0.42);
  yield tube(24, 104, 18, 4.5, 520, -0.42);
  yield tube(0, 102, 13, 11, 560);
  yield tube(0, 101.5, 9, 8, 28);
  yield tube(0, 120, 3.6, 13, 480);
  yield tube(0, -98, 21, 6.5, 480);
  yield tube(0, -98, 18, 4, 140);
  if (z > 58) {
    const spread = (z - 58) / 60;
    for (const side of [-1, 1]) {
      yield tube(side * (112 + 4 * spread), 74 - 6 * spread, 27, 4, 520, side * (-0.75 - 0.1 * spread));
      if (z > 88) yield tube(side * (46 + 34 * spread), -88 + 10 * spread, 34, 6, 560, side * -0.18);
    }
  }
  for (let rib = -4; rib < 12; rib++) {
    const along = (rib * 24 - 56 - z) / 92;
    if (along < 0 || along > 1) continue;
    const turn = 1.05 - along * 2.0;
    for (const side of [-1, 1]) {
      const x = side * 158 * Math.cos(turn);
      const y = 4 + 103 * Math.sin(turn);
      const tangent = Math.atan2(103 * Math.cos(turn), -158 * Math.sin(turn)) * side;
      yield tube(x, y, 13, 4.6, 620, tangent);
      yield tube(x, y, 10.5, 2.4, 220, tangent);
    }
  }
}

export interface CtSliceOptions {
  rows?: number;
  columns?: number;
  /** Which slice of how many; 0 is the topmost. */
  index?: number;
  of?: number;
  /** mm between slices and, with 512 columns, 1 mm pixels. */
  spacing?: number;
  seed?: number;
  lesions?: readonly Lesion[];
  study?: StudyDescription;
  seriesNumber?: number;
  seriesDescription?: string;
  transferSyntaxUID?: string;
}

export const TEST_STUDY: StudyDescription = {
  name: 'test CT',
  patientName: 'SAMPLE^Test',
  patientID: 'TEST-1',
  birthDate: '19600101',
  sex: 'O',
  date: '20260105',
  time: '101500',
  accessionNumber: 'TEST1',
  description: 'CT Thorax',
  charset: 'ISO_IR 192',
};

const vesselCache = new Map<number, Ellipsoid[]>();
const noiseCache = new Map<number, Float32Array>();
function cached<T>(cache: Map<number, T>, seed: number, make: (seed: number) => T): T {
  let value = cache.get(seed);
  if (value === undefined) {
    value = make(seed);
    cache.set(seed, value);
  }
  return value;
}

function addNoise(pixels: Int16Array, noise: Float32Array, start: number, sigma: number): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.max(AIR, pixels[i]! + noise[(i + start) & 0xffff]! * sigma);
}

/** The description of one slice, to change before it is written. */
export function ctSliceDataSet(options: CtSliceOptions = {}): DataSet {
  const { rows = 512, columns = 512, index = 0, of = 120, seed = 1, study = TEST_STUDY, seriesNumber = 1 } = options;
  const sliceSpacing = options.spacing ?? (TOP - BOTTOM) / of;
  const pixelSpacing = 512 / Math.max(rows, columns);
  const z = TOP - sliceSpacing * (index + 0.5);
  const plane: Plane = { pixels: new Int16Array(rows * columns).fill(AIR), rows, columns, z, spacing: pixelSpacing };
  const vessels = cached(vesselCache, seed, lungVessels);
  for (const shape of anatomy(z, options.lesions ?? CT_LESIONS, vessels)) fillEllipsoid(plane, shape);
  const pixels = plane.pixels as Int16Array;
  addNoise(
    pixels,
    cached(noiseCache, seed, noiseTable),
    Math.floor(randomNumbers(seed * 1000 + index + 1)() * 65536),
    11,
  );
  const scale = Math.max(1, Math.floor(columns / 128));
  drawText(plane, 'SAMPLE', 2 * scale, 2 * scale, Math.max(1, scale >> 1), [900]);
  for (let i = 0; i < pixels.length; i++) pixels[i]! += 1024;
  const series = {
    number: seriesNumber,
    modality: 'CT',
    description: options.seriesDescription ?? 'Thorax 2.0 soft',
    device: 'Analytic CT',
  };
  return {
    ...commonAttributes(study, series, CT_IMAGE_STORAGE, index + 1),
    ...pixelAttributes({ rows, columns, bitsAllocated: 16, bitsStored: 16, signed: true, photometric: 'MONOCHROME2' }),
    '00080008': ['CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'],
    '00180015': ['CS', 'CHEST'],
    '00180050': ['DS', sliceSpacing],
    '00180060': ['DS', 120],
    '00180088': ['DS', sliceSpacing],
    '00181151': ['IS', 180],
    '00181210': ['SH', 'SAMPLE soft'],
    '00185100': ['CS', 'HFS'],
    '00200012': ['IS', 1],
    '00200032': ['DS', (-columns / 2 + 0.5) * pixelSpacing, (-rows / 2 + 0.5) * pixelSpacing, z],
    '00200037': ['DS', 1, 0, 0, 0, 1, 0],
    '00200052': ['UI', uidFrom(`${study.name} frame of reference`)],
    '00201040': ['LO'],
    '00201041': ['DS', z],
    '00280030': ['DS', pixelSpacing, pixelSpacing],
    '00281050': ['DS', 40, -600],
    '00281051': ['DS', 400, 1500],
    '00281052': ['DS', -1024],
    '00281053': ['DS', 1],
    '00281054': ['LO', 'HU'],
    '00281055': ['LO', 'SOFT', 'LUNG'],
    '7FE00010': ['OW', littleEndianBytes(pixels)],
  };
}

/** One CT slice as a Part 10 file. Stored values are HU + 1024. */
export function ctSlice(options: CtSliceOptions = {}): Uint8Array {
  return writePart10(ctSliceDataSet(options), options.transferSyntaxUID ?? EXPLICIT_LE);
}

/** A series of `count` slices from top to bottom. */
export function* ctSeries(count: number, options: Omit<CtSliceOptions, 'index' | 'of'> = {}): Iterable<Uint8Array> {
  for (let index = 0; index < count; index++) yield ctSlice({ ...options, index, of: count });
}
