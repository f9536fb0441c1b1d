import type { ImageDescription } from '../image-description.ts';
import { colourRgb, paletteRgb } from './colour.ts';
import { decodeFrame, encodeJpeg } from './decode.ts';
import { greyOf } from './grey.ts';
import { encodePng } from './png.ts';
import type { RenderOptions, RenderTables } from './render-types.ts';
import { crop, type Picture, resize } from './scale.ts';

/** A frame as 8-bit grey or RGB, in its own size. */
export function pictureOf(
  frame: Uint8Array,
  image: ImageDescription,
  tables: RenderTables,
  window: RenderOptions['window'],
): Picture {
  const decoded = decodeFrame(frame, image);
  const size = { width: image.columns, height: image.rows };
  if (image.photometricInterpretation === 'PALETTE COLOR' && tables.palette) {
    return { pixels: paletteRgb(decoded, tables.palette), ...size, samples: 3 };
  }
  if (decoded.image.samplesPerPixel > 1) return { pixels: colourRgb(decoded), ...size, samples: 3 };
  return { pixels: greyOf(decoded, tables, window), ...size, samples: 1 };
}

/** A frame as JPEG or PNG (PS3.18 8.3.5). */
export function render(
  frame: Uint8Array,
  image: ImageDescription,
  tables: RenderTables,
  options: RenderOptions,
): Uint8Array {
  let picture = pictureOf(frame, image, tables, options.window);
  const { region, viewport, pixelAspect } = options;
  if (region) picture = crop(picture, region.x, region.y, region.width, region.height);
  let width = picture.width;
  let height = Math.max(1, Math.round(picture.height * pixelAspect));
  if (viewport) {
    const scale = Math.min(viewport.width / width, viewport.height / height);
    width = Math.max(1, Math.round(width * scale));
    height = Math.max(1, Math.round(height * scale));
  }
  picture = resize(picture, width, height);
  return options.format === 'png'
    ? encodePng(picture.pixels, picture.width, picture.height, picture.samples)
    : encodeJpeg(picture.pixels, picture.width, picture.height, picture.samples, options.quality);
}
