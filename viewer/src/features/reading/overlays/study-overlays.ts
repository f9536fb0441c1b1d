import type { InstanceManifest } from '../../../../../storage/format/manifest.ts';
import { textOf } from '../study/dicom-json.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';

export type OverlayKind = 'segmentation' | 'structures' | 'presentation';

/** An object of a study that can be laid over its pictures. */
export interface OverlaySource {
  key: string;
  studyInstanceUID: string;
  kind: OverlayKind;
  name: string;
  instance: InstanceManifest;
  /** Frames of a segmentation. */
  pictures: Picture[];
}

/** How an object is laid over pictures, by its SOP class; undefined when it is not. */
export function overlayKindOf(sopClassUID: string): OverlayKind | undefined {
  if (/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.[47]$/.test(sopClassUID)) return 'segmentation';
  if (sopClassUID === '1.2.840.10008.5.1.4.1.1.481.3') return 'structures';
  if (sopClassUID === '1.2.840.10008.5.1.4.1.1.11.1') return 'presentation';
  return undefined;
}

const known = new WeakMap<StudyModel, OverlaySource[]>();

/** Segmentations, structure sets and grey-scale presentation states of a study. */
export function overlaysOf(model: StudyModel): OverlaySource[] {
  const before = known.get(model);
  if (before) return before;
  const { studyInstanceUID } = model;
  const found: OverlaySource[] = [];
  const frames = new Map<string, Picture[]>();
  for (const stack of model.stacks)
    for (const picture of stack.pictures) {
      if (overlayKindOf(picture.instance.sopClassUID) !== 'segmentation') continue;
      const own = frames.get(picture.instance.key);
      if (own) own.push(picture);
      else frames.set(picture.instance.key, [picture]);
    }
  for (const [key, pictures] of frames) {
    const { instance, attributes } = pictures[0]!;
    const name = textOf(attributes, '0008103E') || textOf(attributes, '00700081') || textOf(attributes, '00700080');
    pictures.sort((a, b) => a.frame - b.frame);
    found.push({ key, studyInstanceUID, kind: 'segmentation', name, instance, pictures });
  }
  for (const { instance, description } of model.others) {
    const kind = overlayKindOf(instance.sopClassUID);
    if (kind) found.push({ key: instance.key, studyInstanceUID, kind, name: description, instance, pictures: [] });
  }
  known.set(model, found);
  return found;
}
