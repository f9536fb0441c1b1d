import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { numbersOf, textOf } from './dicom-json.ts';

/**
 * Where the millimetres of a pixel hold.
 * - `patient`: in the plane of the image
 * - `geometry`, `fiducial`: a projection, corrected for a depth in the patient, or by an object of known size
 * - `corrected`: a projection whose spacing is not the detector's, by a method it does not name
 * - `unknown`: a projection that does not tell whether its spacing is the detector's or corrected
 * - `detector`, `film`: at the detector's surface, or on the film that was scanned: larger than in the patient
 */
export type SpacingPlane = 'patient' | 'geometry' | 'fiducial' | 'corrected' | 'unknown' | 'detector' | 'film';

/** Size of a pixel and what its millimetres mean. */
export interface Calibration {
  /** mm from row to row and from column to column. */
  row: number;
  column: number;
  plane: SpacingPlane;
}

const projectionModalities = new Set(['CR', 'DX', 'MG', 'IO', 'PX', 'RG', 'RF', 'XA', 'XC', 'RTIMAGE', 'DR']);
/** CR, DX, MG, IO (PS3.4 B.5: 1.1…); XA, XRF and their enhanced kinds (12.…, but 13.1 has planes). */
const projectionClasses = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(1|1\.[1-3](\.1)?|12\.[1-3](\.1)?|481\.1)$/;

/** True for pictures by rays that diverge: a pixel of the detector is less than a pixel's width in the patient. */
export function isProjection(attributes: DicomJson): boolean {
  if (numbersOf(attributes, '00200037').length === 6 && numbersOf(attributes, '00200032').length === 3) return false;
  return (
    projectionClasses.test(textOf(attributes, '00080016')) ||
    projectionModalities.has(textOf(attributes, '00080060')) ||
    numbersOf(attributes, '00181164').length > 0
  );
}

function pairOf(attributes: DicomJson, tag: string): [row: number, column: number] | null {
  const [row = 0, column = 0] = numbersOf(attributes, tag);
  return row > 0 && column > 0 ? [row, column] : null;
}

function samePair(a: [number, number], b: [number, number]): boolean {
  return Math.abs(a[0] - b[0]) < 1e-6 && Math.abs(a[1] - b[1]) < 1e-6;
}

/**
 * Size of the pixels of a whole image by Pixel Spacing, Object Pixel Spacing in Center of Beam, Imager Pixel Spacing or
 * Nominal Scanned Pixel Spacing, with what it means (PS3.3 10.7.1, C.8.19.6.9); null where the image does not tell.
 */
export function spacingOf(attributes: DicomJson): Calibration | null {
  const spacing = pairOf(attributes, '00280030');
  const detector = pairOf(attributes, '00181164');
  const film = pairOf(attributes, '00182010');
  const beam = pairOf(attributes, '00189404');
  const made = ([row, column]: [number, number], plane: SpacingPlane): Calibration => ({ row, column, plane });
  if (spacing) {
    const type = textOf(attributes, '00280A02').toUpperCase();
    if (type === 'GEOMETRY') return made(spacing, 'geometry');
    if (type === 'FIDUCIAL') return made(spacing, 'fiducial');
    if (detector && samePair(spacing, detector)) return made(spacing, 'detector');
    if (film && samePair(spacing, film)) return made(spacing, 'film');
    if (!isProjection(attributes)) return made(spacing, 'patient');
    return made(spacing, detector || film ? 'corrected' : 'unknown');
  }
  if (beam) return made(beam, 'geometry');
  if (detector) return made(detector, 'detector');
  return film ? made(film, 'film') : null;
}

/** Width of a pixel over its height by Pixel Aspect Ratio (PS3.3 C.7.6.3.1.7: vertical, horizontal), or null. */
export function aspectRatioOf(attributes: DicomJson): number | null {
  const pair = pairOf(attributes, '00280034');
  return pair && pair[1] / pair[0];
}
