import type {
  DicomJson,
  InstanceManifest,
  SeriesManifest,
  StudyManifest,
} from '../../../../../storage/format/manifest.ts';
import { type DocumentKind, documentKindOf } from '../documents/document-kind.ts';
import { itemsOf, numberOf, textOf } from './dicom-json.ts';
import { kindOf } from './kinds.ts';
import { MODEL_NAME } from './model-name.ts';
import { type PartTrait, splitPictures } from './split.ts';

/** One frame that can be shown. */
export interface Picture {
  /** SOP Instance UID, '#', frame number from 1. */
  id: string;
  studyInstanceUID: string;
  instance: InstanceManifest;
  /** Everything known of the instance: study, series and own attributes. */
  attributes: DicomJson;
  /** From 0. */
  frame: number;
  /** Number of frames of the instance. */
  frames: number;
}

/**
 * Pictures that are scrolled through together: a series, or one multi-frame object of it, or the part of either that has one
 * geometry and one contrast.
 */
export interface Stack {
  id: string;
  studyInstanceUID: string;
  seriesInstanceUID: string;
  modality: string;
  seriesNumber: string;
  description: string;
  pictures: Picture[];
  multiFrame: boolean;
  /** What sets this part apart from the others of its series, or makes it no volume; empty when it is whole. */
  traits: PartTrait[];
}

/** An object that cannot be shown as a picture, and why. */
export interface OtherObject {
  instance: InstanceManifest;
  kind: string;
  description: string;
  why: NoPicture;
}

/** An object that opens in a view of its own: a report, a PDF, a recording, a video. */
export interface StudyDocument {
  studyInstanceUID: string;
  instance: InstanceManifest;
  attributes: DicomJson;
  kind: string;
  description: string;
  opens: DocumentKind;
}

/** Why an object is neither a picture nor opens otherwise: words of messages.en.ts. */
export type NoPicture = 'noPixelData' | 'noSize' | 'tooShort' | 'noView';

export interface StudyModel {
  studyInstanceUID: string;
  attributes: DicomJson;
  /** Whom the images came as, when a person corrected the patient. */
  corrected?: StudyManifest['corrected'];
  stacks: Stack[];
  documents: StudyDocument[];
  others: OtherObject[];
  objects: number;
  /** UTC ISO of the receipt of the last object that was not added here while reading. */
  lastReceivedAt: string;
}

function framesOf(instance: InstanceManifest): number {
  const layout = instance.pixelData;
  if (!layout) return 0;
  return layout.kind === 'encapsulated' ? layout.frames.length : layout.frames;
}

function stacksOf(study: StudyManifest, series: SeriesManifest, id: string, pictures: Picture[]): Stack[] {
  return splitPictures(pictures).map((part) => {
    const { attributes } = part.pictures[0]!;
    return {
      id: part.key ? `${id}/${part.key}` : id,
      studyInstanceUID: study.studyInstanceUID,
      seriesInstanceUID: series.seriesInstanceUID,
      modality: textOf(attributes, '00080060'),
      seriesNumber: textOf(attributes, '00200011'),
      description: textOf(attributes, '0008103E') || textOf(attributes, '00181030'),
      pictures: part.pictures,
      multiFrame: part.pictures[0]!.frames > 1,
      traits: part.traits,
    };
  });
}

/** Levels of a slide differ in nothing but their size. */
function slideSize(attributes: DicomJson): string {
  const columns = numberOf(attributes, '00480006');
  const rows = numberOf(attributes, '00480007');
  return columns && rows ? `${columns} × ${rows} pixels` : '';
}

/** Title of a document, name of a presentation state, concept of a report; else the series'. */
function descriptionOf(attributes: DicomJson): string {
  const concept = itemsOf(attributes, '0040A043')[0];
  return (
    slideSize(attributes) ||
    textOf(attributes, '00420010') ||
    textOf(attributes, '00700080') ||
    (concept ? textOf(concept, '00080104') : '') ||
    textOf(attributes, '0008103E')
  );
}

function whyNoPicture(instance: InstanceManifest, attributes: DicomJson, hasSize: boolean): NoPicture {
  if (instance.pixelData) return hasSize ? 'tooShort' : 'noSize';
  return hasSize || attributes['00280010'] !== undefined ? 'noPixelData' : 'noView';
}

/** Lays a manifest out for reading. Every object is in exactly one place: a stack, the documents, or the list of others. */
export function studyModelOf(study: StudyManifest): StudyModel {
  const stacks: Stack[] = [];
  const documents: StudyDocument[] = [];
  const others: OtherObject[] = [];
  let objects = 0;
  let lastReceivedAt = '';
  for (const series of study.series) {
    const single: Picture[] = [];
    const multi: Stack[] = [];
    for (const instance of series.instances) {
      objects += 1;
      const attributes = { ...study.attributes, ...series.attributes, ...instance.attributes };
      // What a reader adds does not mean that the scanner is still sending.
      const added = textOf(attributes, '00081090') === MODEL_NAME;
      if (!added && instance.receivedAt > lastReceivedAt) lastReceivedAt = instance.receivedAt;
      const frames = framesOf(instance);
      const hasSize = (numberOf(attributes, '00280010') ?? 0) > 0 && (numberOf(attributes, '00280011') ?? 0) > 0;
      const opens = documentKindOf(instance.sopClassUID, instance.transferSyntaxUID);
      const slide = opens === 'slide' && (frames === 0 || !hasSize);
      if ((opens && !slide) || frames === 0 || !hasSize) {
        const { studyInstanceUID } = study;
        const kind = kindOf(instance.sopClassUID, instance.transferSyntaxUID);
        const description = descriptionOf(attributes);
        if (opens && !slide) documents.push({ studyInstanceUID, instance, attributes, kind, description, opens });
        else others.push({ instance, kind, description, why: whyNoPicture(instance, attributes, hasSize) });
        continue;
      }
      const pictures = Array.from(
        { length: frames },
        (_, frame): Picture => ({
          id: `${instance.key}#${frame + 1}`,
          studyInstanceUID: study.studyInstanceUID,
          instance,
          attributes,
          frame,
          frames,
        }),
      );
      if (frames === 1) single.push(pictures[0]!);
      else {
        const id = `${study.studyInstanceUID}/${series.seriesInstanceUID}/${instance.sopInstanceUID}`;
        multi.push(...stacksOf(study, series, id, pictures));
      }
    }
    if (single.length > 0)
      stacks.push(...stacksOf(study, series, `${study.studyInstanceUID}/${series.seriesInstanceUID}`, single));
    stacks.push(...multi);
  }
  const order = (stack: Stack) => (stack.seriesNumber === '' ? Number.MAX_SAFE_INTEGER : Number(stack.seriesNumber));
  stacks.sort((a, b) => order(a) - order(b));
  return {
    studyInstanceUID: study.studyInstanceUID,
    attributes: study.attributes,
    ...(study.corrected && { corrected: study.corrected }),
    stacks,
    documents,
    others,
    objects,
    lastReceivedAt,
  };
}
