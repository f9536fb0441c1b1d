import { frameCount, frameRange } from '../../storage/format/frames.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { numberAt } from './image-description.ts';
import { isUncompressed } from './media-types.ts';

/** Bytes of one uncompressed frame as the header describes it; 0 where it does not. */
function decodedFrameBytes(json: DicomJson): number {
  const pixels = (numberAt(json, '00280010') ?? 0) * (numberAt(json, '00280011') ?? 0);
  const samples = numberAt(json, '00280002') ?? 1;
  const bits = numberAt(json, '00280100') ?? 16;
  const bytes = bits === 1 ? Math.ceil((pixels * samples) / 8) : pixels * samples * Math.ceil(bits / 8);
  return Math.max(bytes, 0);
}

/** Bytes that frame `number` (from 1) takes as stored. */
export function storedFrameBytes(entry: InstanceEntry, number: number): number {
  if (!entry.pixelData) return 0;
  if (entry.pixelData.kind === 'deflated') return decodedFrameBytes(entry.attributes);
  const range = frameRange(entry.pixelData, number - 1);
  return range ? range.end - range.start : 0;
}

/** Memory that a request holds for a frame which is decoded, for its turn in the image thread and after. */
export function decodedFrameCost(entry: InstanceEntry, number: number): number {
  return storedFrameBytes(entry, number) + decodedFrameBytes(entry.attributes);
}

/** Memory for an object rewritten as a whole: what it is and what it becomes. `size` inflated, where it is deflated. */
export function rewriteCost(entry: InstanceEntry, size: number): number {
  const { pixelData, transferSyntaxUID, attributes } = entry;
  if (!pixelData || isUncompressed(transferSyntaxUID)) return 2 * size;
  return 2 * size + frameCount(pixelData) * decodedFrameBytes(attributes);
}
