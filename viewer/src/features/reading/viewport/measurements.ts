import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { messages } from '../../../shared/messages.en.ts';
import { angleOf, calibrationAt, lengthOf, type Point, pixelAspectOf } from '../study/geometry.ts';

export interface Measurement {
  id: number;
  pictureId: string;
  kind: 'length' | 'angle';
  /** In image coordinates; an angle's vertex is the second. */
  points: Point[];
}

/** What the measurement says. Millimetres only where the image tells the size of its pixels. */
export function measurementText(measurement: Measurement, attributes: DicomJson): string {
  const [a, b, c] = measurement.points;
  if (measurement.kind === 'angle')
    return a && b && c ? `${angleOf(a, b, c, pixelAspectOf(attributes)).toFixed(1)}°` : '';
  if (!a || !b) return '';
  const calibration = calibrationAt(attributes, measurement.points);
  const length = lengthOf(a, b, calibration);
  if (!calibration) return `${length.toFixed(0)} px`;
  return `${length.toFixed(1)} mm${calibration.plane === 'detector' ? ` ${messages.reading.estimated}` : ''}`;
}
