import type { ImageDescription } from './image-description.ts';
import type { RenderOptions, RenderTables } from './render/render-types.ts';

/** Work for the image thread. The bytes of frame or file are moved over where they can be, the rest is copied. */
export type ImageJob =
  | { kind: 'transcode'; frame: Uint8Array; image: ImageDescription; target: string }
  | { kind: 'render'; frame: Uint8Array; image: ImageDescription; tables: RenderTables; options: RenderOptions }
  | { kind: 'rewrite'; file: Uint8Array; target: string };

export interface ImageResult {
  bytes: Uint8Array;
  /** How the pixels are described now; after `transcode`. */
  image?: ImageDescription;
}

export type ImageReply = { ok: true; result: ImageResult } | { ok: false; code: string; message: string };

/** Transfer list for bytes that have their memory to themselves; others are copied. */
export function movable(bytes: Uint8Array): ArrayBuffer[] {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength ? [buffer] : [];
}
