/** An ultrasound cine of a beating heart: one multi-frame object in RGB, calibrated. */
import { drawText, noiseTable } from './drawing.ts';
import { EXPLICIT_LE, writePart10 } from './part10-writer.ts';
import { commonAttributes, pixelAttributes, type StudyDescription } from './patient.ts';

const US_MULTIFRAME_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.3.1';
const DEPTH_MM = 160;
const HALF_ANGLE = 0.68;
const FRAME_TIME_MS = 33;

/** A pixel inside the sector: where it is in the image and in the body. */
interface SectorPixel {
  index: number;
  /** mm from the apex, sideways and down. */
  x: number;
  y: number;
  speckle: number;
  /** Brightness of the beam there: near field, focus, attenuation, edges. */
  gain: number;
}

function sector(rows: number, columns: number, mmPerPixel: number, top: number, noise: Float32Array): SectorPixel[] {
  const pixels: SectorPixel[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = (column - columns / 2 + 0.5) * mmPerPixel;
      const y = (row - top) * mmPerPixel;
      const depth = Math.hypot(x, y);
      const angle = Math.atan2(x, y);
      if (y <= 0 || depth < 3 || depth > DEPTH_MM || Math.abs(angle) > HALF_ANGLE) continue;
      // Speckle is fine along the beam and broad across it, broader with depth.
      const [beam, echo] = [Math.floor((angle + 1) * 110), Math.floor(depth * 1.6)];
      const a = noise[(beam * 331 + echo * 7) & 0xffff]!;
      const b = noise[((beam + 1) * 331 + echo * 7) & 0xffff]!;
      const mix = (angle + 1) * 110 - beam;
      const amplitude = Math.abs(a * (1 - mix) + b * mix) + 0.25 * Math.abs(noise[(row * columns + column) & 0xffff]!);
      const gain = (0.55 + 0.5 * Math.exp(-(((depth - 85) / 55) ** 2))) * (1 - 0.25 * Math.abs(angle / HALF_ANGLE));
      pixels.push({ index: row * columns + column, x, y, speckle: 0.35 + 0.75 * amplitude, gain });
    }
  }
  return pixels;
}

/** Square of how far out a point is: 1 is on the ellipse. */
const ellipse = (x: number, y: number, cx: number, cy: number, rx: number, ry: number) =>
  ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2;

/** Display curve of the machine: amplitude in 1/1023 to grey. */
const GREY = Uint8Array.from({ length: 1024 }, (_, i) => Math.min(235, 255 * (i / 1023) ** 0.72));

/** How strongly the tissue at a point reflects, 0 to 1. `systole` 0 (relaxed) to 1 (contracted). */
function echo(x: number, y: number, systole: number, valve: number): number {
  const lv = ellipse(x, y, 17, 72, 15.5 - 5 * systole, 33 - 6 * systole);
  const rv = ellipse(x, y, -21, 70, 14 - 3 * systole, 32 - 5 * systole);
  const la = ellipse(x, y, 19, 124 - 4 * systole, 20 + 2 * systole, 21);
  const ra = ellipse(x, y, -22, 122 - 4 * systole, 18 + 2 * systole, 20);
  const annulus = 103 - 8 * systole;
  for (const [hinge, middle] of [
    [2, 16],
    [33, 18],
    [-36, -23],
    [-5, -20],
  ] as const) {
    const t = (x - hinge) / (middle - hinge);
    if (t < 0 || t > 1) continue;
    const leaflet = annulus - t * 17 * valve - 3 * t * (1 - t);
    if (Math.abs(y - leaflet) < 1.5) return 0.95;
  }
  if (lv < 1 || rv < 1 || la < 1 || ra < 1) return 0.035;
  if (lv < 1.28 || rv < 1.22) return 0.75;
  const heart = ellipse(x, y, 0, 86, 52 - 2 * systole, 68);
  if (heart < 1) return 0.46;
  if (heart < 1.1) return 0.95;
  if (ellipse(x, y, 34, 150, 11, 9) < 1) return 0.05;
  return y < 14 ? 0.6 : 0.27;
}

/** Height of an ECG at a phase of the beat, -1 to 1. */
function ecg(phase: number): number {
  const wave = (at: number, width: number, height: number) => height * Math.exp(-(((phase - at) / width) ** 2));
  return (
    wave(0.12, 0.03, 0.16) +
    wave(0.235, 0.009, -0.15) +
    wave(0.25, 0.011, 1) +
    wave(0.268, 0.01, -0.3) +
    wave(0.52, 0.05, 0.28)
  );
}

function drawTrace(frame: Uint8Array, rows: number, columns: number, now: number, beats: number): void {
  const base = rows - Math.round(rows * 0.06);
  const height = rows * 0.09;
  let previous = base;
  for (let column = 0; column < columns; column++) {
    const row = Math.round(base - height * ecg(((column / columns) * beats) % 1));
    for (let r = Math.min(row, previous); r <= Math.max(row, previous); r++) {
      if (r >= 0 && r < rows) frame.set([40, column / columns < now ? 230 : 110, 70], (r * columns + column) * 3);
    }
    previous = row;
  }
}

export interface UsOptions {
  rows?: number;
  columns?: number;
  frames?: number;
  study: StudyDescription;
  seriesNumber?: number;
}

/** The cine as one Part 10 file. */
export function usCine(options: UsOptions): Uint8Array {
  const { rows = 384, columns = 512, frames = 64, study, seriesNumber = 1 } = options;
  const mmPerPixel = (DEPTH_MM * 1.12) / rows;
  const top = Math.round(rows * 0.03);
  const noise = noiseTable(5);
  const pixels = sector(rows, columns, mmPerPixel, top, noise);
  const frameBytes = rows * columns * 3;
  const bytes = new Uint8Array(frameBytes * frames);
  const beats = 2;
  for (let f = 0; f < frames; f++) {
    const phase = ((f / frames) * beats) % 1;
    const systole = phase > 0.25 && phase < 0.65 ? Math.sin(((phase - 0.25) / 0.4) * Math.PI) ** 1.3 : 0;
    const valve = phase > 0.25 && phase < 0.62 ? 0.05 : 0.35 + 0.65 * Math.abs(Math.sin((phase - 0.62) * 7));
    const frame = bytes.subarray(f * frameBytes, (f + 1) * frameBytes);
    for (const { index, x, y, speckle, gain } of pixels) {
      const flicker = 0.9 + 0.2 * Math.abs(noise[(index * 13 + f * 4099) & 0xffff]!);
      const level = echo(x, y, systole, valve) * speckle * gain * flicker;
      const grey = GREY[Math.min(1023, Math.round(level * 1023))]!;
      frame[index * 3] = grey;
      frame[index * 3 + 1] = grey;
      frame[index * 3 + 2] = Math.min(255, grey * 1.04);
    }
    for (let r = 0; r < 100; r++) {
      const row = Math.round(rows * 0.2) + Math.round((r * rows) / 400);
      for (let c = 0; c < 8; c++)
        frame.fill(
          235 - Math.round(r * 2.3),
          (row * columns + columns - 20 + c) * 3,
          (row * columns + columns - 19 + c) * 3,
        );
    }
    drawTrace(frame, rows, columns, f / frames, beats);
    drawText({ pixels: frame, rows, columns }, 'SAMPLE', 8, 8, Math.max(1, columns >> 8), [255, 210, 60]);
  }
  const series = { number: seriesNumber, modality: 'US', description: 'Apical four chamber', device: 'Analytic US' };
  const cmPerPixel = mmPerPixel / 10;
  return writePart10(
    {
      ...commonAttributes(study, series, US_MULTIFRAME_IMAGE_STORAGE, 1),
      ...pixelAttributes({ rows, columns, bitsAllocated: 8, bitsStored: 8, photometric: 'RGB' }),
      '00080008': ['CS', 'ORIGINAL', 'PRIMARY'],
      '00082142': ['IS', 1],
      '00082143': ['IS', frames],
      '00082144': ['IS', Math.round(1000 / FRAME_TIME_MS)],
      '00180015': ['CS', 'HEART'],
      '00180040': ['IS', Math.round(1000 / FRAME_TIME_MS)],
      '00181063': ['DS', FRAME_TIME_MS],
      '00181088': ['IS', Math.round(60_000 / ((frames * FRAME_TIME_MS) / beats))],
      '00186011': [
        'SQ',
        {
          '00186012': ['US', 1],
          '00186014': ['US', 1],
          '00186016': ['UL', 0],
          '00186018': ['UL', 0],
          '0018601A': ['UL', top],
          '0018601C': ['UL', columns - 1],
          '0018601E': ['UL', rows - 1],
          '00186024': ['US', 3],
          '00186026': ['US', 3],
          '00186020': ['SL', Math.round(columns / 2)],
          '00186022': ['SL', 0],
          '00186028': ['FD', 0],
          '0018602A': ['FD', 0],
          '0018602C': ['FD', cmPerPixel],
          '0018602E': ['FD', cmPerPixel],
        },
      ],
      '00200020': ['CS'],
      '00280008': ['IS', frames],
      '00280009': ['AT', '00181063'],
      '00280014': ['US', 0],
      '00282110': ['CS', '00'],
      '7FE00010': ['OB', bytes],
    },
    EXPLICIT_LE,
  );
}
