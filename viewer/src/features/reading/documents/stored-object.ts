import { describeObjectSync, inMemory } from '../../../../../storage/format/describe.ts';
import type { DicomJson, InstanceManifest } from '../../../../../storage/format/manifest.ts';
import { frames } from '../frames/frames.ts';
import { FetchError } from '../frames/range-fetch.ts';

/** An object of a study, by whose address its bytes are fetched. */
export interface StoredObject {
  studyInstanceUID: string;
  instance: InstanceManifest;
}

const deflated = '1.2.840.10008.1.2.1.99';
/** No document is larger; more would fill the memory of a ward PC. */
const LARGEST = 512 * 2 ** 20;

/** A whole object: its attributes, and its bytes as they count them. */
export interface WholeObject {
  metadata: DicomJson;
  bytes: Uint8Array;
}

/**
 * Fetches an object and reads all of it.
 * @throws FetchError with a sentence for the reader
 */
export async function readWhole(object: StoredObject): Promise<WholeObject> {
  const { size, transferSyntaxUID, dataSetOffset } = object.instance;
  if (size > LARGEST) throw new FetchError(0, 'it is too large to open here');
  const bytes = await frames.readBytes(object, 0, size);
  if (transferSyntaxUID === deflated) {
    const { inflateBytes } = await import('../frames/inflate.ts');
    const inflated = await inflateBytes(bytes.subarray(dataSetOffset));
    const known = { transferSyntaxUID: '1.2.840.10008.1.2.1', dataSetOffset: 0 };
    return { metadata: describeObjectSync(inMemory(inflated), known).metadata, bytes: inflated };
  }
  const { metadata } = describeObjectSync(inMemory(bytes), { transferSyntaxUID, dataSetOffset });
  return { metadata, bytes };
}
