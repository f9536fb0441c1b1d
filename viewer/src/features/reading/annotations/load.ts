import type { DicomJson, InstanceManifest } from '../../../../../storage/format/manifest.ts';
import { readWhole } from '../documents/stored-object.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';
import type { Measurement } from '../viewport/measurements.ts';
import { BASIC_TEXT_SR } from './finding.ts';
import { KEY_OBJECT_SELECTION } from './key-objects.ts';
import { COMPREHENSIVE_SR } from './measurement-report.ts';
import {
  isOurs,
  type ReadFinding,
  readFinding,
  readKeyImages,
  readMeasurements,
  readWithdrawn,
} from './read-report.ts';

/** Enhanced SR, Comprehensive 3D SR: other programs keep measurements in them. */
const reports = new Set([
  BASIC_TEXT_SR,
  COMPREHENSIVE_SR,
  '1.2.840.10008.5.1.4.1.1.88.22',
  '1.2.840.10008.5.1.4.1.1.88.34',
]);
/** More are not read by themselves: each is a request. */
const mostDocuments = 60;

export interface Loaded {
  measurements: Omit<Measurement, 'id'>[];
  /** Ids of pictures. */
  keyImages: string[];
  findings: ReadFinding[];
  /** Tracking UIDs of what was erased, and when. */
  withdrawn: { uid: string; keptAt: string }[];
}

/** Objects of a study that hold measurements, key images or findings, the newest first. */
export function annotationObjects(model: StudyModel): InstanceManifest[] {
  return [...model.documents, ...model.others]
    .map(({ instance }) => instance)
    .filter(({ sopClassUID }) => reports.has(sopClassUID) || sopClassUID === KEY_OBJECT_SELECTION)
    .sort((a, b) => b.receivedAt.localeCompare(a.receivedAt))
    .slice(0, mostDocuments);
}

function picturesByReference(model: StudyModel): (sopInstanceUID: string, frame: number) => Picture | undefined {
  const found = new Map<string, Picture>();
  for (const stack of model.stacks)
    for (const picture of stack.pictures) found.set(`${picture.instance.sopInstanceUID}#${picture.frame + 1}`, picture);
  return (sopInstanceUID, frame) => found.get(`${sopInstanceUID}#${frame}`);
}

/** Reads what was kept of a study. An object that cannot be read is skipped with a warning: the others count. */
export async function loadAnnotations(model: StudyModel, instances: readonly InstanceManifest[]): Promise<Loaded> {
  const { studyInstanceUID } = model;
  const pictureOf = picturesByReference(model);
  const loaded: Loaded = { measurements: [], keyImages: [], findings: [], withdrawn: [] };
  const seen = new Set<string>();
  let ownKeyImages = false;
  const read = await Promise.allSettled(
    instances.map(async (instance): Promise<DicomJson> => (await readWhole({ studyInstanceUID, instance })).metadata),
  );
  for (const [i, result] of read.entries()) {
    if (result.status === 'rejected') {
      console.warn('annotation', instances[i]!.sopInstanceUID, result.reason);
      continue;
    }
    const document = result.value;
    const finding = readFinding(document);
    if (finding) loaded.findings.push(finding);
    for (const uid of isOurs(document) ? readWithdrawn(document) : []) {
      if (!seen.has(uid)) loaded.withdrawn.push({ uid, keptAt: instances[i]!.receivedAt });
      seen.add(uid);
    }
    for (const { sopInstanceUID, frame, measurement } of readMeasurements(document)) {
      const picture = pictureOf(sopInstanceUID, frame);
      // Of a measurement that was changed and kept again the newest counts.
      if (!picture || (measurement.uid && seen.has(measurement.uid))) continue;
      if (measurement.uid) seen.add(measurement.uid);
      loaded.measurements.push({ ...measurement, pictureId: picture.id, keptAt: instances[i]!.receivedAt });
    }
    if (instances[i]!.sopClassUID !== KEY_OBJECT_SELECTION || (isOurs(document) && ownKeyImages)) continue;
    ownKeyImages ||= isOurs(document);
    for (const { sopInstanceUID, frame } of readKeyImages(document)) {
      const picture = pictureOf(sopInstanceUID, frame);
      if (picture) loaded.keyImages.push(picture.id);
    }
  }
  return loaded;
}
