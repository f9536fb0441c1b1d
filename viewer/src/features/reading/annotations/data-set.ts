import type { DicomJson, DicomJsonElement } from '../../../../../storage/format/manifest.ts';
import { newUid } from '../../../shared/new-uid.ts';
import { MODEL_NAME } from '../study/model-name.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';

/** Builders of DICOM JSON elements (PS3.18 Annex F). */
export const element = (vr: string, ...values: unknown[]): DicomJsonElement =>
  values.length > 0 ? { vr, Value: values } : { vr };

export const sequence = (...items: DicomJson[]): DicomJsonElement => element('SQ', ...items);

export interface Author {
  /** As the person is signed in. */
  name: string;
  /** Local time of this computer. */
  at: Date;
}

const two = (value: number) => String(value).padStart(2, '0');

/** DA of a local time. */
export function dateOf(at: Date): string {
  return `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
}

/** TM of a local time. */
export function timeOf(at: Date): string {
  return `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
}

/** Type 2 attributes of patient and study, by their VR: they are written empty where the study has none. */
const inherited: Record<string, string> = {
  '00080020': 'DA',
  '00080030': 'TM',
  '00080050': 'SH',
  '00080090': 'PN',
  '00100010': 'PN',
  '00100020': 'LO',
  '00100030': 'DA',
  '00100040': 'CS',
  '00200010': 'SH',
};
const optional = ['00081030', '00100021', '00101010'];

export interface SeriesHead {
  sopClassUID: string;
  modality: 'SR' | 'KO' | 'PR';
  description: string;
  seriesNumber: number;
}

/** Patient, study, series, equipment and SOP common modules of a new object of a study. */
export function headOf(model: StudyModel, series: SeriesHead, { at }: Author): DicomJson {
  const own: DicomJson = {};
  for (const [tag, vr] of Object.entries(inherited)) {
    const found = model.attributes[tag];
    own[tag] = found?.Value?.length ? found : element(vr);
  }
  for (const tag of optional) if (model.attributes[tag]?.Value?.length) own[tag] = model.attributes[tag]!;
  return {
    ...own,
    '00080012': element('DA', dateOf(at)),
    '00080013': element('TM', timeOf(at)),
    '00080016': element('UI', series.sopClassUID),
    '00080018': element('UI', newUid()),
    '00080021': element('DA', dateOf(at)),
    '00080031': element('TM', timeOf(at)),
    '00080060': element('CS', series.modality),
    '00080070': element('LO', 'Lifeboat'),
    '0008103E': element('LO', series.description),
    '00081090': element('LO', MODEL_NAME),
    // Of the paired body part of a picture nothing is known here; reports have no such attribute.
    ...(series.modality === 'PR' ? { '00200060': element('CS') } : { '00081111': element('SQ') }),
    '0020000D': element('UI', model.studyInstanceUID),
    '0020000E': element('UI', newUid()),
    '00200011': element('IS', series.seriesNumber),
    '00200013': element('IS', 1),
  };
}

/** Referenced SOP Sequence item of a picture; the frame only where there are several. */
export function referenceTo({ instance, frame, frames }: Picture): DicomJson {
  return {
    '00081150': element('UI', instance.sopClassUID),
    '00081155': element('UI', instance.sopInstanceUID),
    ...(frames > 1 && { '00081160': element('IS', frame + 1) }),
  };
}

/** Pictures by the series that they are of. */
export function bySeries(model: StudyModel, pictures: readonly Picture[]): Map<string, Picture[]> {
  const wanted = new Set(pictures.map(({ id }) => id));
  const found = new Map<string, Picture[]>();
  for (const stack of model.stacks) {
    const mine = stack.pictures.filter(({ id }) => wanted.has(id));
    if (mine.length > 0) found.set(stack.seriesInstanceUID, [...(found.get(stack.seriesInstanceUID) ?? []), ...mine]);
  }
  return found;
}

/** Current Requested Procedure Evidence Sequence (PS3.3 C.17.2.3): every object that is referred to, once. */
export function evidenceOf(model: StudyModel, pictures: readonly Picture[]): DicomJsonElement {
  const series = [...bySeries(model, pictures)].map(([uid, mine]) => {
    const objects = new Map(mine.map(({ instance }) => [instance.sopInstanceUID, instance.sopClassUID]));
    return {
      '00081199': sequence(
        ...[...objects].map(([sop, sopClass]) => ({
          '00081150': element('UI', sopClass),
          '00081155': element('UI', sop),
        })),
      ),
      '0020000E': element('UI', uid),
    };
  });
  return sequence({ '00081115': sequence(...series), '0020000D': element('UI', model.studyInstanceUID) });
}
