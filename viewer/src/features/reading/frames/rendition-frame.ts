import { frameRange } from '../../../../../storage/format/frames.ts';
import type { InstanceRendition } from '../../../../../storage/format/manifest.ts';
import type { Picture } from '../study/study-model.ts';
import type { LineSpeed } from './line-speed.ts';

/** One frame of a lossless rendition. */
export interface RenditionFrame {
  /** Of the frame: pack and place. */
  id: string;
  pack: Pick<InstanceRendition, 'key' | 'url' | 'size'>;
  /** Bytes of the pack. */
  start: number;
  end: number;
  /** Bytes that the original would take. */
  originalBytes: number;
  sha256: string;
}

/** Cells that a worker decodes in a second, bytes; slow machines. */
const DECODED_PER_S = 40e6;
/** Worker and codec have to come first, s. */
const CODEC_START_S = 0.3;
const LITTLE_ENDIAN = /^1\.2\.840\.10008\.1\.2(\.1)?$/;

/** The rendition of a picture's frame; null where there is none, or none that could stand for it. */
export function renditionFrameOf({ instance, frame }: Picture): RenditionFrame | null {
  const { rendition, pixelData, transferSyntaxUID } = instance;
  const place = rendition?.frames[frame];
  if (!rendition || !place || pixelData?.kind !== 'native' || !LITTLE_ENDIAN.test(transferSyntaxUID)) return null;
  const original = frameRange(pixelData, frame);
  const [start, length, sha256] = place;
  if (!original || start + length > rendition.size) return null;
  const originalBytes = original.end - original.start;
  return { id: `${rendition.key} ${start}`, pack: rendition, start, end: start + length, originalBytes, sha256 };
}

/**
 * Whether fetching and decoding the rendition is quicker than fetching the original.
 * @param awaited somebody waits for this very frame: that the codec is not there yet counts
 */
export function isWorthIt({ start, end, originalBytes }: RenditionFrame, line: LineSpeed, awaited: boolean): boolean {
  const savedS = (originalBytes - (end - start)) / line.bytesPerSecond;
  return savedS > originalBytes / DECODED_PER_S + (awaited && !line.codecReady ? CODEC_START_S : 0);
}
