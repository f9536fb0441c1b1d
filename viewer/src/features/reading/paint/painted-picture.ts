import { messages } from '../../../shared/messages.en.ts';
import type { DecodedFrame } from '../decode/decode-types.ts';
import type { Urgency } from '../frames/frame-store.ts';
import { frames } from '../frames/frames.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { pixelAspectOf } from '../study/geometry.ts';
import type { Picture } from '../study/study-model.ts';
import { grayscaleOf, paddingOf, storedRangeOf } from './grayscale.ts';
import { embeddedOverlaysOf, ownOverlaysOf, readOverlays } from './overlays.ts';
import { type Look, type Paintable, paintWords } from './paint-words.ts';
import { shutterOf } from './shutter.ts';
import { type GrayscaleTables, hasTables, readTables, tablesKey } from './voi-tables.ts';

/** A decoded frame with what is needed to paint it. */
export interface ReadyPicture extends Paintable {
  picture: Picture;
  /** Least and greatest stored value, padding left out. */
  range: [number, number];
  /** Overlay planes are still on their way: the image does not wait for them, it is to be painted again when they are there. */
  pending?: Promise<void>;
  /** What the reader must know of this picture. */
  remarks: string[];
}

const ready = new WeakMap<DecodedFrame, ReadyPicture>();
/** Of the images looked at last. */
const tables = new Map<string, GrayscaleTables>();
const mostTables = 200;

function assemble(picture: Picture, frame: DecodedFrame): ReadyPicture {
  const known = ready.get(frame);
  if (known) return known;
  const attributes = frameAttributesOf(picture);
  const made: ReadyPicture = {
    picture,
    frame,
    range: [0, 255],
    overlays: embeddedOverlaysOf(picture, frame),
    remarks: [],
  };
  const shape = shutterOf(attributes);
  if (shape) made.shutter = { shape, aspect: pixelAspectOf(attributes) };
  if (frame.kind === 'gray') {
    made.range = storedRangeOf(frame, paddingOf(attributes));
    made.grayscale = grayscaleOf(attributes, made.range, tables.get(tablesKey(picture)));
  }
  ready.set(frame, made);
  fetchOverlays(made);
  return made;
}

/** Reads what Overlay Data the picture has; that it could not be read is said on the picture. */
function fetchOverlays(item: ReadyPicture): void {
  const { picture } = item;
  if (ownOverlaysOf(picture).length === 0) return;
  item.pending = readOverlays(picture, (start, end) => frames.readData(picture, start, end))
    .then(
      (planes) => {
        item.overlays = [...item.overlays, ...planes];
      },
      (error: unknown) => {
        item.remarks.push(messages.reading.overlayFailed(error instanceof Error ? error.message : String(error)));
      },
    )
    .finally(() => {
      item.pending = undefined;
    });
}

/** The picture when it can be painted at once, else undefined. */
export function peekReady(picture: Picture): ReadyPicture | undefined {
  const frame = frames.peek(picture);
  if (!frame || (hasTables(picture) && !tables.has(tablesKey(picture)))) return undefined;
  return assemble(picture, frame);
}

/** Fetches what is missing and gives the picture ready to paint. */
export async function loadReady(picture: Picture, urgency: Urgency = 'visible'): Promise<ReadyPicture> {
  const frame = frames.load(picture, urgency);
  const key = tablesKey(picture);
  if (hasTables(picture) && !tables.has(key)) {
    const read = await readTables(picture, (start, end) => frames.readData(picture, start, end));
    if (tables.size >= mostTables) tables.delete(tables.keys().next().value!);
    tables.set(key, read);
  }
  return assemble(picture, await frame);
}

/** The whole frame as image data, in its own resolution. */
export function paint(item: ReadyPicture, look: Look = {}): ImageData {
  const image = new ImageData(item.frame.columns, item.frame.rows);
  paintWords(item, look, new Uint32Array(image.data.buffer));
  return image;
}
