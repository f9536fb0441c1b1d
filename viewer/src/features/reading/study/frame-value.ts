import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf } from './dicom-json.ts';
import type { Picture } from './study-model.ts';

/** MR, CT, PET and XA frame type sequences. */
export const frameTypeMacros = ['00189226', '00189329', '00189751', '00189504'];

/**
 * Where the value of an attribute for one frame stands: in the frame's own functional group macro, in the shared one, or in
 * the instance (PS3.3 C.7.6.16). Reads nothing but that, however many frames there are.
 * @param macros sequences that may hold it
 */
export function holderOf(picture: Picture, tag: string, macros: string[]): DicomJson {
  const { attributes } = picture;
  for (const group of [itemsOf(attributes, '52009230')[picture.frame], itemsOf(attributes, '52009229')[0]]) {
    if (!group) continue;
    for (const macro of macros) {
      const item = itemsOf(group, macro)[0];
      if (item?.[tag]) return item;
    }
  }
  return attributes;
}
