import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';
import { codes, contentItem, observer } from './content-item.ts';
import { type Author, dateOf, element, evidenceOf, headOf, referenceTo, timeOf } from './data-set.ts';

export const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59';

/** Key images of a study as a Key Object Selection Document (PS3.16 TID 2010). */
export function keyObjectSelection(model: StudyModel, pictures: readonly Picture[], author: Author): DicomJson {
  return {
    ...headOf(
      model,
      { sopClassUID: KEY_OBJECT_SELECTION, modality: 'KO', description: 'Key images', seriesNumber: 9802 },
      author,
    ),
    '00080023': element('DA', dateOf(author.at)),
    '00080033': element('TM', timeOf(author.at)),
    '0040A375': evidenceOf(model, pictures),
    ...contentItem.container(
      '',
      codes.ofInterest,
      [...observer(author), ...pictures.map((picture) => contentItem.image('CONTAINS', referenceTo(picture)))],
      '2010',
    ),
  };
}
