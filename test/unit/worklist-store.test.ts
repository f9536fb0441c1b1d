import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RisDatabase } from '../../router/worklist/ris-database.ts';
import { UnscheduledPatients } from '../../router/worklist/unscheduled.ts';
import { withFields } from '../../router/worklist/worklist-fields.ts';
import { WorklistStore } from '../../router/worklist/worklist-store.ts';

const SPAN = { from: '20260304', to: '20260312' };
let folder: string;
let db: RisDatabase;
let now: Date;
let store: WorklistStore;

const order = (n: number, fields = {}) =>
  withFields(
    {},
    {
      patientName: `Patient^${n}`,
      patientID: `P${n}`,
      accessionNumber: `A${n}`,
      studyInstanceUID: `1.2.${n}`,
      stepID: `S${n}`,
      startDate: '20260305',
      startTime: '0900',
      stationAETitle: 'CT1',
      ...fields,
    },
  );
const orders = (count: number) => Array.from({ length: count }, (_, n) => order(n));
const later = () => {
  now = new Date(now.getTime() + 60_000);
};
const told = () => store.items().map(({ fields }) => fields.patientID);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-worklist-'));
  db = new RisDatabase(folder);
  now = new Date('2026-03-05T08:00:00');
  store = new WorklistStore(db, () => now);
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

it('does not believe an empty list after a full one until the RIS has said it three times', () => {
  expect(store.answered(orders(6), SPAN)).toBe(true);
  for (const believed of [false, false, true]) {
    later();
    expect(store.answered([], SPAN)).toBe(believed);
    expect(told()).toHaveLength(believed ? 0 : 6);
  }
  later();
  store.answered(orders(6), SPAN);
  later();
  expect(store.answered([], SPAN)).toBe(false);
  later();
  store.answered(orders(6), SPAN);
  later();
  expect(store.answered([], SPAN)).toBe(false);
  expect(told()).toHaveLength(6);
});

it('keeps what lies outside the days asked for, and a change by hand whatever the RIS says', () => {
  store.answered([order(1), order(2, { startDate: '20260320' })], { from: '20260304', to: '20260331' });
  const [first] = store.items();
  store.edit(first!.id, { stationAETitle: 'CT9', patientName: 'Patient^1' }, 'anna');
  later();
  store.answered([order(1, { startTime: '1000', stationAETitle: 'CT2' })], SPAN);
  expect(told()).toEqual(['P1', 'P2']);
  const [row] = store.schedule('20260305', '20260305');
  expect(row).toMatchObject({ stationAETitle: 'CT9', startTime: '1000', edited: ['stationAETitle'], editedBy: 'anna' });
  store.undo(first!.id);
  expect(store.items()[0]!.fields.stationAETitle).toBe('CT2');
  later();
  store.answered([order(3)], SPAN);
  expect(told().sort()).toEqual(['P2', 'P3']);
});

it('a failing RIS changes nothing, and since when it fails is known until it answers', () => {
  store.answered(orders(2), SPAN);
  const answeredAt = now.toISOString();
  later();
  const since = now.toISOString();
  store.failed('connection refused');
  later();
  store.failed('no answer');
  expect(store.risState('RIS@h:1')).toEqual({
    address: 'RIS@h:1',
    state: 'away',
    answeredAt,
    awaySince: since,
    trouble: 'no answer',
  });
  expect(told()).toHaveLength(2);
  store.answered(orders(2), SPAN);
  expect(store.risState(null)).toMatchObject({ state: 'answers', awaySince: null, trouble: '' });
});

it('an unscheduled patient is found by ID, accession number or study, outlives the list, and is open until resolved', () => {
  const unscheduled = new UnscheduledPatients(db, store, () => now);
  unscheduled.add({ modality: 'CT' }, 'from the street', 'anna');
  const [entry] = unscheduled.list();
  const { patientID, accessionNumber, studyInstanceUID } = entry!;
  for (const study of [
    { studyInstanceUID, patientID: 'x' },
    { studyInstanceUID: '1.9', patientID },
    { studyInstanceUID: '1.9', accessionNumber },
  ])
    expect(unscheduled.open(study)?.id).toBe(entry!.id);
  expect(unscheduled.open({ studyInstanceUID: '1.9', patientID: 'P1', accessionNumber: 'A1' })).toBeUndefined();
  now = new Date('2026-07-01T08:00:00');
  store.answered([], { from: '20260701', to: '20260702' });
  expect(unscheduled.list()).toHaveLength(1);
  unscheduled.resolve(entry!.id, 'P77', 'bob');
  expect(unscheduled.list()[0]).toMatchObject({ resolvedTo: 'P77', resolvedBy: 'bob', note: 'from the street' });
  now = new Date('2026-09-01T08:00:00');
  expect(unscheduled.list()).toEqual([]);
  expect(unscheduled.list({ all: true })).toHaveLength(1);
});

it('what a scanner has reported as done is told no more, until the RIS lists it again', () => {
  store.answered(orders(2), SPAN);
  later();
  store.performed({ studyInstanceUID: '1.2.0', stepID: 'S0' }, 'IN PROGRESS');
  expect(told()).toEqual(['P0', 'P1']);
  store.performed({ studyInstanceUID: '1.2.0', stepID: 'S0' }, 'COMPLETED');
  store.performed({ studyInstanceUID: '1.2.1', stepID: 'another' }, 'COMPLETED');
  expect(told()).toEqual(['P1']);
  expect(store.schedule('20260305', '20260305').map(({ performed }) => performed)).toEqual(['COMPLETED', '']);
  later();
  store.answered(orders(2), SPAN);
  expect(told()).toEqual(['P0', 'P1']);
});
