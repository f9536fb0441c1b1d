import { formatInstant } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { overlayKindOf } from '../overlays/study-overlays.ts';
import type { StudyModel } from './study-model.ts';

/** An object of the store that the reader can neither see as a picture nor open, and why. */
export interface Unshown {
  key: string;
  kind: string;
  description: string;
  size: number;
  url?: string;
  /** File name for a download, without ending. */
  name: string;
}

/** How many objects the store has of a study, how many of them are shown, and each of the others. */
export interface StudyCount {
  inStore: number;
  shown: number;
  unshown: Unshown[];
}

/**
 * Counts a study. Every object that the store has is either shown or in the list: objects that are neither picture nor document, earlier contents
 * of an image, and images that could not be fetched or decoded.
 * @param failureOf why a picture could not be had, or undefined
 */
export function countOf(model: StudyModel, failureOf: (pictureId: string) => string | undefined): StudyCount {
  // Structures and presentation states are shown on the pictures they belong to.
  const left = model.others.filter(({ instance }) => overlayKindOf(instance.sopClassUID) === undefined);
  const unshown: Unshown[] = left.map(({ instance, kind, description, why }) => ({
    key: instance.key,
    kind,
    description: [description, messages.reading.why[why]].filter(Boolean).join(': '),
    size: instance.size,
    url: instance.url,
    name: instance.sopInstanceUID,
  }));
  let older = 0;
  const seen = new Set<string>();
  for (const stack of model.stacks)
    for (const [i, picture] of stack.pictures.entries()) {
      const { instance } = picture;
      const place = messages.reading.imageOf(
        i + 1,
        `${stack.modality} ${stack.seriesNumber && `#${stack.seriesNumber}`}`,
      );
      const reason = failureOf(picture.id);
      if (seen.has(instance.key)) continue;
      if (reason !== undefined) {
        seen.add(instance.key);
        const { key, size, url, sopInstanceUID: name } = instance;
        unshown.push({ key, kind: messages.reading.failedKind, description: `${place}: ${reason}`, size, url, name });
      }
    }
  const failed = seen.size;
  seen.clear();
  const instances = [
    ...model.stacks.flatMap((stack) => stack.pictures.map(({ instance }) => instance)),
    ...model.documents.map(({ instance }) => instance),
    ...model.others.map(({ instance }) => instance),
  ];
  for (const instance of instances) {
    if (seen.has(instance.key)) continue;
    seen.add(instance.key);
    for (const { key, size, url, receivedAt } of instance.superseded ?? []) {
      older += 1;
      const description = messages.reading.earlierOf(formatInstant(receivedAt));
      unshown.push({ key, kind: messages.reading.earlierKind, description, size, url, name: instance.sopInstanceUID });
    }
  }
  return { inStore: model.objects + older, shown: model.objects - left.length - failed, unshown };
}
