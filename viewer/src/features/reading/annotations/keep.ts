import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { storeObjects } from '../../../shared/api/store-objects.ts';
import { newUid } from '../../../shared/new-uid.ts';
import { loadReady } from '../paint/painted-picture.ts';
import type { Picture, StudyModel } from '../study/study-model.ts';
import { type Measurement, pointsOf } from '../viewport/measurements.ts';
import type { AnnotationStore } from './annotation-store.ts';
import type { Author } from './data-set.ts';
import { provisionalFinding } from './finding.ts';
import { keyObjectSelection } from './key-objects.ts';
import { measurementReport, type Reported } from './measurement-report.ts';
import { type Drawn, presentationStates, wordsOf } from './presentation-state.ts';
import { valueAt, valuesIn } from './roi.ts';

async function reportedOf(measurement: Measurement, picture: Picture): Promise<{ reported: Reported; drawn: Drawn }> {
  const { kind, points } = measurement;
  const item = await loadReady(picture);
  const reported: Reported = { measurement: { ...measurement, uid: measurement.uid ?? newUid() }, picture };
  if (kind === 'ellipse' || kind === 'rectangle' || kind === 'freehand') reported.values = valuesIn(item, kind, points);
  if (kind === 'probe') {
    const found = valueAt(item, points[0]!);
    if (found && 'value' in found)
      reported.probe = { value: found.value, ucum: found.unit.ucum, unit: found.unit.name };
  }
  return { reported, drawn: { measurement, picture, lines: wordsOf(measurement, picture, item) } };
}

/**
 * Keeps what was measured and marked since the last time: an SR (TID 1500), presentation states and a key object selection for
 * each study.
 * @returns number of objects that were stored
 * @throws RequestError: nothing counts as kept then
 */
export async function keepAnnotations(
  store: AnnotationStore,
  models: readonly StudyModel[],
  author: Author,
): Promise<number> {
  const objects: DicomJson[] = [];
  const ids = new Set<number>();
  const erased: string[] = [];
  const marked = new Set<string>();
  const mine = new Map<string, Picture>();
  for (const model of models) {
    const pictures = new Map(model.stacks.flatMap((stack) => stack.pictures.map((picture) => [picture.id, picture])));
    for (const [id, picture] of pictures) mine.set(id, picture);
    const isHere = ({ pictureId }: Measurement) => pictures.has(pictureId);
    const fresh = store.list.filter((one) => !one.kept && one.points.length >= pointsOf[one.kind] && isHere(one));
    const gone = store.withdrawn.filter(isHere);
    const made = await Promise.all(fresh.map((one) => reportedOf(one, pictures.get(one.pictureId)!)));
    const withdrawn = gone.map((one) => ({
      measurement: { ...one, uid: one.uid! },
      picture: pictures.get(one.pictureId)!,
      withdrawn: true,
    }));
    if (made.length + withdrawn.length > 0)
      objects.push(measurementReport(model, [...made.map(({ reported }) => reported), ...withdrawn], author));
    if (made.length > 0)
      objects.push(
        ...presentationStates(
          model,
          made.map(({ drawn }) => drawn),
          author,
        ),
      );
    for (const { id } of fresh) ids.add(id);
    for (const { uid } of gone) erased.push(uid!);
    const keyImages = [...store.keyImages].filter((id) => pictures.has(id));
    const changed = keyImages.some((id) => !store.isKeptKeyImage(id)) || store.unmarked.some((id) => pictures.has(id));
    // A key object selection names at least one picture (PS3.16 TID 2010).
    if (changed && keyImages.length > 0)
      objects.push(
        keyObjectSelection(
          model,
          keyImages.map((id) => pictures.get(id)!),
          author,
        ),
      );
    for (const id of keyImages) marked.add(id);
  }
  if (objects.length > 0) await storeObjects(objects);
  store.setKept(ids, erased, marked, (id) => mine.has(id));
  return objects.length;
}

/** Stores a provisional finding of a study. */
export async function keepFinding(model: StudyModel, text: string, author: Author): Promise<void> {
  await storeObjects([provisionalFinding(model, text, author)]);
}
