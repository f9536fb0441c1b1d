import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ctSliceDataSet } from '../../phantoms/ct.ts';
import { EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';
import { characterSet } from '../../storage/format/charset.ts';
import { describeObject, describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import { frameCount, frameRange } from '../../storage/format/frames.ts';

const slice = {
  ...ctSliceDataSet({ rows: 8, columns: 8 }),
  '00081140': ['SQ', { '00081150': ['UI', '1.2.3'] }, { '00081155': ['UI', '1.2.4'] }] as const,
};
const fragment = new Uint8Array(20).fill(7);
const objects = [
  writePart10(slice, EXPLICIT_LE),
  writePart10(slice, IMPLICIT_LE, { undefinedLengths: true }),
  writePart10(slice, EXPLICIT_BE),
  writePart10(
    {
      ...slice,
      '00280008': ['IS', 3],
      '7FE00010': ['OB', { fragments: [fragment, fragment, fragment], offsetTable: [0, 28, 56] }],
    },
    '1.2.840.10008.1.2.4.50',
  ),
];

/** A valid object with some bytes changed and perhaps its end cut off. */
const damaged = fc
  .record({
    object: fc.constantFrom(...objects),
    changes: fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 0.999999, noNaN: true }),
        fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 255, 254, 92, 27)),
      ),
      { maxLength: 12 },
    ),
    keep: fc.oneof(fc.constant(1), fc.double({ min: 0.2, max: 1, noNaN: true })),
  })
  .map(({ object, changes, keep }) => {
    const known = readFileMeta(object)!;
    const bytes = object.slice(0, Math.max(known.dataSetOffset, Math.floor(object.length * keep)));
    const length = bytes.length - known.dataSetOffset;
    for (const [place, value] of changes)
      if (length > 0) bytes[known.dataSetOffset + Math.floor(place * length)] = value;
    return { bytes, known };
  });

it('a damaged object is described as far as it goes, and no frame lies outside of it', () => {
  fc.assert(
    fc.property(damaged, ({ bytes, known }) => {
      const { pixelData, metadata } = describeObjectSync(inMemory(bytes), known);
      expect(() => JSON.stringify(metadata)).not.toThrow();
      if (!pixelData) return;
      expect(frameCount(pixelData)).toBeLessThanOrEqual(bytes.length);
      for (let f = 0; f < frameCount(pixelData); f++) {
        const range = frameRange(pixelData, f);
        if (!range) continue;
        expect(range.start).toBeGreaterThanOrEqual(known.dataSetOffset);
        expect(range.end).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 3000 },
  );
});

it('reading piece by piece finds the same as reading from memory', async () => {
  await fc.assert(
    fc.asyncProperty(damaged, async ({ bytes, known }) => {
      const reader = { size: bytes.length, read: async (at: number, length: number) => bytes.slice(at, at + length) };
      expect(await describeObject(reader, known)).toEqual(describeObjectSync(inMemory(bytes), known));
    }),
    { numRuns: 500 },
  );
});

it('any bytes in any character set become text', () => {
  const charsets = fc.array(
    fc.constantFrom(
      '',
      'ISO_IR 100',
      'ISO_IR 192',
      'GB18030',
      'ISO 2022 IR 87',
      'ISO 2022 IR 149',
      'ISO 2022 IR 58',
      'ISO_IR 13',
      'nonsense',
    ),
    { maxLength: 3 },
  );
  const bytes = fc.array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(27, 36, 40, 41, 66, 67, 92, 94)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      charsets,
      bytes,
      fc.constantFrom('values' as const, 'names' as const, 'text' as const),
      (terms, raw, kind) => {
        const values = characterSet(terms).decode(new Uint8Array(raw), kind);
        expect(values.length).toBeGreaterThan(0);
        for (const value of values) expect(typeof value).toBe('string');
      },
    ),
    { numRuns: 3000 },
  );
});
