import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import type { VoiFunction } from '../paint/grayscale.ts';
import { itemsOf, numberOf, numbersOf, textOf } from '../study/dicom-json.ts';
import type { Point } from '../study/point.ts';
import type { Picture } from '../study/study-model.ts';
import { type Colour, colourOfLab, type Drawing, type Overlay, type OverlayPart, type Shape } from './overlay-types.ts';

/** How a presentation state wants a picture to look. */
export interface PresentedLook {
  window?: { center: number; width: number; function: VoiFunction };
  /** Low values light: whatever Photometric Interpretation says (PS3.3 C.11.6.1.2). Undefined: left as it is. */
  inverse?: boolean;
  /** Quarter turns clockwise, then mirrored left and right. */
  turns: number;
  flipped: boolean;
  /** Part of the image that fills the view, in image coordinates. */
  area?: { left: number; top: number; right: number; bottom: number };
}

interface Reference {
  sopInstanceUID: string;
  frames: number[];
}

const yellow: Colour = [255, 226, 110];

function referencesOf(item: DicomJson): Reference[] {
  return itemsOf(item, '00081140').map((reference) => ({
    sopInstanceUID: textOf(reference, '00081155'),
    frames: numbersOf(reference, '00081160'),
  }));
}

function refersTo(references: readonly Reference[], picture: Picture): boolean {
  return references.some(
    ({ sopInstanceUID, frames }) =>
      sopInstanceUID === picture.instance.sopInstanceUID && (frames.length === 0 || frames.includes(picture.frame + 1)),
  );
}

/** A module's item holds for the pictures it names, or for all of the state where it names none. */
function applies(item: DicomJson, picture: Picture): boolean {
  const references = referencesOf(item);
  return references.length === 0 || refersTo(references, picture);
}

/**
 * A grey-scale softcopy presentation state (PS3.3 A.33.1): how the pictures it names are to look, and what is drawn on them.
 */
export class Presentation implements Overlay {
  readonly parts: OverlayPart[];
  readonly missing: string[];
  readonly references: Reference[];
  readonly #metadata: DicomJson;
  readonly #colours = new Map<string, Colour>();

  /** @param metadata the whole data set */
  constructor(metadata: DicomJson) {
    this.#metadata = metadata;
    this.references = itemsOf(metadata, '00081115').flatMap(referencesOf);
    for (const layer of itemsOf(metadata, '00700060')) {
      const colour = colourOfLab(numbersOf(layer, '00700401'));
      const grey = numberOf(layer, '00700066');
      if (colour) this.#colours.set(textOf(layer, '00700002'), colour);
      else if (grey !== undefined && grey > 0x7fff) {
        const light = Math.round(grey / 257);
        this.#colours.set(textOf(layer, '00700002'), [light, light, Math.round(light * 0.75)]);
      }
    }
    const layers = new Set(itemsOf(metadata, '00700001').map((item) => textOf(item, '00700002')));
    this.parts = [...layers].map((name) => ({ id: name, name: name || 'graphics', colour: this.#colourOf(name) }));
    this.missing = [
      ...(itemsOf(metadata, '00283110').some((item) => itemsOf(item, '00283010').length > 0)
        ? ['its VOI LUT table']
        : []),
      ...(itemsOf(metadata, '20500010').length > 0 ? ['its presentation LUT'] : []),
      ...(itemsOf(metadata, '00283000').length > 0 ? ['its modality LUT'] : []),
      ...(itemsOf(metadata, '00286100').length > 0 ? ['its subtraction'] : []),
    ];
  }

  /** Whether it is about a picture. */
  concerns(picture: Picture): boolean {
    return refersTo(this.references, picture);
  }

  async fetchFor(): Promise<boolean> {
    return false;
  }

  lookOf(picture: Picture): PresentedLook {
    const metadata = this.#metadata;
    const look: PresentedLook = {
      turns: ((Math.round((numberOf(metadata, '00700042') ?? 0) / 90) % 4) + 4) % 4,
      flipped: textOf(metadata, '00700041') === 'Y',
    };
    const shape = textOf(metadata, '20500020');
    if (shape) look.inverse = shape === 'INVERSE';
    const voi = itemsOf(metadata, '00283110').find((item) => applies(item, picture));
    const [center] = voi ? numbersOf(voi, '00281050') : [];
    const [width] = voi ? numbersOf(voi, '00281051') : [];
    if (voi && center !== undefined && width !== undefined && width > 0) {
      const name = textOf(voi, '00281056').toUpperCase();
      look.window = { center, width, function: name === 'SIGMOID' || name === 'LINEAR_EXACT' ? name : 'LINEAR' };
    }
    const area = this.#areaOf(picture);
    if (area) look.area = area;
    return look;
  }

  drawingFor(picture: Picture, hidden: ReadonlySet<string>): Drawing | null {
    if (!this.concerns(picture)) return null;
    const shapes: Shape[] = [];
    for (const annotation of itemsOf(this.#metadata, '00700001')) {
      const layer = textOf(annotation, '00700002');
      if (hidden.has(layer) || !applies(annotation, picture)) continue;
      const colour = this.#colourOf(layer);
      const area = this.#areaOf(picture) ?? this.#wholeOf(picture);
      for (const graphic of itemsOf(annotation, '00700009')) {
        const shape = graphicShape(graphic, colour, area);
        if (shape) shapes.push(shape);
      }
      for (const text of itemsOf(annotation, '00700008')) {
        const shape = textShape(text, colour, area);
        if (shape) shapes.push(shape);
      }
    }
    return { shapes, masks: [] };
  }

  #colourOf(layer: string): Colour {
    return this.#colours.get(layer) ?? yellow;
  }

  #wholeOf(picture: Picture): NonNullable<PresentedLook['area']> {
    const { attributes } = picture;
    return {
      left: 0,
      top: 0,
      right: numberOf(attributes, '00280011') ?? 0,
      bottom: numberOf(attributes, '00280010') ?? 0,
    };
  }

  /** Displayed Area Top Left and Bottom Right Hand Corner are pixels, counted from 1 (PS3.3 C.10.4). */
  #areaOf(picture: Picture): PresentedLook['area'] {
    const item = itemsOf(this.#metadata, '0070005A').find((candidate) => applies(candidate, picture));
    const [left, top] = item ? numbersOf(item, '00700052') : [];
    const [right, bottom] = item ? numbersOf(item, '00700053') : [];
    if (left === undefined || top === undefined || right === undefined || bottom === undefined) return undefined;
    if (!(right > left && bottom > top)) return undefined;
    return { left: left - 1, top: top - 1, right, bottom };
  }
}

type Area = NonNullable<PresentedLook['area']>;

/** PIXEL: column and row, the first pixel's centre is 1,1. DISPLAY: part of the displayed area (PS3.3 C.10.5.1.1). */
function pointIn(x: number, y: number, units: string, area: Area): Point {
  if (units === 'DISPLAY')
    return { x: area.left + x * (area.right - area.left), y: area.top + y * (area.bottom - area.top) };
  return { x: x - 0.5, y: y - 0.5 };
}

function graphicShape(item: DicomJson, colour: Colour, area: Area): Shape | null {
  const data = numbersOf(item, '00700022');
  const units = textOf(item, '00700005');
  const points = Array.from({ length: Math.floor(data.length / 2) }, (_, i) =>
    pointIn(data[2 * i]!, data[2 * i + 1]!, units, area),
  );
  const [first, second, third, fourth] = points;
  const filled = textOf(item, '00700024') === 'Y';
  if (!first) return null;
  switch (textOf(item, '00700023')) {
    case 'POINT':
      return { kind: 'point', points: [first], colour };
    case 'CIRCLE': {
      if (!second) return null;
      const radius = Math.hypot(second.x - first.x, second.y - first.y);
      return {
        kind: 'ellipse',
        centre: first,
        a: { x: radius, y: 0 },
        b: { x: 0, y: radius },
        colour,
        filled,
      };
    }
    case 'ELLIPSE': {
      if (!second || !third || !fourth) return null;
      const half = (p: Point, q: Point): Point => ({ x: (q.x - p.x) / 2, y: (q.y - p.y) / 2 });
      const centre = { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
      return { kind: 'ellipse', centre, a: half(first, second), b: half(third, fourth), colour, filled };
    }
    default: {
      const last = points.at(-1)!;
      const closed = points.length > 2 && Math.hypot(last.x - first.x, last.y - first.y) < 1e-6;
      return { kind: filled ? 'area' : 'line', points, colour, closed };
    }
  }
}

function textShape(item: DicomJson, colour: Colour, area: Area): Shape | null {
  const lines = textOf(item, '00700006').split(/\r?\n/);
  const box = numbersOf(item, '00700010');
  const anchor = numbersOf(item, '00700014');
  const units = box.length === 2 ? textOf(item, '00700003') : textOf(item, '00700004');
  const [x, y] = box.length === 2 ? box : anchor;
  if (x === undefined || y === undefined || lines.join('') === '') return null;
  return { kind: 'text', at: pointIn(x, y, units, area), lines, colour };
}
