import { expect, it } from 'vitest';
import { minutesUntil, planOf, shareOfDay, slicesOf } from '../../router/backfill/backfill-plan.ts';
import { Pace } from '../../router/backfill/pace.ts';
import type { PacsStudy } from '../../router/backfill/pacs-source.ts';
import { choosePriors } from '../../router/backfill/priors.ts';
import { finishedAt, Throughput } from '../../router/backfill/throughput.ts';

const at = (time: string) => new Date(`2026-03-05T${time}:00`);

it('a window over midnight is open at night, and says how long it is shut by day', () => {
  expect(minutesUntil('22:00-06:00', at('23:30'))).toBe(0);
  expect(minutesUntil('22:00-06:00', at('05:59'))).toBe(0);
  expect(minutesUntil('22:00-06:00', at('06:00'))).toBe(16 * 60);
  expect(minutesUntil('12:00-13:00', at('11:15'))).toBe(45);
  expect(minutesUntil('', at('11:15'))).toBe(0);
  expect(shareOfDay('22:00-06:00')).toBeCloseTo(1 / 3);
});

it('asks day by day in the order of the plan, each modality by itself', () => {
  const plan = planOf({ from: '2020-02-28', to: '2020-03-01', modalities: ['CT', 'MR'] }, ['dimse', 'folder']);
  expect(slicesOf(plan).map(({ day, modality }) => `${day} ${modality}`)).toEqual([
    '20200301 CT',
    '20200301 MR',
    '20200229 CT',
    '20200229 MR',
    '20200228 CT',
    '20200228 MR',
  ]);
  const days = (order: 'oldest' | 'modality') => slicesOf({ ...plan, order }).map(({ day }) => day);
  expect(days('oldest')[0]).toBe('20200228');
  expect(slicesOf({ ...plan, order: 'modality' }).map(({ modality }) => modality)).toEqual(
    'CT CT CT MR MR MR'.split(' '),
  );
  expect(() => planOf({}, ['folder'])).toThrow(/folder/);
  expect(() => planOf({ via: 'web' }, ['dimse', 'folder'])).toThrow(/LIFEBOAT_PACS_DICOMWEB/);
});

it('leaves a PACS alone that has become slow, longer each time, and not one that always was', () => {
  let now = 0;
  const pace = new Pace({ hindrance: () => '', now: () => now });
  for (let i = 0; i < 20; i++) pace.answered(1_500);
  expect(pace.hindrance()).toBe('');
  for (let i = 0; i < 20; i++) pace.answered(100);
  expect(pace.hindrance()).toBe('');
  const pauses: number[] = [];
  for (let i = 0; i < 3; i++) {
    pace.answered(9_000);
    expect(pace.hindrance()).toMatch(/the PACS to recover: it took 9 s/);
    const begun = now;
    while (pace.hindrance() !== '') now += 1_000;
    pauses.push((now - begun) / 1_000);
  }
  expect(pauses).toEqual([10, 20, 40]);
  pace.answered(100);
  pace.answered(9_000);
  const begun = now;
  while (pace.hindrance() !== '') now += 1_000;
  expect(now - begun).toBe(10_000);
});

it('keeps to the limit of images a second, and lets what is urgent pass the window and nothing else', () => {
  let now = at('12:00').getTime();
  let other = '';
  const pace = new Pace({ hindrance: () => other, now: () => now });
  pace.limits({ window: '22:00-06:00', rate: 20 });
  expect(pace.hindrance()).toMatch(/22:00-06:00/);
  expect(pace.hindrance(true)).toBe('');
  now = at('23:00').getTime();
  pace.took(40);
  now += 1_999;
  expect(pace.hindrance()).toMatch(/20 images a second/);
  now += 1;
  expect(pace.hindrance()).toBe('');
  other = 'the store';
  expect(pace.hindrance(true)).toBe('the store');
});

it('tells when it will be finished from the rate of the last minutes, working at night only', () => {
  let now = 0;
  const throughput = new Throughput(() => now);
  expect(throughput.perSecond).toBeNull();
  for (let i = 0; i < 10; i++) {
    now += 1_000;
    throughput.came(5);
  }
  expect(throughput.perSecond).toBeCloseTo(5);
  throughput.stood();
  expect(throughput.perSecond).toBeNull();
  expect(finishedAt(3_600, 1, '', at('12:00'))).toBe(at('13:00').toISOString());
  expect(finishedAt(3_600, 1, '22:00-06:00', at('12:00'))).toBe(new Date(`2026-03-06T01:00:00`).toISOString());
  expect(finishedAt(100, null, '')).toBeNull();
});

it('takes priors of the same modality first, then of the same part of the body, then the newest', () => {
  const study = (studyInstanceUID: string, modality: string, description: string, studyDate: string): PacsStudy => ({
    studyInstanceUID,
    modalities: [modality],
    description,
    studyDate,
    studyTime: '',
    patientName: '',
    patientID: 'P',
    accessionNumber: '',
    issuerOfPatientID: '',
  });
  const order = { modality: 'CT', description: 'CT Thorax', requestedProcedure: '', studyInstanceUID: 'own' };
  const studies = [
    study('own', 'CT', 'Thorax', '20260301'),
    study('knee', 'MR', 'Knee', '20260201'),
    study('abdomen', 'CT', 'Abdomen', '20250101'),
    study('thorax', 'CT', 'Thorax with contrast', '20200101'),
    study('chest', 'CR', 'Thorax PA', '20240101'),
    study('older knee', 'MR', 'Knee', '20100101'),
  ];
  const chosen = choosePriors(order, studies, 4).map(({ studyInstanceUID }) => studyInstanceUID);
  expect(chosen).toEqual(['thorax', 'abdomen', 'chest', 'knee']);
});
