import type { GrayFrame } from '../decode/decode-types.ts';
import { frames } from '../frames/frames.ts';
import { itemsOf, numberOf, numbersOf, textOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { distanceFrom, dot, type Plane, planeOf } from '../study/plane.ts';
import type { Picture } from '../study/study-model.ts';
import { paintMask, planeMatrix } from './mask.ts';
import { colourAt, colourOfLab, type Drawing, type Mask, type Overlay, type OverlayPart } from './overlay-types.ts';

const labelMap = '1.2.840.10008.5.1.4.1.1.66.7';
interface SegmentFrame {
  picture: Picture;
  plane: Plane;
  /** Half the thickness for which it stands, mm. */
  reach: number;
  /** '' in a label map, whose pixels are the numbers. */
  segment: string;
}

function partsOf(picture: Picture): OverlayPart[] {
  return itemsOf(picture.attributes, '00620002').map((item, i) => ({
    id: String(numberOf(item, '00620004') ?? i + 1),
    name: textOf(item, '00620005') || `segment ${i + 1}`,
    colour: colourOfLab(numbersOf(item, '0062000D')) ?? colourAt(i),
  }));
}

/**
 * A segmentation (PS3.3 C.8.20) as an overlay: its frames lie on every picture of the same frame of reference whose plane is
 * parallel and within half a thickness.
 * @param pictures all frames of the object
 */
export class Segmentation implements Overlay {
  readonly parts: OverlayPart[];
  readonly missing: string[] = [];
  readonly #frames: SegmentFrame[] = [];
  readonly #isLabelMap: boolean;
  readonly #masks = new Map<string, Mask>();

  constructor(pictures: readonly Picture[]) {
    const [first] = pictures;
    this.parts = first ? partsOf(first) : [];
    this.#isLabelMap = first?.instance.sopClassUID === labelMap;
    for (const picture of pictures) {
      const plane = planeOf(picture);
      if (!plane?.frameOfReference) continue;
      const attributes = frameAttributesOf(picture);
      const reach = (numberOf(attributes, '00180050') ?? numberOf(attributes, '00180088') ?? 1) / 2;
      const segment = this.#isLabelMap ? '' : String(numberOf(attributes, '0062000B') ?? '');
      this.#frames.push({ picture, plane, reach, segment });
    }
  }

  /** Whether any of its frames has a place in the patient. */
  get placed(): boolean {
    return this.#frames.length > 0;
  }

  /** The nearest frame of each segment that lies in the plane of a picture. */
  #at(picture: Picture): SegmentFrame[] {
    const plane = planeOf(picture);
    if (!plane) return [];
    const reach = (numberOf(frameAttributesOf(picture), '00180050') ?? 0) / 2;
    const found = new Map<string, { frame: SegmentFrame; distance: number }>();
    for (const frame of this.#frames) {
      if (frame.plane.frameOfReference !== plane.frameOfReference) continue;
      if (Math.abs(dot(frame.plane.normal, plane.normal)) < 0.999) continue;
      const distance = Math.abs(distanceFrom(plane, frame.plane.origin));
      if (distance > Math.max(reach, frame.reach) + 1e-3) continue;
      const known = found.get(frame.segment);
      if (!known || distance < known.distance) found.set(frame.segment, { frame, distance });
    }
    return [...found.values()].map(({ frame }) => frame);
  }

  async fetchFor(picture: Picture): Promise<boolean> {
    const wanted = this.#at(picture).filter((frame) => !frames.peek(frame.picture));
    await Promise.all(wanted.map((frame) => frames.load(frame.picture, 'visible')));
    return wanted.length > 0;
  }

  drawingFor(picture: Picture, hidden: ReadonlySet<string>): Drawing | null {
    const plane = planeOf(picture);
    const at = this.#at(picture);
    if (!plane || at.length === 0) return null;
    const masks = at.flatMap((frame) => {
      const mask = hidden.has(frame.segment) ? null : this.#maskOf(frame, hidden);
      return mask ? [{ ...mask, matrix: planeMatrix(frame.plane, plane) }] : [];
    });
    return { shapes: [], masks };
  }

  #maskOf({ picture, segment }: SegmentFrame, hidden: ReadonlySet<string>): Mask | null {
    const frame = frames.peek(picture);
    if (frame?.kind !== 'gray') return null;
    const key = `${picture.id} ${this.#isLabelMap ? [...hidden].join() : ''}`;
    const known = this.#masks.get(key);
    if (known) return known;
    const { columns, rows } = frame;
    const rgba = new Uint8ClampedArray(columns * rows * 4);
    for (const part of this.parts) {
      if (this.#isLabelMap ? hidden.has(part.id) : part.id !== segment) continue;
      paintMask(rgba, columns, rows, this.#insideOf(frame, part), part.colour);
    }
    const mask: Mask = { columns, rows, rgba, matrix: [1, 0, 0, 1, 0, 0] };
    if (this.#masks.size > 64) this.#masks.clear();
    this.#masks.set(key, mask);
    return mask;
  }

  /** Share of a pixel that belongs to a segment: its number in a label map, 0 or 1, or a fraction of the greatest value. */
  #insideOf({ pixels }: GrayFrame, part: OverlayPart): (i: number) => number {
    if (this.#isLabelMap) {
      const number = Number(part.id);
      return (i) => (pixels[i] === number ? 1 : 0);
    }
    const most = pixels.some((value) => value > 1) ? 255 : 1;
    return (i) => pixels[i]! / most;
  }
}
