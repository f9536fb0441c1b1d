import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf } from './dicom-json.ts';
import type { Picture } from './study-model.ts';

const cache = new WeakMap<Picture, DicomJson>();

function macrosOf(group: DicomJson | undefined): DicomJson {
  const flat: DicomJson = {};
  if (!group) return flat;
  for (const tag of Object.keys(group)) Object.assign(flat, itemsOf(group, tag)[0]);
  return flat;
}

/**
 * Attributes that hold for one frame: those of the instance, then the shared, then the frame's own functional group
 * macros (PS3.3 C.7.6.16) laid over them, first item of each.
 */
export function frameAttributesOf(picture: Picture): DicomJson {
  const known = cache.get(picture);
  if (known) return known;
  const { attributes } = picture;
  const shared = itemsOf(attributes, '52009229')[0];
  const own = itemsOf(attributes, '52009230')[picture.frame];
  const merged = shared || own ? { ...attributes, ...macrosOf(shared), ...macrosOf(own) } : attributes;
  cache.set(picture, merged);
  return merged;
}
