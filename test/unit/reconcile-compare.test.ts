import { describe, expect, it } from 'vitest';
import { compareStudy } from '../../router/reconcile/compare-study.ts';
import type { RemoteStudy } from '../../router/reconcile/remote-archive.ts';

const there = (patientName: string): RemoteStudy => ({
  studyInstanceUID: '1.2',
  patientName,
  patientID: 'P1',
  accessionNumber: 'A1',
  studyDate: '20260101',
  studyTime: '',
});
const differs = (ours: string, theirs: string): boolean => {
  const identity = { patientName: ours, patientID: 'P1', accessionNumber: 'A1' };
  return compareStudy([], { instances: [], complete: true }, there(theirs), identity).identity.length > 0;
};

describe('whether a PACS has the same patient', () => {
  it.each([
    ['Doe^Jane', 'DOE^JANE'],
    ['Doe^Jane', 'Doe^Jane^^^'],
    ['Müller^Anna', 'Muller^Anna'],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada^Tarou'],
    ['山田^太郎', ''],
    ['SAMPLE^Каролина', 'SAMPLE^'],
    ['SAMPLE^Каролина', 'SAMPLE^????????'],
  ])('%s and %s are the same', (ours, theirs) => expect(differs(ours, theirs)).toBe(false));

  it.each([
    ['Doe^Jane', 'Roe^Jane'],
    ['Doe^Jane', 'Doe^John'],
    ['SAMPLE^Каролина', 'OTHER^????????'],
    ['SAMPLE^Каролина', 'SAMPLE^Екатерина'],
    ['Doe^Jane', 'Doe'],
  ])('%s and %s are not', (ours, theirs) => expect(differs(ours, theirs)).toBe(true));
});
