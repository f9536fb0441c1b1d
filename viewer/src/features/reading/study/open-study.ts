import type { StudyManifest } from '../../../../../storage/format/manifest.ts';
import { readBoot } from '../../../shared/api/client.ts';
import { fetchManifest } from '../frames/frames.ts';
import { type Picture, type StudyModel, studyModelOf } from './study-model.ts';

export interface OpenStudy {
  model: StudyModel;
  /** False while only the first images of the study are known. */
  complete: boolean;
}

/** What the page itself brought of a study, or null. Used once: later the router knows better. */
export function bootStudy(studyInstanceUID: string): OpenStudy | null {
  const study = readBoot()?.study;
  if (study?.studyInstanceUID !== studyInstanceUID) return null;
  return { model: studyModelOf(study.manifest), complete: study.complete };
}

/** The study as the router knows it now. */
export async function openStudy(studyInstanceUID: string): Promise<OpenStudy> {
  const manifest: StudyManifest = await fetchManifest(studyInstanceUID);
  return { model: studyModelOf(manifest), complete: true };
}

/** Key of the object that the router chose to begin with: its address is bound to it, while a UID may name several. */
function chosenKey(): string | undefined {
  const study = readBoot()?.study;
  const url = study?.firstImage?.url;
  if (!study || !url) return undefined;
  for (const series of study.manifest.series)
    for (const instance of series.instances) if (instance.url === url) return instance.key;
  return undefined;
}

/** The picture to begin with: the one the router chose, else the first. */
export function firstPictureOf(model: StudyModel): Picture | null {
  const chosen = chosenKey();
  if (chosen)
    for (const stack of model.stacks)
      for (const picture of stack.pictures) if (picture.instance.key === chosen) return picture;
  return model.stacks[0]?.pictures[0] ?? null;
}

/**
 * Study Instance UIDs of the page's address; several are separated by commas or by repeating the parameter. `studyUID` is IHE
 * Invoke Image Display's name for it (RAD-106).
 */
export function studyUIDsOf(query: URLSearchParams): string[] {
  return [
    ...new Set(
      [...query.getAll('StudyInstanceUIDs'), ...query.getAll('studyUID')]
        .flatMap((value) => value.split(','))
        .map((uid) => uid.trim())
        .filter(Boolean),
    ),
  ];
}
