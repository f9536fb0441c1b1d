import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import { areaOf, crossesItself, valueAt, valuesIn } from '../annotations/roi.ts';
import type { ReadyPicture } from '../paint/painted-picture.ts';
import {
  angleOf,
  type Calibration,
  calibrationAt,
  lengthOf,
  type Point,
  pixelAspectOf,
  whyUncalibrated,
} from '../study/geometry.ts';

export type MeasurementKind =
  | 'length'
  | 'bidirectional'
  | 'angle'
  | 'cobb'
  | 'ellipse'
  | 'rectangle'
  | 'freehand'
  | 'probe'
  | 'arrow'
  | 'text';

export interface Measurement {
  id: number;
  pictureId: string;
  kind: MeasurementKind;
  /**
   * In image coordinates. Angle: the vertex is the second. Bidirectional, Cobb: two lines. Ellipse, rectangle: opposite
   * corners of the box. Freehand: a closed line. Arrow: the tip is the first.
   */
  points: Point[];
  /** What the reader has written to it. */
  text?: string;
  /** Tracking Unique Identifier of a measurement that is kept as DICOM. */
  uid?: string;
  /** It is in the archive as it is here. */
  kept?: boolean;
  /** When the object that it was read from was received: UTC ISO. */
  keptAt?: string;
}

/** Points that a finished measurement of a kind has; freehand: at least. */
export const pointsOf: Record<MeasurementKind, number> = {
  length: 2,
  bidirectional: 4,
  angle: 3,
  cobb: 4,
  ellipse: 2,
  rectangle: 2,
  freehand: 3,
  probe: 1,
  arrow: 2,
  text: 1,
};

/** What a measurement's millimetres mean, in words; '' where they are plain millimetres in the patient. */
export function planeText(calibration: Calibration): string {
  return messages.reading.planes[calibration.plane];
}

function whyText(attributes: DicomJson, points: Point[]): string {
  const why = whyUncalibrated(attributes, points);
  if (why.reason === 'axes') return messages.reading.otherAxes(why.horizontal, why.vertical);
  return why.reason === 'outside' ? messages.reading.outsideRegion : messages.reading.noScale;
}

/** A value with as many places as it can be read with. */
export function valueText(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4);
}

function angleText(measurement: Measurement, attributes: DicomJson): string {
  const { points } = measurement;
  const [a, b, c, d] = points;
  const calibration = calibrationAt(attributes, points);
  if (!a || !b || !c) return '';
  if (!calibration && whyUncalibrated(attributes, points).reason === 'axes') return whyText(attributes, points);
  const aspect = calibration ? calibration.column / calibration.row : pixelAspectOf(attributes);
  if (measurement.kind === 'angle') return `${angleOf(a, b, c, aspect).toFixed(1)}°`;
  if (!d) return '';
  const between = angleOf(b, a, { x: a.x + d.x - c.x, y: a.y + d.y - c.y }, aspect);
  return `${Math.min(between, 180 - between).toFixed(1)}° Cobb`;
}

function lengthsText(measurement: Measurement, attributes: DicomJson): string {
  const { points } = measurement;
  const calibration = calibrationAt(attributes, points);
  const lengths: number[] = [];
  for (let i = 0; i + 1 < points.length; i += 2) lengths.push(lengthOf(points[i]!, points[i + 1]!, calibration));
  if (measurement.kind === 'bidirectional') lengths.sort((p, q) => q - p);
  const text = lengths.map((length) => length.toFixed(calibration ? 1 : 0)).join(' × ');
  if (!calibration) return `${text} px (${whyText(attributes, points)})`;
  return [`${text} mm`, planeText(calibration)].filter(Boolean).join(' ');
}

function regionLines(measurement: Measurement, attributes: DicomJson, item?: ReadyPicture): string[] {
  const { points } = measurement;
  const kind = measurement.kind as 'ellipse' | 'rectangle' | 'freehand';
  if (kind === 'freehand' && crossesItself(points)) return [deskMessages.measure.crossing];
  const calibration = calibrationAt(attributes, points);
  const area = areaOf(kind, points, calibration);
  const size = calibration
    ? [`${valueText(area)} mm²`, planeText(calibration)].filter(Boolean).join(' ')
    : `${area.toFixed(0)} px² (${whyText(attributes, points)})`;
  if (!item) return [size];
  if (item.frame.kind !== 'gray') return [size, deskMessages.measure.colour];
  const values = valuesIn(item, kind, points);
  if (!values) return [size, deskMessages.measure.empty];
  const { mean, deviation, least, greatest, unit, pixels } = values;
  return [
    size,
    deskMessages.measure.mean(valueText(mean), valueText(deviation), unit.name),
    deskMessages.measure.range(valueText(least), valueText(greatest), pixels),
  ];
}

function probeText(point: Point, item?: ReadyPicture): string {
  const found = item && valueAt(item, point);
  const place = `(${Math.floor(point.x) + 1}, ${Math.floor(point.y) + 1})`;
  if (!found) return place;
  if ('colour' in found) return `R G B ${found.colour} ${place}`;
  return `${valueText(found.value)} ${found.unit.name} ${place}`;
}

/**
 * What the measurement says, line by line. Millimetres only where the image tells the size of its pixels, an angle only where
 * its axes are lengths, values with the unit they have.
 * @param item the picture on the screen, for what is said of its values
 */
export function measurementLines(measurement: Measurement, attributes: DicomJson, item?: ReadyPicture): string[] {
  const { kind, points, text = '' } = measurement;
  if (!points[0]) return [];
  const said = text ? [text] : [];
  switch (kind) {
    case 'length':
    case 'bidirectional':
      return points.length < 2 ? said : [lengthsText(measurement, attributes), ...said];
    case 'angle':
    case 'cobb':
      return [angleText(measurement, attributes), ...said].filter(Boolean);
    case 'probe':
      return [probeText(points[0], item), ...said];
    case 'arrow':
    case 'text':
      return said;
    default:
      return points.length < pointsOf[kind] ? said : [...regionLines(measurement, attributes, item), ...said];
  }
}

/** The first line of what a measurement says. */
export function measurementText(measurement: Measurement, attributes: DicomJson): string {
  return measurementLines(measurement, attributes)[0] ?? '';
}
