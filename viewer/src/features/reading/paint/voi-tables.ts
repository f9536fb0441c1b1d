import type { ReadBulk } from '../decode/bulk-value.ts';
import { type LookupTable, lookupTableOf } from '../decode/lookup-table.ts';
import { itemsOf, numberOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { Picture } from '../study/study-model.ts';

export interface GrayscaleTables {
  modality?: LookupTable;
  voi?: LookupTable;
}

/** True when the image carries LUT sequences that must be read before it can be painted right. */
export function hasTables(picture: Picture): boolean {
  const attributes = frameAttributesOf(picture);
  return itemsOf(attributes, '00283000').length > 0 || itemsOf(attributes, '00283010').length > 0;
}

/** What the tables of a picture are kept under: the object, or the frame where it has its own (PS3.3 C.7.6.16.2.10). */
export function tablesKey(picture: Picture): string {
  const attributes = frameAttributesOf(picture);
  const own = ['00283000', '00283010'].some((tag) => attributes[tag] !== picture.attributes[tag]);
  return own ? picture.id : picture.instance.key;
}

/** Modality LUT Sequence and VOI LUT Sequence of an image (first item of each). */
export async function readTables(picture: Picture, read: ReadBulk): Promise<GrayscaleTables> {
  const attributes = frameAttributesOf(picture);
  const bigEndian = picture.instance.transferSyntaxUID === '1.2.840.10008.1.2.2';
  const signed = numberOf(attributes, '00280103') === 1;
  const modalityItem = itemsOf(attributes, '00283000')[0];
  const voiItem = itemsOf(attributes, '00283010')[0];
  const intercept = numberOf(attributes, '00281052') ?? 0;
  return {
    modality: modalityItem && (await lookupTableOf(modalityItem, signed, bigEndian, read)),
    voi: voiItem && (await lookupTableOf(voiItem, signed || intercept < 0, bigEndian, read)),
  };
}
