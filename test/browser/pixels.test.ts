import { afterAll, describe, expect, it } from 'vitest';
import type { GrayFrame } from '../../viewer/src/features/reading/decode/decode-types.ts';
import {
  grayscaleOf,
  lightOf,
  modalityValue,
  storedRangeOf,
  voiFunctionOf,
  windowVoi,
} from '../../viewer/src/features/reading/paint/grayscale.ts';
import { readTables } from '../../viewer/src/features/reading/paint/voi-tables.ts';
import { frameAttributesOf } from '../../viewer/src/features/reading/study/frame-attributes.ts';
import { isVideo } from '../../viewer/src/features/reading/study/kinds.ts';
import { type RealFile, realFiles } from '../support/files.ts';
import { Reference, referenceAvailable } from '../support/reference-pixels.ts';
import { greatestDifference, type OpenedFile, openFile, pictureOf } from '../support/viewer-pixels.ts';

/** Files that DCMTK and GDCM cannot be asked about, or about which they are not right, and why. */
const exceptions: [name: RegExp, reason: string][] = [
  [/SC_rgb_32bit/, 'DCMTK does not render colour of 32 bits a sample'],
  [/gdcm-US-ALOKA-16/, 'DCMTK refuses its palettes: their data are shorter than their descriptors say'],
  [/parametric_map_(double_)?float/, 'DCMTK 3.6.7 does not render float pixels'],
  [/IM_0027_fMAP/, 'each frame has its own rescale slope; DCMTK applies the first one to all'],
];

/** What has no picture is no matter of this test; HTJ2K came after the DCMTK and GDCM releases that Debian carries. */
const noReference = /^1\.2\.840\.10008\.1\.2\.4\.20[1-3]$/;
const lossySyntax = /^1\.2\.840\.10008\.1\.2\.4\.(5[0-5]|81|91|93)$/;
const native = /^1\.2\.840\.10008\.1\.2(\.1|\.2|\.1\.99)?$/;

/** Slices of a long series are alike: each thirtieth. */
function sample(files: RealFile[]): RealFile[] {
  const seen = new Map<string, number>();
  return files.filter((file) => {
    const folder = file.name.slice(0, file.name.lastIndexOf('/'));
    const n = seen.get(folder) ?? 0;
    seen.set(folder, n + 1);
    return !/^(series|dicomdir)\//.test(file.name) || n % 30 === 0;
  });
}

/** Light (0 to 65,535) under a window over all values, as the viewer computes it; and that window. */
async function lightOfWhole(file: OpenedFile, frame: GrayFrame, index: number) {
  const picture = pictureOf(file, index);
  const attributes = frameAttributesOf(picture);
  const range = storedRangeOf(frame);
  const tables = await readTables(picture, async (start, end) => file.bytes.subarray(start, end));
  const grayscale = grayscaleOf(attributes, range, { modality: tables.modality });
  const values = [modalityValue(grayscale, range[0]), modalityValue(grayscale, range[1])];
  const center = Math.round((values[0]! + values[1]!) / 2);
  const width = Math.max(2, Math.round(Math.abs(values[1]! - values[0]!) + 1));
  const voi = windowVoi(center, width, voiFunctionOf(attributes));
  const light = Array.from(frame.pixels, (stored) => {
    const value = Math.min(1, Math.max(0, lightOf(voi, modalityValue(grayscale, stored))));
    return 65535 * (grayscale.inverted ? 1 - value : value);
  });
  const wholeValues = [grayscale.slope, grayscale.intercept].every(Number.isInteger);
  return { options: ['+Ww', String(center), String(width)], light, width, wholeValues };
}

function rgbOf(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4, o += 3) rgb.set(rgba.subarray(i, i + 3), o);
  return rgb;
}

describe.runIf(referenceAvailable())('frames as DCMTK and GDCM see them', () => {
  const reference = new Reference();
  afterAll(() => reference.close());

  for (const file of sample(realFiles())) {
    if (exceptions.some(([name]) => name.test(file.name))) continue;
    it(file.name, async () => {
      const opened = await openFile(file.path);
      if (!opened || isVideo(opened.transferSyntaxUID) || noReference.test(opened.transferSyntaxUID)) return;
      const path = native.test(opened.transferSyntaxUID) ? file.path : reference.decompressed(file.path);
      expect(path, 'the reference must be able to decompress it').not.toBeNull();
      for (const index of new Set([0, opened.frames - 1])) {
        const frame = await opened.decode(index);
        // Lossy decoders and YBR arithmetic may round the other way.
        const rounds =
          lossySyntax.test(opened.transferSyntaxUID) || opened.format.photometricInterpretation.startsWith('YBR');
        if (frame.kind === 'gray') {
          const { options, light, width, wholeValues } = await lightOfWhole(opened, frame, index);
          const theirs = reference.rendered16(path!, index, options);
          expect(theirs, 'the reference must be able to render it').not.toBeNull();
          expect([frame.columns, frame.rows]).toEqual([theirs!.width, theirs!.height]);
          const step = 65535 / (width - 1);
          const greatest = light.reduce((max, value, i) => Math.max(max, Math.abs(value - theirs!.values[i]!)), 0);
          // DCMTK cuts the light off at whole numbers, and modality values too.
          expect(greatest).toBeLessThan(1.001 + (rounds || !wholeValues ? step : 0));
          continue;
        }
        const theirs = reference.rendered(path!, index);
        expect(theirs, 'the reference must be able to render it').not.toBeNull();
        expect([frame.columns, frame.rows]).toEqual([theirs!.width, theirs!.height]);
        expect(greatestDifference(rgbOf(frame.rgba), theirs!.bytes)).toBeLessThanOrEqual(rounds ? 2 : 1);
      }
    });
  }
});

const withoutReference = realFiles().filter(({ name }) => /HTJ2K|JPH$|float/.test(name));

describe.runIf(withoutReference.length > 0)('frames without a reference toolkit', () => {
  if (withoutReference.length === 0) it('needs the large set of real files', () => undefined);
  for (const file of withoutReference) {
    it(`${file.name} decodes to a picture with contrast`, async () => {
      const opened = await openFile(file.path);
      if (!opened) return;
      const frame = await opened.decode(0);
      const samples = frame.kind === 'gray' ? frame.pixels : frame.rgba.filter((_, i) => i % 4 !== 3);
      expect(frame.rows * frame.columns).toBe(opened.format.rows * opened.format.columns);
      expect(new Set(samples as Iterable<number>).size).toBeGreaterThan(2);
    });
  }
});
