import { type DataSet, decimalString, EXPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';

/** A bright ball in a dark box, cut into axial slices 2 mm apart of pixels of 1 mm; its middle is off the box's centre. */
export const ballStudy = '2.25.3000';
/** The same without one slice. */
export const brokenBallStudy = '2.25.3900';
export const ball = { size: 64, slices: 24, sliceStep: 2, centre: [20, 36, 16] as const, radius: 10, value: 1000 };

function slice(study: string, n: number, value: number): Buffer {
  const z = n * ball.sliceStep;
  const { size, centre, radius } = ball;
  const pixels = new Int16Array(size * size);
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1)
      if (Math.hypot(x - centre[0], y - centre[1], z - centre[2]) <= radius) pixels[y * size + x] = value;
  const attributes: DataSet = {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2'],
    '00080018': ['UI', `${study}.1.${n}`],
    '00080020': ['DA', '20260102'],
    '00080060': ['CS', 'CT'],
    '0008103E': ['LO', 'Ball'],
    '00100010': ['PN', 'Test^Ball'],
    '00100020': ['LO', 'P3'],
    '00180050': ['DS', '2'],
    '0020000D': ['UI', study],
    '0020000E': ['UI', `${study}.1`],
    '00200013': ['IS', String(n + 1)],
    '00200032': ['DS', '0', '0', decimalString(z)],
    '00200037': ['DS', '1', '0', '0', '0', '1', '0'],
    '00200052': ['UI', `${study}.2`],
    '00280002': ['US', 1],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280010': ['US', size],
    '00280011': ['US', size],
    '00280030': ['DS', '1', '1'],
    '00280100': ['US', 16],
    '00280101': ['US', 16],
    '00280102': ['US', 15],
    '00280103': ['US', 1],
    '00281050': ['DS', '500'],
    '00281051': ['DS', '1000'],
    '7FE00010': ['OW', new Uint8Array(pixels.buffer)],
  };
  return Buffer.from(writePart10(attributes, EXPLICIT_LE));
}

/** @param without numbers of slices that are not there @param value of the ball */
export function ballSeries(study = ballStudy, without: readonly number[] = [], value = ball.value): Buffer[] {
  const numbers = Array.from({ length: ball.slices }, (_, n) => n).filter((n) => !without.includes(n));
  return numbers.map((n) => slice(study, n, value));
}
