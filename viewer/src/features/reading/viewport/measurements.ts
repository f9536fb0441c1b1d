import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { messages } from '../../../shared/messages.en.ts';
import {
  angleOf,
  type Calibration,
  calibrationAt,
  lengthOf,
  type Point,
  pixelAspectOf,
  whyUncalibrated,
} from '../study/geometry.ts';

export interface Measurement {
  id: number;
  pictureId: string;
  kind: 'length' | 'angle';
  /** In image coordinates; an angle's vertex is the second. */
  points: Point[];
}

/** What a measurement's millimetres mean, in words; '' where they are plain millimetres in the patient. */
export function planeText(calibration: Calibration): string {
  return messages.reading.planes[calibration.plane];
}

function whyText(attributes: DicomJson, points: Point[]): string {
  const why = whyUncalibrated(attributes, points);
  if (why.reason === 'axes') return messages.reading.otherAxes(why.horizontal, why.vertical);
  return why.reason === 'outside' ? messages.reading.outsideRegion : messages.reading.noScale;
}

/**
 * What the measurement says. Millimetres only where the image tells the size of its pixels, and an angle only where its
 * axes are lengths.
 */
export function measurementText(measurement: Measurement, attributes: DicomJson): string {
  const { points } = measurement;
  const [a, b, c] = points;
  if (!a || !b) return '';
  const calibration = calibrationAt(attributes, points);
  if (measurement.kind === 'angle') {
    if (!c) return '';
    if (!calibration && whyUncalibrated(attributes, points).reason === 'axes') return whyText(attributes, points);
    const aspect = calibration ? calibration.column / calibration.row : pixelAspectOf(attributes);
    return `${angleOf(a, b, c, aspect).toFixed(1)}°`;
  }
  const length = lengthOf(a, b, calibration);
  if (!calibration) return `${length.toFixed(0)} px (${whyText(attributes, points)})`;
  return [`${length.toFixed(1)} mm`, planeText(calibration)].filter(Boolean).join(' ');
}
