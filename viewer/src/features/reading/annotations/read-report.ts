import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf, numberOf, numbersOf, textOf } from '../study/dicom-json.ts';
import { MODEL_NAME } from '../study/model-name.ts';
import type { Point } from '../study/point.ts';
import { type Measurement, type MeasurementKind, pointsOf } from '../viewport/measurements.ts';
import { codes } from './content-item.ts';
import { TRACKING_PREFIX, WITHDRAWN } from './measurement-report.ts';

/** Where a measurement of a report belongs: frame from 1. */
export interface ReadMeasurement {
  sopInstanceUID: string;
  frame: number;
  measurement: Omit<Measurement, 'id' | 'pictureId'>;
}

/** A finding of a preliminary report. */
export interface ReadFinding {
  sopInstanceUID: string;
  text: string;
  author: string;
  /** DA and TM, as they stand in the document. */
  date: string;
  time: string;
}

const conceptOf = (item: DicomJson) => {
  const [concept] = itemsOf(item, '0040A043');
  return concept ? textOf(concept, '00080100') : '';
};
const childrenOf = (item: DicomJson) => itemsOf(item, '0040A730');

function* descendants(item: DicomJson): Iterable<DicomJson> {
  for (const child of childrenOf(item)) {
    yield child;
    yield* descendants(child);
  }
}

interface Graphic {
  type: string;
  points: Point[];
  sopInstanceUID: string;
  frame: number;
}

function graphicOf(item: DicomJson): Graphic | null {
  const data = numbersOf(item, '00700022');
  const image = childrenOf(item).find((child) => textOf(child, '0040A040') === 'IMAGE');
  const reference = image && itemsOf(image, '00081199')[0];
  if (!reference || data.length < 2) return null;
  const points: Point[] = [];
  for (let i = 0; i + 1 < data.length; i += 2) points.push({ x: data[i]!, y: data[i + 1]! });
  return {
    type: textOf(item, '00700023'),
    points,
    sopInstanceUID: textOf(reference, '00081155'),
    frame: numberOf(reference, '00081160') ?? 1,
  };
}

/** The kind of a measurement that another program has made, by what it measures and draws. */
function foreignKind(group: DicomJson, graphics: readonly Graphic[]): MeasurementKind | null {
  const [first] = graphics;
  if (!first) return null;
  const concepts = new Set([...descendants(group)].map(conceptOf));
  const { type, points } = first;
  if (type === 'ELLIPSE') return 'ellipse';
  if (type === 'POINT') return 'probe';
  if (type !== 'POLYLINE') return null;
  if (concepts.has(codes.longAxis.value) && graphics.length === 2) return 'bidirectional';
  if (points.length === 2) return 'length';
  if (points.length === 3 && concepts.has(codes.angle.value)) return 'angle';
  return points.length > 3 ? 'freehand' : null;
}

/** The points of a measurement as we draw it, from the graphics that hold them. */
function drawnPoints(kind: MeasurementKind, graphics: readonly Graphic[]): Point[] {
  const all = graphics.flatMap(({ points }) => points);
  if (kind === 'ellipse') {
    const xs = all.map(({ x }) => x);
    const ys = all.map(({ y }) => y);
    return [
      { x: Math.min(...xs), y: Math.min(...ys) },
      { x: Math.max(...xs), y: Math.max(...ys) },
    ];
  }
  if (kind === 'rectangle') return [all[0]!, all[2]!];
  const [first, last] = [all[0]!, all.at(-1)!];
  if (kind === 'freehand' && first.x === last.x && first.y === last.y) return all.slice(0, -1);
  return all;
}

function readGroup(group: DicomJson): ReadMeasurement | null {
  const items = [...descendants(group)];
  const graphics = items
    .filter((item) => textOf(item, '0040A040') === 'SCOORD')
    .flatMap((item) => graphicOf(item) ?? []);
  const tracking = items.find((item) => conceptOf(item) === codes.trackingIdentifier.value);
  const name = tracking ? textOf(tracking, '0040A160') : '';
  const own = name.startsWith(TRACKING_PREFIX) ? name.slice(TRACKING_PREFIX.length) : '';
  const kind = own in pointsOf ? (own as MeasurementKind) : foreignKind(group, graphics);
  const [first] = graphics;
  if (!kind || !first || graphics.some(({ sopInstanceUID }) => sopInstanceUID !== first.sopInstanceUID)) return null;
  const points = drawnPoints(kind, graphics);
  if (points.length < pointsOf[kind]) return null;
  const uid = items.find((item) => conceptOf(item) === codes.trackingUid.value);
  const comment = items.find(
    (item) => conceptOf(item) === codes.comment.value && !/^Millimetres |^Point$|^-$/.test(textOf(item, '0040A160')),
  );
  return {
    sopInstanceUID: first.sopInstanceUID,
    frame: first.frame,
    measurement: {
      kind,
      points,
      kept: true,
      ...(uid && { uid: textOf(uid, '0040A124') }),
      ...(comment && { text: textOf(comment, '0040A160') }),
    },
  };
}

/** Whether an object was made by this viewer. */
export function isOurs(attributes: DicomJson): boolean {
  return textOf(attributes, '00081090') === MODEL_NAME;
}

/** Measurements of an Imaging Measurement Report (TID 1500), also of another program, as far as they can be drawn. */
export function readMeasurements(report: DicomJson): ReadMeasurement[] {
  if (conceptOf(report) !== codes.measurementReport.value) return [];
  return [...descendants(report)]
    .filter((item) => conceptOf(item) === codes.measurementGroup.value)
    .flatMap((group) => readGroup(group) ?? []);
}

/** Tracking UIDs of measurements that a report withdraws. */
export function readWithdrawn(report: DicomJson): string[] {
  return [...descendants(report)]
    .filter((item) => conceptOf(item) === codes.measurementGroup.value)
    .flatMap((group) => {
      const items = childrenOf(group);
      const withdrawn = items.some(
        (item) => conceptOf(item) === codes.comment.value && textOf(item, '0040A160') === WITHDRAWN,
      );
      const uid = items.find((item) => conceptOf(item) === codes.trackingUid.value);
      return withdrawn && uid && items.length === 3 ? [textOf(uid, '0040A124')] : [];
    });
}

/** Pictures that a Key Object Selection names: SOP Instance UID and frame from 1. */
export function readKeyImages(document: DicomJson): { sopInstanceUID: string; frame: number }[] {
  return childrenOf(document)
    .filter((item) => textOf(item, '0040A040') === 'IMAGE')
    .flatMap((item) => itemsOf(item, '00081199'))
    .map((reference) => ({
      sopInstanceUID: textOf(reference, '00081155'),
      frame: numberOf(reference, '00081160') ?? 1,
    }));
}

/** What a preliminary text report says, or null. */
export function readFinding(report: DicomJson): ReadFinding | null {
  if (textOf(report, '0040A496') !== 'PRELIMINARY' || conceptOf(report) !== codes.imagingReport.value) return null;
  const items = [...descendants(report)];
  const texts = items.filter((item) => conceptOf(item) === codes.finding.value).map((item) => textOf(item, '0040A160'));
  const person = items.find((item) => conceptOf(item) === codes.personObserverName.value);
  if (texts.length === 0) return null;
  return {
    sopInstanceUID: textOf(report, '00080018'),
    text: texts.join('\n'),
    author: person ? textOf(person, '0040A123') : '',
    date: textOf(report, '00080023'),
    time: textOf(report, '00080033'),
  };
}
