import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { bulkRangeOf, inlineBytesOf } from '../study/dicom-json.ts';
import { swapWords } from './native.ts';

/** Reads bytes [start, end) of the object that an attribute refers to. */
export type ReadBulk = (start: number, end: number) => Promise<Uint8Array>;

/**
 * Bytes of an attribute, words in little endian whatever the object's byte order: inline bytes are so already (PS3.18
 * F.2.7), those read from a Big Endian object are turned. Undefined when the attribute is absent.
 */
export async function bulkValueOf(
  attributes: DicomJson,
  tag: string,
  bigEndian: boolean,
  read: ReadBulk,
): Promise<Uint8Array | undefined> {
  const inline = inlineBytesOf(attributes, tag);
  if (inline) return inline;
  const range = bulkRangeOf(attributes, tag);
  if (!range) return undefined;
  const bytes = await read(range.start, range.end);
  return bigEndian && /^(OW|US|SS)$/.test(attributes[tag]?.vr ?? '') ? swapWords(bytes, 2) : bytes;
}
