import { expect, it } from 'vitest';
import { lossyStepsText } from '../../viewer/src/features/reading/study/lossy.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';

function text(syntax: string, ratios: number[] = [], methods: string[] = []): string {
  const attributes = { '00282112': { vr: 'DS', Value: ratios }, '00282114': { vr: 'CS', Value: methods } };
  const instance = { transferSyntaxUID: `1.2.840.10008.1.2.${syntax}` } as Picture['instance'];
  return lossyStepsText({ id: '', studyInstanceUID: '', instance, attributes, frame: 0, frames: 1 }, ', then ');
}

it('says how an image was compressed: its own words, else what its transfer syntax shows', () => {
  expect(text('4.50', [17.401], ['ISO_10918_1'])).toBe('JPEG 17.4:1');
  expect(text('1', [10], ['ISO_15444_1'])).toBe('JPEG 2000 10:1');
  expect(text('4.81', [6])).toBe('JPEG-LS near-lossless 6:1');
  expect(text('4.91')).toBe('JPEG 2000');
  expect(text('1', [4])).toBe('4:1');
  expect(text('1')).toBe('');
  expect(text('4.70')).toBe('');
});

it('names every compression of several, in their order', () => {
  expect(text('4.91', [4, 12.5], ['ISO_10918_1'])).toBe('JPEG 4:1, then JPEG 2000 12.5:1');
  expect(text('4.50', [5, 8], ['ISO_15444_1', 'OTHER_1'])).toBe('JPEG 2000 5:1, then OTHER_1 8:1');
});
