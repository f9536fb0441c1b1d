import type { DecodedFrame } from '../decode/decode-types.ts';
import type { Urgency } from '../frames/frame-store.ts';
import { frames } from '../frames/frames.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { Picture } from '../study/study-model.ts';
import { type Grayscale, grayscaleOf, paddingOf, paintGray, storedRangeOf, type Voi } from './grayscale.ts';
import { type GrayscaleTables, hasTables, readTables } from './voi-tables.ts';

/** A decoded frame with what is needed to paint it. */
export interface ReadyPicture {
  picture: Picture;
  frame: DecodedFrame;
  /** undefined for colour. */
  grayscale?: Grayscale;
  /** Least and greatest stored value, padding left out. */
  range: [number, number];
}

const ready = new WeakMap<DecodedFrame, ReadyPicture>();
const tables = new Map<string, GrayscaleTables>();

function assemble(picture: Picture, frame: DecodedFrame): ReadyPicture {
  const known = ready.get(frame);
  if (known) return known;
  const attributes = frameAttributesOf(picture);
  const made: ReadyPicture = { picture, frame, range: [0, 255] };
  if (frame.kind === 'gray') {
    made.range = storedRangeOf(frame, paddingOf(attributes));
    made.grayscale = grayscaleOf(attributes, made.range, tables.get(picture.instance.key));
  }
  ready.set(frame, made);
  return made;
}

/** The picture when it can be painted at once, else undefined. */
export function peekReady(picture: Picture): ReadyPicture | undefined {
  const frame = frames.peek(picture);
  if (!frame || (hasTables(picture) && !tables.has(picture.instance.key))) return undefined;
  return assemble(picture, frame);
}

/** Fetches what is missing and gives the picture ready to paint. */
export async function loadReady(picture: Picture, urgency: Urgency = 'visible'): Promise<ReadyPicture> {
  const frame = frames.load(picture, urgency);
  const { key } = picture.instance;
  if (hasTables(picture) && !tables.has(key))
    tables.set(key, await readTables(picture, (start, end) => frames.readBytes(picture, start, end)));
  return assemble(picture, await frame);
}

/** The whole frame as image data, in its own resolution. */
export function paint(item: ReadyPicture, look: { voi?: Voi; invert?: boolean } = {}): ImageData {
  const { frame } = item;
  if (frame.kind === 'colour') {
    const rgba = look.invert ? frame.rgba.map((value, i) => (i % 4 === 3 ? value : 255 - value)) : frame.rgba;
    return new ImageData(rgba as Uint8ClampedArray<ArrayBuffer>, frame.columns, frame.rows);
  }
  const image = new ImageData(frame.columns, frame.rows);
  const grayscale = item.grayscale!;
  paintGray(
    frame,
    {
      ...grayscale,
      voi: look.voi ?? grayscale.voi,
      inverted: look.invert ? !grayscale.inverted : grayscale.inverted,
    },
    new Uint32Array(image.data.buffer),
  );
  return image;
}
