import { expect, it } from 'vitest';
import type { DicomJson, InstanceManifest, StudyManifest } from '../../storage/format/manifest.ts';
import { completenessOf } from '../../viewer/src/features/reading/study/completeness.ts';
import { lossinessOf } from '../../viewer/src/features/reading/study/lossy.ts';
import { samePatient } from '../../viewer/src/features/reading/study/patient.ts';
import { studyModelOf } from '../../viewer/src/features/reading/study/study-model.ts';
import { countOf } from '../../viewer/src/features/reading/study/unshown.ts';
import { cineRateOf } from '../../viewer/src/features/reading/viewport/cine-rate.ts';

const json = (values: Record<string, (number | string)[]>): DicomJson =>
  Object.fromEntries(Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value }]));

function instance(n: number, more: Record<string, (number | string)[]> = {}, picture = true): InstanceManifest {
  const content = {
    key: `objects/aa/1.1/1.2/${n}.dcm`,
    size: 1000,
    sha256: '',
    dataSetSha256: '',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    receivedAt: '2026-01-01T00:00:00.000Z',
    source: { via: 'import' as const },
  };
  const layout = { kind: 'native', tag: '7FE00010', offset: 400, length: 8, frameBits: 64, frames: 1 } as const;
  return {
    ...content,
    sopInstanceUID: `1.2.${n}`,
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    dataSetOffset: 300,
    ...(picture && { pixelData: layout }),
    attributes: json({ '00280010': [2], '00280011': [2], '00200013': [n], ...more }),
  };
}

const study = (instances: InstanceManifest[]): StudyManifest => ({
  formatVersion: 1,
  studyInstanceUID: '1.1',
  attributes: {},
  series: [{ seriesInstanceUID: '1.2', attributes: {}, instances }],
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const seriesOf = (instances: InstanceManifest[]) => completenessOf(studyModelOf(study(instances))).get('1.2')!;

it('counts each object of the store exactly once: shown, or in the list with the reason', () => {
  const older = { ...instance(2), key: 'objects/aa/1.1/1.2/2.older.dcm' };
  const images = [instance(1), { ...instance(2), superseded: [older] }, instance(3), instance(4)];
  const report = instance(5, {}, false);
  const model = studyModelOf(study([...images, report]));
  expect(countOf(model, () => undefined)).toMatchObject({ inStore: 6, shown: 4 });
  const failing = images[2]!.key;
  const count = countOf(model, (id) => (id.startsWith(failing) ? 'the store does not answer' : undefined));
  expect(count).toMatchObject({ inStore: 6, shown: 3 });
  expect(count.unshown.map(({ key }) => key).sort()).toEqual([failing, older.key, report.key].sort());
  expect(count.unshown.find(({ key }) => key === failing)?.description).toContain('the store does not answer');
  expect(count.shown + count.unshown.length).toBe(count.inStore);
});

it('tells how many images the device announced, where that is more than there are', () => {
  const ct = range(1, 412).map((n) => instance(n, { '00201002': [500], '00200012': [1] }));
  expect(seriesOf(ct)).toEqual({ have: 412, announced: 500, gaps: '' });
  const pet = range(1, 3).map((n) => instance(n, { '00541000': ['WHOLE BODY', 'IMAGE'], '00540081': [47] }));
  expect(seriesOf(pet).announced).toBe(47);
  expect(seriesOf(range(1, 4).map((n) => instance(n, { '00201002': [2] }))).announced).toBeUndefined();
  expect(seriesOf(range(1, 4).map((n) => instance(n))).announced).toBeUndefined();
});

it('names the numbers that are missing between the first and the last, and none where they are no count', () => {
  const numbers = range(1, 60).filter((n) => ![12, 45, 46, 47].includes(n));
  expect(seriesOf(numbers.map((n) => instance(n))).gaps).toBe('12, 45–47');
  expect(seriesOf(range(1, 20).map((n) => instance(n))).gaps).toBe('');
  expect(seriesOf(range(1, 20).map((n) => instance(n * 10))).gaps).toBe('');
});

it('calls an image lossy by its own word or by its coding, and says so where neither tells', () => {
  const as = (transferSyntaxUID: string, more: Record<string, string[]> = {}) => {
    const made = { ...instance(1, more), transferSyntaxUID: `1.2.840.10008.1.2.${transferSyntaxUID}` };
    return lossinessOf(studyModelOf(study([made])).stacks[0]!.pictures[0]!);
  };
  expect(as('1')).toEqual({ lossy: 'no' });
  expect(as('1', { '00282110': ['01'], '00282112': ['4', '12.5'] })).toEqual({ lossy: 'yes', ratio: 12.5 });
  expect(as('4.50', { '00282110': ['00'] }).lossy).toBe('yes');
  expect(as('4.70').lossy).toBe('no');
  expect(as('4.90').lossy).toBe('no');
  expect(as('4.91').lossy).toBe('perhaps');
  expect(as('4.91', { '00282110': ['00'] }).lossy).toBe('no');
});

it('takes the cine rate from the object in the order of the standard, and owns up where it has none', () => {
  const rate = (values: Record<string, (number | string)[]>) =>
    cineRateOf(studyModelOf(study([instance(1, values)])).stacks[0]!.pictures[0]!);
  expect(rate({ '00082144': [24], '00181063': [33], '00180040': [10] })).toEqual({ rate: 24, told: true });
  expect(rate({ '00181063': [40], '00180040': [10] })).toEqual({ rate: 25, told: true });
  expect(rate({ '00180040': [10] })).toEqual({ rate: 10, told: true });
  expect(rate({ '00181065': [0, 50, 50, 50] })).toEqual({ rate: 20, told: true });
  expect(rate({ '00181063': [0] })).toEqual({ rate: 15, told: false });
  expect(rate({})).toEqual({ rate: 15, told: false });
});

it('does not take two people with one ID from two issuers, or born on two days, for one', () => {
  const person = (issuerOfPatientID: string, patientBirthDate: string) => ({
    patientID: '7',
    issuerOfPatientID,
    patientBirthDate,
  });
  expect(samePatient(person('A', '19600101'), person('A', '19600102'))).toBe(true);
  expect(samePatient(person('A', '19600101'), person('B', '19600101'))).toBe(false);
  expect(samePatient(person('', '19600101'), person('', '19610101'))).toBe(false);
  expect(samePatient(person('', ''), person('', '19610101'))).toBe(true);
});
