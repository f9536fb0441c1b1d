import { LifeboatError } from '../../contract/errors.ts';
import { describeObject } from '../../storage/format/describe.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/**
 * Every attribute of a kept instance, read from its header in the store.
 * @throws STORE_UNAVAILABLE; an object that cannot be read has no attributes
 */
export async function readAllAttributes(store: ObjectStore, entry: InstanceEntry): Promise<DicomJson> {
  const { key, size, dataSetOffset, transferSyntaxUID } = entry;
  const reader = { size, read: (start: number, length: number) => store.get(key, { start, end: start + length }) };
  try {
    return (await describeObject(reader, { transferSyntaxUID, dataSetOffset })).metadata;
  } catch (error) {
    if (error instanceof LifeboatError && error.code === 'STORE_UNAVAILABLE') throw error;
    return entry.attributes;
  }
}
