import { expect, it } from 'vitest';
import { AnnotationStore } from '../../viewer/src/features/reading/annotations/annotation-store.ts';
import { measurementReport, type Reported } from '../../viewer/src/features/reading/annotations/measurement-report.ts';
import { readMeasurements, readWithdrawn } from '../../viewer/src/features/reading/annotations/read-report.ts';
import type { Picture, StudyModel } from '../../viewer/src/features/reading/study/study-model.ts';
import type { Measurement, MeasurementKind } from '../../viewer/src/features/reading/viewport/measurements.ts';
import { newUid } from '../../viewer/src/shared/new-uid.ts';

const attributes = { '00280030': { vr: 'DS', Value: [0.5, 0.8] } };
const instance = { sopClassUID: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUID: '1.2.3.4' };
const picture = { id: 'k#2', instance, attributes, frame: 1, frames: 3 } as unknown as Picture;
const model = {
  studyInstanceUID: '1.2.3',
  attributes: {},
  stacks: [{ seriesInstanceUID: '1.2.3.1', pictures: [picture] }],
} as unknown as StudyModel;
const author = { name: 'reader', at: new Date(2026, 0, 5, 8, 3, 4) };
const at = (...flat: number[]) => flat.flatMap((x, i) => (i % 2 === 0 ? [{ x, y: flat[i + 1]! }] : []));

const drawn: Record<MeasurementKind, { x: number; y: number }[]> = {
  length: at(1, 2, 30, 40),
  bidirectional: at(1, 1, 1, 50, 10, 20, 30, 20),
  angle: at(0, 0, 10, 0, 10, 10),
  cobb: at(0, 0, 20, 1, 0, 40, 20, 50),
  ellipse: at(10, 10, 20, 40),
  rectangle: at(5, 5, 25, 15),
  freehand: at(1, 1, 20, 2, 15, 30),
  probe: at(7.5, 8.5),
  arrow: at(3, 3, 12, 12),
  text: at(9, 9),
};
const reportedOf = (kind: MeasurementKind): Reported => ({
  measurement: { id: 1, pictureId: picture.id, kind, points: drawn[kind], uid: newUid(), text: `note ${kind}` },
  picture,
});

it('every kind of measurement is read from the report as it was drawn, on its frame', () => {
  for (const kind of Object.keys(drawn) as MeasurementKind[]) {
    const reported = reportedOf(kind);
    const [read] = readMeasurements(measurementReport(model, [reported], author));
    expect(read, kind).toMatchObject({ sopInstanceUID: '1.2.3.4', frame: 2 });
    expect(read!.measurement, kind).toMatchObject({ kind, uid: reported.measurement.uid, text: `note ${kind}` });
    // A rectangle’s corners may come in another order; two diameters come the longer first.
    const order = (points: { x: number; y: number }[]) => points.map(({ x, y }) => `${x} ${y}`).sort();
    expect(order(read!.measurement.points), kind).toEqual(order(drawn[kind]));
  }
});

it('what is withdrawn is named and holds no measurement', () => {
  const reported = { ...reportedOf('length'), withdrawn: true };
  const report = measurementReport(model, [reported], author);
  expect(readMeasurements(report)).toEqual([]);
  expect(readWithdrawn(report)).toEqual([reported.measurement.uid]);
});

it('what is read stays when older steps are taken back; erasing it is a change to keep', () => {
  const store = new AnnotationStore();
  const kept: Omit<Measurement, 'id'> = {
    pictureId: 'k#2',
    kind: 'length',
    points: drawn.length,
    uid: '2.25.1',
    kept: true,
    keptAt: '1',
  };
  store.checkpoint();
  store.add({ pictureId: 'k#2', kind: 'probe', points: drawn.probe, uid: '2.25.2' });
  store.settle();
  store.load([kept], ['k#2']);
  store.undo();
  expect(store.list.map(({ uid }) => uid)).toEqual(['2.25.1']);
  expect(store.unkept).toBe(0);
  store.checkpoint();
  store.keep(() => false);
  store.settle();
  expect(store.withdrawn.map(({ uid }) => uid)).toEqual(['2.25.1']);
  expect(store.unkept).toBe(1);
  // Read again while it is erased here: it does not come back.
  store.load([kept], []);
  expect(store.list).toEqual([]);
  store.setKept(new Set(), ['2.25.1'], new Set(['k#2']), () => true);
  expect(store.unkept).toBe(0);
});

it('what somebody else changed or withdrew meanwhile is taken over, not over a change of one’s own', () => {
  const store = new AnnotationStore();
  const one = { pictureId: 'k#2', kind: 'length' as const, points: drawn.length, kept: true };
  store.load(
    [
      { ...one, uid: '2.25.1', keptAt: '1' },
      { ...one, uid: '2.25.2', keptAt: '1' },
    ],
    [],
  );
  store.change(store.list[1]!.id, { points: at(0, 0, 5, 5) });
  const moved = at(1, 2, 3, 4);
  store.load(
    [
      { ...one, uid: '2.25.1', points: moved, keptAt: '2' },
      { ...one, uid: '2.25.2', points: moved, keptAt: '2' },
    ],
    [],
  );
  expect(store.list.map(({ points }) => points)).toEqual([moved, at(0, 0, 5, 5)]);
  store.load(
    [],
    [],
    [
      { uid: '2.25.1', keptAt: '3' },
      { uid: '2.25.2', keptAt: '3' },
    ],
  );
  expect(store.list.map(({ uid }) => uid)).toEqual(['2.25.2']);
});
