import { describe, expect, it } from 'vitest';
import type { DicomJson, InstanceManifest, StudyManifest } from '../../storage/format/manifest.ts';
import { partText, whySplit } from '../../viewer/src/features/reading/study/part-text.ts';
import { type Stack, studyModelOf } from '../../viewer/src/features/reading/study/study-model.ts';

const axial = [1, 0, 0, 0, 1, 0];
const coronal = [1, 0, 0, 0, 0, -1];
const sagittal = [0, 1, 0, 0, 0, -1];

interface Slice {
  orientation?: number[];
  position?: number[];
  rows?: number;
  spacing?: number;
  type?: string[];
  more?: DicomJson;
}

function attributesOf(slice: Slice): DicomJson {
  return {
    '00280010': { vr: 'US', Value: [slice.rows ?? 64] },
    '00280011': { vr: 'US', Value: [slice.rows ?? 64] },
    '00280030': { vr: 'DS', Value: [slice.spacing ?? 0.5, slice.spacing ?? 0.5] },
    '00080008': { vr: 'CS', Value: slice.type ?? ['ORIGINAL', 'PRIMARY', 'AXIAL'] },
    ...(slice.orientation && { '00200037': { vr: 'DS', Value: slice.orientation } }),
    ...(slice.position && { '00200032': { vr: 'DS', Value: slice.position } }),
    ...slice.more,
  };
}

function instanceOf(attributes: DicomJson, i: number, frames = 1): InstanceManifest {
  return {
    sopInstanceUID: `1.2.3.${i}`,
    sopClassUID: '1.2.840.10008.5.1.4.1.1.4',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    key: `objects/aa/1/1/${i}.dcm`,
    size: 1000,
    sha256: '',
    dataSetOffset: 300,
    dataSetSha256: '',
    receivedAt: '2026-01-01T00:00:00.000Z',
    source: { via: 'import' },
    pixelData: { kind: 'native', tag: '7FE00010', offset: 400, length: 8 * frames, frameBits: 64, frames },
    attributes,
  };
}

function stacks(instances: InstanceManifest[]): Stack[] {
  const study: StudyManifest = {
    formatVersion: 1,
    studyInstanceUID: '1',
    attributes: {},
    series: [{ seriesInstanceUID: '1.1', attributes: { '00080060': { vr: 'CS', Value: ['MR'] } }, instances }],
  };
  return studyModelOf(study).stacks;
}

const laidOut = (slices: Slice[]) => stacks(slices.map((slice, i) => instanceOf(attributesOf(slice), i + 1)));
const volume = (n: number, slice: Slice = {}): Slice[] =>
  Array.from({ length: n }, (_, i) => ({ orientation: axial, position: [0, 0, i * 2], ...slice }));
const mr = (tag: string, vr: string, value: number): DicomJson => ({ [tag]: { vr, Value: [value] } });

describe('a series is shown in parts where it is not one volume', () => {
  for (const [name, others, text, why] of [
    ['scout', volume(2, { orientation: coronal, type: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] }), /scout/, 'scout or not'],
    ['orientation', volume(3, { orientation: coronal }), /^coronal$/, 'orientation'],
    ['grid', volume(3, { rows: 128 }), /^128 × 128 pixels$/, 'rows and columns'],
    ['spacing', volume(3, { spacing: 0.7 }), /^pixels of 0.7 × 0.7 mm$/, 'pixel size'],
    [
      'echo',
      volume(3, { more: { ...mr('00180086', 'IS', 2), ...mr('00180081', 'DS', 80) } }),
      /^echo 2, TE 80 ms$/,
      'echo',
    ],
    ['b-value', volume(3, { more: mr('00189087', 'FD', 800) }), /^b 800$/, 'b-value'],
    ['frame type', volume(3, { type: ['DERIVED', 'PRIMARY', 'ADC'] }), /^derived adc$/, 'frame type'],
    [
      'frame of reference',
      volume(3, { more: { '00200052': { vr: 'UI', Value: ['9.9'] } } }),
      /^own frame of reference$/,
      'frame of reference',
    ],
    ['pictures without a place', volume(3, { orientation: undefined }), /^without a place/, 'having a place'],
  ] as [string, Slice[], RegExp, string][])
    it(name, () => {
      const made = laidOut([...volume(5), ...others]);
      expect(made.map((stack) => stack.pictures.length)).toEqual([5, others.length]);
      expect(partText(made[1]!)).toMatch(text);
      expect(whySplit(made[1]!)).toMatch(new RegExp(`differ in .*${why}.*never one volume`));
      expect(new Set(made.map(({ id }) => id)).size).toBe(2);
    });

  it('interleaved echoes come out as two stacks, each in the order of its positions', () => {
    const slices = volume(6).flatMap((slice) => [1, 2].map((echo) => ({ ...slice, more: mr('00180086', 'IS', echo) })));
    const made = laidOut(slices);
    expect(made.map((stack) => stack.pictures.length)).toEqual([6, 6]);
    for (const { pictures } of made)
      expect(pictures.map(({ attributes }) => attributes['00200032']!.Value![2])).toEqual([0, 2, 4, 6, 8, 10]);
  });

  it('the three planes of a localizer are three stacks', () => {
    const made = laidOut([axial, coronal, sagittal].flatMap((orientation) => volume(3, { orientation })));
    expect(made.map(partText)).toEqual(['axial', 'coronal', 'sagittal']);
  });

  it('frames of an enhanced object are split by their own b-value and orientation', () => {
    const frames = [0, 0, 0, 800, 800, 800].map((b, i) => ({
      '00209113': { vr: 'SQ', Value: [{ '00200032': { vr: 'DS', Value: [0, 0, (i % 3) * 2] } }] },
      '00189117': { vr: 'SQ', Value: [{ '00189087': { vr: 'FD', Value: [b] } }] },
    }));
    const attributes: DicomJson = {
      ...attributesOf({}),
      '52009229': {
        vr: 'SQ',
        Value: [{ '00209116': { vr: 'SQ', Value: [{ '00200037': { vr: 'DS', Value: axial } }] } }],
      },
      '52009230': { vr: 'SQ', Value: frames },
    };
    const made = stacks([instanceOf(attributes, 1, 6)]);
    expect(made.map(partText)).toEqual(['b 0', 'b 800']);
    expect(made.map((stack) => stack.pictures.map((picture) => picture.frame))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });
});

describe('images of two tubes at once', () => {
  const shot = (tube: string): Slice => ({ type: ['ORIGINAL', 'PRIMARY', `BIPLANE ${tube}`] });

  it('are two films, each of its own plane, in their order', () => {
    const made = laidOut([shot('A'), shot('B'), shot('A'), shot('B'), shot('A')]);
    expect(made.map((stack) => [stack.pictures.length, partText(stack)])).toEqual([
      [3, 'plane A of two'],
      [2, 'plane B of two'],
    ]);
    expect(made[0]!.pictures.map(({ instance }) => instance.sopInstanceUID)).toEqual(['1.2.3.1', '1.2.3.3', '1.2.3.5']);
  });

  it('those of one tube alone stay one film that says so', () => {
    expect(laidOut([shot('A'), shot('A')]).map(partText)).toEqual(['plane A of two']);
  });
});

describe('images of one place at several times', () => {
  const at = (z: number, more: DicomJson): Slice => ({ orientation: axial, position: [0, 0, z], more });
  const zs = [0, 2, 4, 6, 8];
  const positions = (stack: Stack) => stack.pictures.map(({ attributes }) => attributes['00200032']!.Value![2]);

  it('come out as one volume for each phase, in the order of the phases', () => {
    const made = laidOut(zs.flatMap((z) => [3, 1, 2].map((n) => at(z, mr('00200100', 'IS', n)))));
    expect(made.map(partText)).toEqual(['phase 1 of 3', 'phase 2 of 3', 'phase 3 of 3']);
    for (const stack of made) expect(positions(stack)).toEqual(zs);
    expect(made[1]!.pictures.every(({ attributes }) => attributes['00200100']!.Value![0] === 2)).toBe(true);
    expect(new Set(made.map(({ id }) => id)).size).toBe(3);
    expect(whySplit(made[0]!)).toMatch(/differ in phase/);
  });

  it('also where each slice has its own trigger times, as a loop for each place', () => {
    const made = laidOut(
      zs.flatMap((z, i) => Array.from({ length: 10 }, (_, k) => at(z, mr('00181060', 'DS', 40 * (9 - k) + i)))),
    );
    expect(made.map((stack) => stack.pictures.length)).toEqual([10, 10, 10, 10, 10]);
    expect(partText(made[1]!)).toBe('slice 2 of 5 through the heartbeat');
    const times = made[1]!.pictures.map(({ attributes }) => Number(attributes['00181060']!.Value![0]));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(positions(made[1]!))).toEqual(new Set([2]));
  });

  it('frames of a cardiac CT are told apart by their phase in percent', () => {
    const frames = zs.flatMap((z) =>
      [30, 75].map((percent) => ({
        '00209113': { vr: 'SQ', Value: [{ '00200032': { vr: 'DS', Value: [0, 0, z] } }] },
        '00189118': { vr: 'SQ', Value: [{ '00209241': { vr: 'FL', Value: [percent] } }] },
      })),
    );
    const attributes: DicomJson = {
      ...attributesOf({ orientation: axial, position: [0, 0, 0] }),
      '52009230': { vr: 'SQ', Value: frames },
    };
    expect(stacks([instanceOf(attributes, 1, 10)]).map(partText)).toEqual([
      'phase 1 of 2 (30 %)',
      'phase 2 of 2 (75 %)',
    ]);
  });

  it('are repetitions where nothing tells them apart, and no volume where they are uneven', () => {
    expect(laidOut([...volume(5), ...volume(5)]).map(partText)).toEqual(['repetition 1 of 2', 'repetition 2 of 2']);
    const uneven = laidOut([...volume(5), ...volume(2)]);
    expect(uneven.map((stack) => [stack.pictures.length, partText(stack), whySplit(stack)])).toEqual([
      [7, 'each place several times', 'These images are no volume'],
    ]);
  });

  it('stay one film where there is but one place', () => {
    const made = laidOut(Array.from({ length: 12 }, (_, k) => at(0, mr('00181060', 'DS', k * 40))));
    expect(made).toHaveLength(1);
    expect(made[0]!.traits).toEqual([]);
  });
});

describe('a series that is one stays one', () => {
  it('with all that is the same, or differs by rounding', () => {
    const made = laidOut(volume(20).map((slice, i) => ({ ...slice, spacing: i % 2 ? 0.4885 : 0.48849 })));
    expect(made).toHaveLength(1);
    expect(made[0]!.traits).toEqual([]);
    expect(whySplit(made[0]!)).toBe('');
  });

  it('where every image has its own image type or echo time', () => {
    const made = laidOut(
      volume(8).map((slice, i) => ({
        ...slice,
        type: ['ORIGINAL', 'PRIMARY', `N${i}`],
        more: mr('00180081', 'DS', 5 + i),
      })),
    );
    expect(made).toHaveLength(1);
  });

  it('a radial scan, whose images are each turned differently, is one stack that says so, beside its volume', () => {
    const radial = Array.from({ length: 12 }, (_, i): Slice => {
      const angle = (i * Math.PI) / 12;
      return { orientation: [Math.cos(angle), Math.sin(angle), 0, 0, 0, -1], position: [0, 0, 0] };
    });
    const alone = laidOut(radial);
    expect(alone).toHaveLength(1);
    expect([partText(alone[0]!), whySplit(alone[0]!)]).toEqual([
      'each turned differently',
      'These images are no volume',
    ]);
    const both = laidOut([...volume(5), ...radial]);
    expect(both.map((stack) => stack.pictures.length)).toEqual([5, 12]);
    expect(partText(both[1]!)).toBe('each turned differently');
  });

  it('ultrasound and projections of several sizes', () => {
    expect(laidOut([{ rows: 64 }, { rows: 128 }, { rows: 256 }])).toHaveLength(1);
  });
});
