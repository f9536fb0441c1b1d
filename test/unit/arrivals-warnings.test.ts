import { expect, it } from 'vitest';
import type { ArrivalRefusal, ArrivalRow } from '../../contract/api.ts';
import { mayDelete, stateOf, warningsOf } from '../../viewer/src/features/arrivals/warnings.ts';

const at = (minute: number) => `2026-03-01T03:${String(minute).padStart(2, '0')}:00.000Z`;
const refusal = (callingAE: string, minute: number, sopInstanceUID = '', cameLater = false): ArrivalRefusal => ({
  at: at(minute),
  callingAE,
  message: `refused at ${minute}`,
  sopInstanceUID,
  cameLater,
});
const row = (callingAE: string, minute: number, inSpool = 0): ArrivalRow => ({
  studyInstanceUID: '1.2',
  patientName: '',
  patientID: '',
  callingAE,
  firstReceivedAt: at(minute),
  lastReceivedAt: at(minute),
  forwarded: [],
  series: [{ seriesInstanceUID: '1.2.1', modality: 'CT', description: '', stored: 1, inSpool }],
});

it('counts an image that was refused several times once, and not at all when it came later', () => {
  expect(
    warningsOf([refusal('CT1', 1, '1.1'), refusal('CT1', 2, '1.1'), refusal('CT1', 3, '1.2', true)], [row('CT1', 9)]),
  ).toEqual([{ callingAE: 'CT1', missing: 1, turnedAway: null }]);
});

it('forgets a transfer that was turned away only when something came from the same scanner afterwards', () => {
  const refusals = [refusal('CT1', 5), refusal('CT1', 4)];
  const away = { times: 2, lastAt: at(5), message: 'refused at 5' };
  expect(warningsOf(refusals, [row('CT1', 3), row('MR1', 9)])).toEqual([
    { callingAE: 'CT1', missing: 0, turnedAway: away },
  ]);
  expect(warningsOf(refusals, [row('MR1, CT1', 6)])).toEqual([]);
});

it('calls a study complete so far only when nothing waits, nothing came for a minute and the router is heard', () => {
  const now = Date.parse(at(10));
  expect(stateOf(row('CT1', 10, 4), now, true)).toBe('coming');
  expect(stateOf(row('CT1', 8, 4), now, true)).toBe('waiting');
  expect(stateOf(row('CT1', 8), now, true)).toBe('quiet');
  expect(stateOf(row('CT1', 8), now, false)).toBe('unknown');
});

it('says that a study may be deleted on the scanner only when nothing is missing, on the way or denied', () => {
  const now = Date.parse(at(10));
  const verdict = (one: ArrivalRow, warnings: Parameters<typeof mayDelete>[2] = []) =>
    mayDelete(one, stateOf(one, now, true), warnings);
  const asked = { requester: 'CT1', requestedAt: at(9), told: true };
  expect(verdict(row('CT1', 8))).toEqual({ safe: true, why: 'kept' });
  expect(verdict(row('CT1', 10))).toEqual({ safe: false, why: 'coming' });
  expect(verdict(row('CT1', 8, 3))).toEqual({ safe: false, why: 'waiting' });
  expect(verdict(row('MR1, CT1', 8), [{ callingAE: 'CT1', missing: 1, turnedAway: null }]).safe).toBe(false);
  expect(verdict(row('MR1', 8), [{ callingAE: 'CT1', missing: 1, turnedAway: null }]).safe).toBe(true);
  expect(verdict({ ...row('CT1', 8), commitment: { ...asked, confirmed: 1, failed: 0 } }).why).toBe('committed');
  expect(verdict({ ...row('CT1', 8), commitment: { ...asked, confirmed: 0, failed: 1 } }).safe).toBe(false);
  const step = { callingAE: 'CT1', at: at(8), images: 2, missing: 0 };
  expect(verdict({ ...row('CT1', 8), performed: [{ ...step, status: 'COMPLETED' }] }).safe).toBe(true);
  expect(verdict({ ...row('CT1', 8), performed: [{ ...step, status: 'COMPLETED', missing: 1 }] }).why).toBe('missing');
  expect(verdict({ ...row('CT1', 8), performed: [{ ...step, status: 'IN PROGRESS' }] }).why).toBe('working');
  expect(verdict({ ...row('CT1', 8), series: [] }).why).toBe('nothing');
  expect(mayDelete(row('CT1', 8), 'unknown', []).safe).toBe(false);
});
