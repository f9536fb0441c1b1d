import { describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { decodeNative } from '../../viewer/src/features/reading/decode/decode.ts';
import { expandSegments, needsPalette, paletteOf } from '../../viewer/src/features/reading/decode/lookup-table.ts';
import { pixelFormatOf } from '../../viewer/src/features/reading/decode/pixel-format.ts';
import { grayscaleOf, paddingOf } from '../../viewer/src/features/reading/paint/grayscale.ts';
import { paintWords } from '../../viewer/src/features/reading/paint/paint-words.ts';
import { tablesKey } from '../../viewer/src/features/reading/paint/voi-tables.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';

const explicitLittleEndian = '1.2.840.10008.1.2.1';

function us(...values: number[]) {
  return { vr: 'US', Value: values };
}

function attributesOf(photometric: string, more: DicomJson = {}): DicomJson {
  return {
    '00280002': us(1),
    '00280004': { vr: 'CS', Value: [photometric] },
    '00280010': us(1),
    '00280011': us(4),
    '00280100': us(16),
    '00280101': us(16),
    '00280103': us(0),
    ...more,
  };
}

function pictureOf(attributes: DicomJson, frame = 0): Picture {
  const instance = { key: 'object', transferSyntaxUID: explicitLittleEndian } as Picture['instance'];
  return { id: `object#${frame + 1}`, studyInstanceUID: '', instance, attributes, frame, frames: 2 };
}

const nothing = async () => new Uint8Array();
const colours: DicomJson = {
  '00281101': us(2, 1000, 16),
  '00281102': us(2, 1000, 16),
  '00281103': us(2, 1000, 16),
  '00281201': us(0xff00, 0x8000),
  '00281202': us(0, 0x4000),
  '00281203': us(0, 0xff00),
};

/** Red, green, blue of the pixels 0, 500, 1000 and 1001 under a window from 0 to 1000. */
async function shown(attributes: DicomJson): Promise<number[][]> {
  const format = pixelFormatOf(attributes, explicitLittleEndian, undefined);
  if (needsPalette(pictureOf(attributes))) format.palette = await paletteOf(attributes, false, nothing);
  const frame = decodeNative(new Uint8Array(Uint16Array.of(0, 500, 1000, 1001).buffer), format);
  const words = new Uint32Array(4);
  const grayscale = grayscaleOf(attributes, [0, 1000]);
  paintWords({ frame, grayscale, overlays: [] }, {}, words);
  return [...words].map((word) => [word & 255, (word >>> 8) & 255, (word >>> 16) & 255]);
}

describe('a palette that supplements grey (PS3.3 C.7.6.19)', () => {
  it('colours the values from its first on and leaves those below grey', async () => {
    for (const presentation of ['COLOR', 'MIXED'])
      expect(
        await shown(attributesOf('MONOCHROME2', { ...colours, '00089205': { vr: 'CS', Value: [presentation] } })),
      ).toEqual([
        [0, 0, 0],
        [128, 128, 128],
        [255, 0, 0],
        [128, 64, 255],
      ]);
  });

  it('does nothing where the picture is not said to be coloured', async () => {
    const none: DicomJson[] = [{}, { '00089205': { vr: 'CS', Value: ['MONOCHROME'] } }];
    for (const more of none)
      expect((await shown(attributesOf('MONOCHROME2', { ...colours, ...more })))[2]).toEqual([255, 255, 255]);
  });
});

describe('what has no right colours says so', () => {
  it('a palette image without its palette', async () => {
    await expect(shown(attributesOf('PALETTE COLOR'))).rejects.toThrow(/palette is missing/);
  });

  it.each(['HSV', 'CMYK', 'ARGB'])('%s', (photometric) => {
    const samples = photometric === 'HSV' ? 3 : 4;
    const attributes = attributesOf(photometric, { '00280002': us(samples), '00280100': us(8), '00280101': us(8) });
    const format = pixelFormatOf(attributes, explicitLittleEndian, undefined);
    expect(() => decodeNative(new Uint8Array(16), format)).toThrow(new RegExp(`${photometric}.*cannot be shown`));
  });
});

it('segments of a palette: discrete, linear, indirect (PS3.3 C.7.9.2)', () => {
  const segments = Uint16Array.of(0, 2, 10, 20, 1, 4, 60, 2, 1, 0, 0);
  expect([...expandSegments(segments, 8)]).toEqual([10, 20, 30, 40, 50, 60, 10, 20]);
});

it('padding of signed pixels is signed though its VR was US', () => {
  const signed = { '00280103': us(1), '00280120': us(63536) };
  expect(paddingOf(signed)).toEqual({ from: -2000, to: -2000 });
  expect(paddingOf({ '00280103': us(0), '00280120': us(63536), '00280121': us(65535) })).toEqual({
    from: 63536,
    to: 65535,
  });
});

it('frames with LUTs of their own do not share them', () => {
  const lut = { vr: 'SQ', Value: [{}] };
  const frames = [0, 1].map(() => ({ '00289132': { vr: 'SQ', Value: [{ '00283010': lut }] } }));
  const own = attributesOf('MONOCHROME2', { '52009230': { vr: 'SQ', Value: frames } });
  expect(tablesKey(pictureOf(own, 0))).not.toBe(tablesKey(pictureOf(own, 1)));
  const common = attributesOf('MONOCHROME2', { '00283010': lut });
  expect(tablesKey(pictureOf(common, 0))).toBe(tablesKey(pictureOf(common, 1)));
});
