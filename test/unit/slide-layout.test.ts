import { expect, it } from 'vitest';
import type { DicomJson, InstanceManifest } from '../../storage/format/manifest.ts';
import { slideLevelOf } from '../../viewer/src/features/reading/documents/slide-layout.ts';
import type { StudyDocument } from '../../viewer/src/features/reading/study/study-model.ts';

const number = (value: number): DicomJson[string] => ({ vr: 'UL', Value: [value] });

/** A slide of 250 by 130 pixels in tiles of 100 by 50. */
function slide(frames: number, positions?: [column: number, row: number][]): StudyDocument {
  const attributes: DicomJson = {
    '00280010': number(50),
    '00280011': number(100),
    '00480006': number(250),
    '00480007': number(130),
    ...(positions && {
      '52009230': {
        vr: 'SQ',
        Value: positions.map(([column, row]) => ({
          '0048021A': { vr: 'SQ', Value: [{ '0048021E': number(column), '0048021F': number(row) }] },
        })),
      },
    }),
  };
  const instance = { key: 'a', pixelData: { kind: 'native', frames } } as InstanceManifest;
  return { studyInstanceUID: '1', instance, attributes, kind: '', description: '', opens: 'slide' };
}

const places = (document: StudyDocument) => slideLevelOf(document).tiles.map(({ left, top }) => [left, top]);

it('tiles without a position lie row after row, those at the right and lower edge too', () => {
  expect(places(slide(9))).toEqual([
    [0, 0],
    [100, 0],
    [200, 0],
    [0, 50],
    [100, 50],
    [200, 50],
    [0, 100],
    [100, 100],
    [200, 100],
  ]);
});

it('tiles lie where they say, counted from 1, of several focal planes the first', () => {
  const document = slide(3, [
    [101, 51],
    [1, 1],
    [101, 51],
  ]);
  expect(places(document)).toEqual([
    [100, 50],
    [0, 0],
  ]);
});

it('says why a slide is not put together', () => {
  expect(slideLevelOf(slide(5)).problem).toBe('unplaced');
  expect(slideLevelOf(slide(9)).problem).toBe('');
});
