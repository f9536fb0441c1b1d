import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { angleOf, calibrationAt, lengthOf, pixelAspectOf } from '../study/geometry.ts';
import type { Point } from '../study/point.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';
import { type Measurement, planeText } from '../viewport/measurements.ts';
import { type Code, codes, contentItem, observer } from './content-item.ts';
import { type Author, dateOf, element, evidenceOf, headOf, referenceTo, timeOf } from './data-set.ts';
import { areaOf, type RoiValues } from './roi.ts';

export const COMPREHENSIVE_SR = '1.2.840.10008.5.1.4.1.1.88.33';
/** In front of the kind, in Tracking Identifier: tells the measurement when it is read again. */
export const TRACKING_PREFIX = 'Lifeboat:';

/** A measurement with its picture, and what is known of the values in it. */
export interface Reported {
  measurement: Measurement & { uid: string };
  picture: Picture;
  /** It was kept before and is erased now: it is named, and nothing more. */
  withdrawn?: boolean;
  /** Of regions. */
  values?: RoiValues | null;
  /** Of a single pixel. */
  probe?: { value: number; ucum: string; unit: string };
}

const flat = (points: readonly Point[]) => points.flatMap(({ x, y }) => [x, y]);

/** Graphic of a measurement's part as SCOORD has it. */
function graphicOf(kind: Measurement['kind'], points: readonly Point[]): { type: string; data: number[] } {
  const [a, b] = points;
  if (kind === 'ellipse') {
    const [cx, cy] = [(a!.x + b!.x) / 2, (a!.y + b!.y) / 2];
    const [rx, ry] = [Math.abs(a!.x - b!.x) / 2, Math.abs(a!.y - b!.y) / 2];
    const across = [cx - rx, cy, cx + rx, cy];
    const down = [cx, cy - ry, cx, cy + ry];
    // The longer axis comes first (PS3.3 C.18.6.1.2).
    return { type: 'ELLIPSE', data: rx >= ry ? [...across, ...down] : [...down, ...across] };
  }
  if (kind === 'rectangle')
    return {
      type: 'POLYLINE',
      data: flat([a!, { x: b!.x, y: a!.y }, b!, { x: a!.x, y: b!.y }, a!]),
    };
  if (kind === 'freehand') return { type: 'POLYLINE', data: flat([...points, a!]) };
  return points.length === 1 ? { type: 'POINT', data: flat(points) } : { type: 'POLYLINE', data: flat(points) };
}

/** Mean, deviation, least and greatest value as numbers of a region. */
function valueItems({ unit, mean, deviation, least, greatest }: RoiValues): DicomJson[] {
  const quantity = unit.name === 'HU' ? codes.attenuation : unit.name.startsWith('SUV') ? codes.suv : codes.quantity;
  const derived = (value: number, derivation: Code) =>
    contentItem.number(quantity, value, unit.ucum || '1', unit.ucum ? unit.name : 'no units', [
      contentItem.code('HAS CONCEPT MOD', codes.derivation, derivation),
    ]);
  return [
    derived(mean, codes.mean),
    derived(deviation, codes.deviation),
    derived(least, codes.minimum),
    derived(greatest, codes.maximum),
  ];
}

/** Numbers and coordinates of one measurement. */
function itemsOf(reported: Reported): DicomJson[] {
  const { measurement, picture, values, probe } = reported;
  const { kind, points } = measurement;
  const attributes = frameAttributesOf(picture);
  const image = referenceTo(picture);
  const calibration = calibrationAt(attributes, points);
  const [unit, unitName] = calibration ? ['mm', 'millimeter'] : ['{pixels}', 'pixels'];
  const from = (part: readonly Point[]) => {
    const { type, data } = graphicOf(kind, part);
    return [contentItem.coordinates('INFERRED FROM', null, type, data, image)];
  };
  const line = (concept: Code, part: readonly Point[]) =>
    contentItem.number(concept, lengthOf(part[0]!, part[1]!, calibration), unit!, unitName!, from(part));
  const aspect = calibration ? calibration.column / calibration.row : pixelAspectOf(attributes);
  switch (kind) {
    case 'length':
      return [line(codes.length, points)];
    case 'bidirectional': {
      const lines = [points.slice(0, 2), points.slice(2)];
      const size = (part: readonly Point[]) => lengthOf(part[0]!, part[1]!, calibration);
      lines.sort((p, q) => size(q) - size(p));
      return [line(codes.longAxis, lines[0]!), line(codes.shortAxis, lines[1]!)];
    }
    case 'angle':
      return [
        contentItem.number(
          codes.angle,
          angleOf(points[0]!, points[1]!, points[2]!, aspect),
          'deg',
          'degree',
          from(points),
        ),
      ];
    case 'cobb': {
      const [a, b, c, d] = points as [Point, Point, Point, Point];
      const between = angleOf(b, a, { x: a.x + d.x - c.x, y: a.y + d.y - c.y }, aspect);
      return [
        contentItem.number(codes.cobb, Math.min(between, 180 - between), 'deg', 'degree', [
          ...from([a, b]),
          ...from([c, d]),
        ]),
      ];
    }
    case 'probe': {
      const [place] = from(points);
      return probe
        ? [contentItem.number(codes.quantity, probe.value, probe.ucum || '1', probe.unit, [place!])]
        : [contentItem.text('CONTAINS', codes.comment, 'Point', [place!])];
    }
    case 'arrow':
    case 'text':
      return [contentItem.text('CONTAINS', codes.comment, measurement.text || '-', from(points))];
    default: {
      const { type, data } = graphicOf(kind, points);
      const area = areaOf(kind, points, calibration);
      const [areaUnit, areaName] = calibration ? ['mm2', 'square millimeter'] : ['{pixels}', 'pixels'];
      return [
        contentItem.coordinates('CONTAINS', codes.imageRegion, type, data, image),
        contentItem.number(codes.area, area, areaUnit!, areaName!),
        ...(values ? valueItems(values) : []),
      ];
    }
  }
}

/** In the comment of a measurement that was erased after it had been kept. */
export const WITHDRAWN = 'Withdrawn';

function groupOf(reported: Reported): DicomJson {
  const { measurement, picture } = reported;
  if (reported.withdrawn)
    return contentItem.container(
      'CONTAINS',
      codes.measurementGroup,
      [
        contentItem.text('HAS OBS CONTEXT', codes.trackingIdentifier, `${TRACKING_PREFIX}${measurement.kind}`),
        contentItem.uid('HAS OBS CONTEXT', codes.trackingUid, measurement.uid),
        contentItem.text('CONTAINS', codes.comment, WITHDRAWN),
      ],
      '1501',
    );
  const { kind, points, text, uid } = measurement;
  const calibration = calibrationAt(frameAttributesOf(picture), points);
  const plane = calibration ? planeText(calibration) : '';
  const measures = kind === 'arrow' || kind === 'text';
  return contentItem.container(
    'CONTAINS',
    codes.measurementGroup,
    [
      contentItem.text('HAS OBS CONTEXT', codes.trackingIdentifier, `${TRACKING_PREFIX}${kind}`),
      contentItem.uid('HAS OBS CONTEXT', codes.trackingUid, uid),
      ...itemsOf(reported),
      ...(text && !measures ? [contentItem.text('CONTAINS', codes.comment, text)] : []),
      ...(plane ? [contentItem.text('CONTAINS', codes.comment, `Millimetres ${plane.replace(/[()]/g, '')}`)] : []),
    ],
    kind === 'ellipse' || kind === 'rectangle' || kind === 'freehand' ? '1410' : '1501',
  );
}

/** SR Document General of an unverified document (PS3.3 C.17.2). */
export function documentGeneral(author: Author, completion: 'COMPLETE' | 'PARTIAL'): DicomJson {
  return {
    '00080023': element('DA', dateOf(author.at)),
    '00080033': element('TM', timeOf(author.at)),
    '0040A372': element('SQ'),
    '0040A491': element('CS', completion),
    '0040A493': element('CS', 'UNVERIFIED'),
    '0040A496': element('CS', 'PRELIMINARY'),
  };
}

/** Measurements of a study as an Imaging Measurement Report (PS3.16 TID 1500) in a Comprehensive SR. */
export function measurementReport(model: StudyModel, reported: readonly Reported[], author: Author): DicomJson {
  const pictures = reported.map(({ picture }) => picture);
  const seen = new Map(pictures.map((picture) => [picture.id, picture]));
  const root = contentItem.container(
    '',
    codes.measurementReport,
    [
      contentItem.code('HAS CONCEPT MOD', codes.language, codes.english),
      ...observer(author),
      contentItem.code('HAS CONCEPT MOD', codes.procedureReported, codes.imagingProcedure),
      contentItem.container('CONTAINS', codes.imageLibrary, [
        contentItem.container(
          'CONTAINS',
          codes.imageLibraryGroup,
          [...seen.values()].map((picture) => contentItem.image('CONTAINS', referenceTo(picture))),
        ),
      ]),
      contentItem.container('CONTAINS', codes.imagingMeasurements, reported.map(groupOf)),
    ],
    '1500',
  );
  return {
    ...headOf(
      model,
      { sopClassUID: COMPREHENSIVE_SR, modality: 'SR', description: 'Measurements', seriesNumber: 9801 },
      author,
    ),
    ...documentGeneral(author, 'PARTIAL'),
    '0040A375': evidenceOf(model, pictures),
    ...root,
  };
}
