import { expect, it } from 'vitest';
import type { ScheduleFields } from '../../contract/ris.ts';
import { withFields } from '../../router/worklist/worklist-fields.ts';
import { matchesItem, matchesPattern } from '../../router/worklist/worklist-match.ts';

const item = withFields(
  {},
  {
    patientName: 'Yamada^Tarou=山田^太郎=やまだ^たろう',
    patientID: 'P-1',
    accessionNumber: 'A*1',
    modality: 'CT',
    stationAETitle: 'CT1\\CT2',
    startDate: '20260305',
    startTime: '1430',
  },
);
const matches = (keys: Partial<ScheduleFields>) => matchesItem(withFields({}, keys), item);

it.each<[Partial<ScheduleFields>, boolean]>([
  [{}, true],
  [{ patientName: '' }, true],
  [{ patientName: '*' }, true],
  [{ patientName: 'YAMADA^*' }, true],
  [{ patientName: 'yamada^tarou^^' }, true],
  [{ patientName: '山田*' }, true],
  [{ patientName: 'やまだ^たろ?' }, true],
  [{ patientName: 'yamada' }, false],
  [{ patientID: 'P-1' }, true],
  [{ patientID: 'p-1' }, false],
  [{ patientID: 'P?1' }, true],
  [{ patientID: 'P-11' }, false],
  [{ modality: 'CT' }, true],
  [{ modality: 'MR' }, false],
  [{ stationAETitle: 'CT2' }, true],
  [{ stationAETitle: 'CT3' }, false],
  [{ startDate: '20260305' }, true],
  [{ startDate: '20260304' }, false],
  [{ startDate: '20260301-20260305' }, true],
  [{ startDate: '20260306-' }, false],
  [{ startDate: '-20260305' }, true],
  [{ startTime: '1430' }, true],
  [{ startTime: '143000' }, true],
  [{ startTime: '1400-1429' }, false],
  [{ startTime: '1400-1430' }, true],
  // Both ranges are one span (PS3.4 Table K.6-1), not a window on each day.
  [{ startDate: '20260304-20260306', startTime: '1500-1000' }, true],
  [{ startDate: '20260305-20260306', startTime: '1500-1000' }, false],
  [{ startDate: '20260304-20260305', startTime: '1000-1430' }, true],
  [{ startDate: '20260304-20260305', startTime: '1000-1400' }, false],
])('%o: %s', (keys, wanted) => {
  expect(matches(keys)).toBe(wanted);
});

it('a pattern of many wild cards fails in time proportional to the lengths', () => {
  expect(matchesPattern(`${'*a'.repeat(12)}*b`, 'a'.repeat(20_000))).toBe(false);
});
