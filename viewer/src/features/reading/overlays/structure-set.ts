import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf, numberOf, numbersOf, textOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { distanceFrom, planeOf, toPicture, type Vector } from '../study/plane.ts';
import type { Picture } from '../study/study-model.ts';
import { type Colour, colourAt, type Drawing, type Overlay, type OverlayPart, type Shape } from './overlay-types.ts';

interface Contour {
  part: string;
  colour: Colour;
  frameOfReference: string;
  points: Vector[];
  closed: boolean;
}

function pointsOf(item: DicomJson): Vector[] {
  const numbers = numbersOf(item, '30060050');
  return Array.from({ length: Math.floor(numbers.length / 3) }, (_, i) => numbers.slice(3 * i, 3 * i + 3) as Vector);
}

/** An RT structure set (PS3.3 C.8.8.5, C.8.8.6) as an overlay: contours that lie in the plane of a picture are drawn on it. */
export class StructureSet implements Overlay {
  readonly parts: OverlayPart[] = [];
  readonly missing: string[] = [];
  readonly #contours: Contour[] = [];

  /** @param metadata the whole data set */
  constructor(metadata: DicomJson) {
    const frameOf = new Map<string, string>();
    for (const [i, roi] of itemsOf(metadata, '30060020').entries()) {
      const id = textOf(roi, '30060022');
      frameOf.set(id, textOf(roi, '30060024'));
      this.parts.push({ id, name: textOf(roi, '30060026') || `structure ${id}`, colour: colourAt(i) });
    }
    for (const roi of itemsOf(metadata, '30060039')) {
      const id = textOf(roi, '30060084');
      const part = this.parts.find((candidate) => candidate.id === id);
      const given = numbersOf(roi, '3006002A');
      if (part && given.length === 3) part.colour = given as Colour;
      for (const contour of itemsOf(roi, '30060040')) {
        const points = pointsOf(contour);
        if (points.length === 0) continue;
        this.#contours.push({
          part: id,
          colour: part?.colour ?? colourAt(0),
          frameOfReference: frameOf.get(id) ?? '',
          points,
          closed: textOf(contour, '30060042').startsWith('CLOSED'),
        });
      }
    }
  }

  async fetchFor(): Promise<boolean> {
    return false;
  }

  drawingFor(picture: Picture, hidden: ReadonlySet<string>): Drawing | null {
    const plane = planeOf(picture);
    if (!plane?.frameOfReference) return null;
    const reach = Math.max(0.5, (numberOf(frameAttributesOf(picture), '00180050') ?? 1) / 2) + 1e-3;
    const shapes: Shape[] = [];
    for (const { part, colour, frameOfReference, points, closed } of this.#contours) {
      if (hidden.has(part) || frameOfReference !== plane.frameOfReference) continue;
      if (points.some((point) => Math.abs(distanceFrom(plane, point)) > reach)) continue;
      const drawn = points.map((point) => toPicture(plane, point));
      if (drawn.length === 1) shapes.push({ kind: 'point', points: [drawn[0]!], colour });
      else shapes.push({ kind: 'line', points: drawn, colour, closed });
    }
    return shapes.length > 0 ? { shapes, masks: [] } : null;
  }
}
