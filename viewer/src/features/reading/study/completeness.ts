import { numberOf, textOf } from './dicom-json.ts';
import type { Picture, StudyModel } from './study-model.ts';

/** How much of a series is here, as far as its own images tell. */
export interface Completeness {
  /** Objects of the series that are here. */
  have: number;
  /** Objects that the device announced; undefined where it announced none. */
  announced?: number;
  /** Instance Numbers that are skipped between the first and the last, as `45–47, 51`; '' where the count runs through. */
  gaps: string;
}

/** Images that the device says there are: Images in Acquisition (PS3.3 C.7.6.1), Number of Slices of a PET series (C.8.9.1). */
function announcedBy(pictures: readonly Picture[]): number | undefined {
  const acquisitions = new Map<string, number>();
  for (const { attributes } of pictures) {
    const still = /^(STATIC|WHOLE BODY)$/.test(textOf(attributes, '00541000'));
    const slices = still ? numberOf(attributes, '00540081') : undefined;
    if (slices !== undefined) return slices;
    const images = numberOf(attributes, '00201002');
    const acquisition = textOf(attributes, '00200012');
    if (images !== undefined) acquisitions.set(acquisition, Math.max(images, acquisitions.get(acquisition) ?? 0));
  }
  return acquisitions.size > 0 ? [...acquisitions.values()].reduce((sum, images) => sum + images, 0) : undefined;
}

/** Skipped numbers as ranges; '' also where so many are skipped that the numbers are no count. */
function gapsIn(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const ranges: string[] = [];
  let skipped = 0;
  for (let i = 1; i < sorted.length; i += 1) {
    const [from, to] = [sorted[i - 1]! + 1, sorted[i]! - 1];
    if (to < from) continue;
    skipped += to - from + 1;
    ranges.push(from === to ? `${from}` : `${from}–${to}`);
  }
  if (skipped * 4 > sorted.length) return '';
  return ranges.length > 6 ? `${ranges.slice(0, 6).join(', ')} …` : ranges.join(', ');
}

const known = new WeakMap<StudyModel, Map<string, Completeness>>();

/** For every series of a study that has pictures, how much of it is here. The key is the Series Instance UID. */
export function completenessOf(model: StudyModel): Map<string, Completeness> {
  const before = known.get(model);
  if (before) return before;
  const series = new Map<string, Map<string, Picture>>();
  for (const stack of model.stacks) {
    const objects = series.get(stack.seriesInstanceUID) ?? new Map<string, Picture>();
    for (const picture of stack.pictures) objects.set(picture.instance.key, picture);
    series.set(stack.seriesInstanceUID, objects);
  }
  const found = new Map<string, Completeness>();
  for (const [uid, objects] of series) {
    const pictures = [...objects.values()];
    const numbers = pictures.flatMap(({ attributes }) => numberOf(attributes, '00200013') ?? []);
    const announced = announcedBy(pictures);
    found.set(uid, {
      have: pictures.length,
      ...(announced !== undefined && announced > pictures.length && { announced }),
      gaps: gapsIn(numbers),
    });
  }
  known.set(model, found);
  return found;
}
