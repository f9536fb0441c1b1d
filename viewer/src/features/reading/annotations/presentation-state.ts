import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { windowsOf } from '../paint/grayscale.ts';
import { numberOf, numbersOf, textOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { pixelAspectOf } from '../study/geometry.ts';
import type { Point } from '../study/point.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';
import { type Measurement, measurementLines } from '../viewport/measurements.ts';
import { type Author, bySeries, dateOf, element, headOf, referenceTo, sequence, timeOf } from './data-set.ts';

export const GRAYSCALE_STATE = '1.2.840.10008.5.1.4.1.1.11.1';

/** A measurement with its picture and its words. */
export interface Drawn {
  measurement: Measurement;
  picture: Picture;
  lines: string[];
}

const layer = 'MEASUREMENTS';

/** In a presentation state the centre of the first pixel is 1, 1 (PS3.3 C.10.5). */
const shifted = (points: readonly Point[]) => points.flatMap(({ x, y }) => [x + 0.5, y + 0.5]);

function graphic(type: 'POLYLINE' | 'ELLIPSE' | 'POINT', points: readonly Point[]): DicomJson {
  return {
    '00700005': element('CS', 'PIXEL'),
    '00700020': element('US', 2),
    '00700021': element('US', points.length),
    '00700022': element('FL', ...shifted(points)),
    '00700023': element('CS', type),
    '00700024': element('CS', 'N'),
  };
}

function graphicsOf({ kind, points }: Measurement): DicomJson[] {
  const [a, b] = points as [Point, Point];
  switch (kind) {
    case 'bidirectional':
    case 'cobb':
      return [graphic('POLYLINE', points.slice(0, 2)), graphic('POLYLINE', points.slice(2))];
    case 'ellipse': {
      const [cx, cy] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
      const across = [
        { x: a.x, y: cy },
        { x: b.x, y: cy },
      ];
      const down = [
        { x: cx, y: a.y },
        { x: cx, y: b.y },
      ];
      const wide = Math.abs(a.x - b.x) >= Math.abs(a.y - b.y);
      return [graphic('ELLIPSE', wide ? [...across, ...down] : [...down, ...across])];
    }
    case 'rectangle':
      return [graphic('POLYLINE', [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }, a])];
    case 'freehand':
      return [graphic('POLYLINE', [...points, a])];
    case 'probe':
      return [graphic('POINT', points)];
    case 'text':
      return [];
    default:
      return [graphic('POLYLINE', points)];
  }
}

function annotationOf({ measurement, picture, lines }: Drawn): DicomJson {
  const anchor = measurement.points.reduce((best, point) => (point.x > best.x ? point : best));
  const graphics = graphicsOf(measurement);
  return {
    '00081140': sequence(referenceTo(picture)),
    '00700002': element('CS', layer),
    ...(lines.length > 0 && {
      '00700008': sequence({
        '00700004': element('CS', 'PIXEL'),
        '00700006': element('ST', lines.join('\r\n')),
        '00700014': element('FL', ...shifted([anchor])),
        '00700015': element('CS', 'N'),
      }),
    }),
    ...(graphics.length > 0 && { '00700009': sequence(...graphics) }),
  };
}

/** What the grey values of pictures go through; a state holds for pictures that have it in common. */
function pipelineOf(picture: Picture): string | null {
  const attributes = frameAttributesOf(picture);
  if ((numberOf(attributes, '00280002') ?? 1) !== 1 || attributes['00283000']?.Value?.length) return null;
  const [window] = windowsOf(attributes);
  return JSON.stringify([
    numberOf(attributes, '00281053') ?? 1,
    numberOf(attributes, '00281052') ?? 0,
    textOf(attributes, '00281054') || 'US',
    textOf(attributes, '00280004'),
    window ? [window.center, window.width] : null,
    numbersOf(attributes, '00280010')[0],
    numbersOf(attributes, '00280011')[0],
  ]);
}

/**
 * Measurements as grey-scale presentation states (PS3.3 A.33.1), so that other viewers draw them: one for all pictures whose
 * grey values go the same way. Colour pictures and those with a Modality LUT Sequence get none.
 */
export function presentationStates(model: StudyModel, drawn: readonly Drawn[], author: Author): DicomJson[] {
  const groups = new Map<string, Drawn[]>();
  for (const one of drawn) {
    const key = pipelineOf(one.picture);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => stateOf(model, group, author));
}

function stateOf(model: StudyModel, drawn: readonly Drawn[], author: Author): DicomJson {
  const pictures = [...new Map(drawn.map(({ picture }) => [picture.id, picture])).values()];
  const attributes = frameAttributesOf(pictures[0]!);
  const [window] = windowsOf(attributes);
  const aspect = pixelAspectOf(attributes);
  const spacing = numbersOf(attributes, '00280030');
  return {
    ...headOf(
      model,
      { sopClassUID: GRAYSCALE_STATE, modality: 'PR', description: 'Measurements', seriesNumber: 9803 },
      author,
    ),
    '00081115': sequence(
      ...[...bySeries(model, pictures)].map(([uid, mine]) => ({
        '00081140': sequence(...mine.map(referenceTo)),
        '0020000E': element('UI', uid),
      })),
    ),
    '00281052': element('DS', numberOf(attributes, '00281052') ?? 0),
    '00281053': element('DS', numberOf(attributes, '00281053') ?? 1),
    '00281054': element('LO', textOf(attributes, '00281054') || 'US'),
    ...(window && {
      '00283110': sequence({ '00281050': element('DS', window.center), '00281051': element('DS', window.width) }),
    }),
    '00700001': sequence(...drawn.map(annotationOf)),
    '0070005A': sequence({
      '00700052': element('SL', 1, 1),
      '00700053': element('SL', numberOf(attributes, '00280011'), numberOf(attributes, '00280010')),
      '00700100': element('CS', 'SCALE TO FIT'),
      ...(spacing.length === 2
        ? { '00700101': element('DS', ...spacing) }
        : { '00700102': element('IS', 1000, Math.round(1000 * aspect)) }),
    }),
    '00700060': sequence({ '00700002': element('CS', layer), '00700062': element('IS', 1) }),
    '00700080': element('CS', 'MEASUREMENTS'),
    '00700081': element('LO', 'Measurements made in Lifeboat'),
    '00700082': element('DA', dateOf(author.at)),
    '00700083': element('TM', timeOf(author.at)),
    '00700084': element('PN', { Alphabetic: author.name }),
    '20500020': element('CS', textOf(attributes, '00280004') === 'MONOCHROME1' ? 'INVERSE' : 'IDENTITY'),
  };
}

/** The words of a measurement as they are drawn. */
export function wordsOf(
  measurement: Measurement,
  picture: Picture,
  item: Parameters<typeof measurementLines>[2],
): string[] {
  return measurementLines(measurement, frameAttributesOf(picture), item);
}
