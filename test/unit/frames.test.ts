import { describe, expect, it } from 'vitest';
import { type DataSet, EXPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';
import { describeObject, describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import type { PixelDataLayout } from '../../storage/format/manifest.ts';

const JPEG = '1.2.840.10008.1.2.4.50';
const RLE = '1.2.840.10008.1.2.5';
const H264 = '1.2.840.10008.1.2.4.102';

const image = (over: DataSet): DataSet => ({
  '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
  '00080018': ['UI', '2.25.1'],
  '0020000D': ['UI', '2.25.2'],
  '0020000E': ['UI', '2.25.3'],
  '00280002': ['US', 1],
  '00280004': ['CS', 'MONOCHROME2'],
  '00280010': ['US', 4],
  '00280011': ['US', 4],
  '00280100': ['US', 8],
  ...over,
});
const known = (file: Uint8Array) => readFileMeta(file)!;
const layoutOf = (file: Uint8Array) => describeObjectSync(inMemory(file), known(file)).pixelData!;
const frames = (file: Uint8Array, layout: PixelDataLayout) =>
  Array.from({ length: frameCount(layout) }, (_, i) => {
    const { start, end } = frameRange(layout, i)!;
    return [...extractFrame(layout, i, file.subarray(start, end))];
  });

const soi = (n: number, length = 20) => {
  const bytes = new Uint8Array(length).fill(n);
  bytes.set([0xff, 0xd8, 0xff]);
  return bytes;
};
const rest = (n: number, length = 10) => new Uint8Array(length).fill(n);

describe('native frames', () => {
  it('are cut at their place, in 8 bits', () => {
    const pixels = Uint8Array.from({ length: 48 }, (_, i) => i);
    const file = writePart10(image({ '00280008': ['IS', 3], '7FE00010': ['OB', pixels] }));
    const got = frames(file, layoutOf(file));
    expect(got).toEqual([0, 1, 2].map((f) => [...pixels.subarray(f * 16, f * 16 + 16)]));
  });
  it('of 1 bit that begin inside a byte are moved to bit 0', () => {
    // Frames of 3x3 bits: 9 bits each.
    const bits = Array.from({ length: 27 }, (_, i) => ((i * 7) % 5 < 2 ? 1 : 0));
    const bytes = new Uint8Array(4);
    for (const [i, bit] of bits.entries()) bytes[i >> 3]! |= bit << (i & 7);
    const file = writePart10(
      image({
        '00280008': ['IS', 3],
        '00280010': ['US', 3],
        '00280011': ['US', 3],
        '00280100': ['US', 1],
        '7FE00010': ['OB', bytes],
      }),
    );
    const layout = layoutOf(file);
    for (const [f, frame] of frames(file, layout).entries()) {
      const got = Array.from({ length: 9 }, (_, i) => (frame[i >> 3]! >> (i & 7)) & 1);
      expect(got).toEqual(bits.slice(f * 9, f * 9 + 9));
      expect(frame[1]! >> 1).toBe(0);
    }
  });
  it('are no more than the object holds, whatever Number of Frames says', () => {
    const file = writePart10(image({ '00280008': ['IS', 2147483647], '7FE00010': ['OB', new Uint8Array(40)] }));
    const described = describeObjectSync(inMemory(file), known(file));
    expect(frameCount(described.pixelData!)).toBe(2);
    expect(described.notes.join()).toContain('shorter');
  });
  it('of YBR_FULL_422 take two samples a pixel', () => {
    const file = writePart10(
      image({
        '00280002': ['US', 3],
        '00280004': ['CS', 'YBR_FULL_422'],
        '00280008': ['IS', 2],
        '7FE00010': ['OB', new Uint8Array(64)],
      }),
    );
    expect(layoutOf(file)).toMatchObject({ kind: 'native', frameBits: 256, frames: 2 });
  });
  it('of float pixel data are found', () => {
    const file = writePart10(image({ '00280100': ['US', 32], '7FE00008': ['OF', new Uint8Array(64)] }));
    expect(layoutOf(file)).toMatchObject({ kind: 'native', tag: '7FE00008', frameBits: 512, frames: 1 });
  });
});

describe('encapsulated frames', () => {
  const encapsulated = (n: number, fragments: Uint8Array[], offsetTable?: number[], ts = JPEG, extra: DataSet = {}) =>
    writePart10(image({ '00280008': ['IS', n], '7FE00010': ['OB', { fragments, offsetTable }], ...extra }), ts);
  const joined = (...parts: Uint8Array[]) => parts.flatMap((part) => [...part]);

  it('with an offset table, one fragment each', () => {
    const parts = [soi(1), soi(2, 30), soi(3)];
    const file = encapsulated(3, parts, [0, 28, 66]);
    const described = describeObjectSync(inMemory(file), known(file));
    expect(frames(file, described.pixelData!)).toEqual(parts.map((p) => [...p]));
    expect(described.notes).toEqual([]);
  });
  it('with an offset table, several fragments each', () => {
    const file = encapsulated(2, [soi(1), rest(1), soi(2), rest(2)], [0, 46]);
    expect(frames(file, layoutOf(file))).toEqual([joined(soi(1), rest(1)), joined(soi(2), rest(2))]);
  });
  it('without a table, one fragment each', () => {
    const file = encapsulated(2, [rest(1), rest(2)]);
    expect(frames(file, layoutOf(file))).toEqual([[...rest(1)], [...rest(2)]]);
  });
  it('without a table, one frame in many fragments', () => {
    const file = encapsulated(1, [soi(1), rest(1), rest(1)]);
    expect(frames(file, layoutOf(file))).toEqual([joined(soi(1), rest(1), rest(1))]);
  });
  it('without a table, several frames in uneven fragments: by the start of each code stream', () => {
    const file = encapsulated(2, [soi(1), soi(2), rest(2), rest(2)]);
    expect(frames(file, layoutOf(file))).toEqual([[...soi(1)], joined(soi(2), rest(2), rest(2))]);
  });
  it('of RLE by their headers', () => {
    const rle = (n: number) => {
      const bytes = new Uint8Array(70).fill(n);
      bytes.set([1, 0, 0, 0, 64, 0, 0, 0]);
      return bytes;
    };
    const file = encapsulated(2, [rle(1), rest(1), rle(2)], undefined, RLE);
    expect(frames(file, layoutOf(file))).toEqual([joined(rle(1), rest(1)), [...rle(2)]]);
  });
  it('with a table that lies are found all the same, and it is said', () => {
    for (const table of [
      [0, 9999999],
      [0, 13],
      [5, 28],
      [28, 0],
    ]) {
      const file = encapsulated(2, [soi(1), soi(2)], table);
      const described = describeObjectSync(inMemory(file), known(file));
      expect(frames(file, described.pixelData!)).toEqual([[...soi(1)], [...soi(2)]]);
      expect(described.notes.join()).toContain('Basic Offset Table');
    }
  });
  it('with an Extended Offset Table keep their true odd lengths', () => {
    const ov = (...values: number[]) => new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);
    const file = encapsulated(2, [soi(1, 21), soi(2, 30)], undefined, JPEG, {
      '7FE00001': ['OV', ov(0, 30)],
      '7FE00002': ['OV', ov(21, 30)],
    });
    expect(frames(file, layoutOf(file))).toEqual([[...soi(1, 21)], [...soi(2, 30)]]);
  });
  it('of video are one stream', () => {
    const file = encapsulated(250, [rest(1), rest(2)], undefined, H264);
    const layout = layoutOf(file);
    expect(frames(file, layout)).toEqual([joined(rest(1), rest(2))]);
  });
  it('are few when Number of Frames is absurd', () => {
    const file = encapsulated(2147483647, [soi(1), soi(2)]);
    expect(frameCount(layoutOf(file))).toBe(2);
  });
  it('of an object that is cut stay inside it', () => {
    const whole = encapsulated(3, [soi(1), soi(2), soi(3)], [0, 28, 56]);
    for (let cut = 1; cut < 60; cut++) {
      const file = whole.subarray(0, whole.length - cut);
      const described = describeObjectSync(inMemory(file), known(file));
      const layout = described.pixelData!;
      for (let f = 0; f < frameCount(layout); f++) expect(frameRange(layout, f)!.end).toBeLessThanOrEqual(file.length);
      expect(described.notes.length).toBeGreaterThan(0);
    }
  });
});

describe('spans', () => {
  it('refuse a short answer', () => {
    const file = writePart10(image({ '7FE00010': ['OB', new Uint8Array(16)] }));
    const layout = layoutOf(file);
    expect(() => extractFrame(layout, 0, new Uint8Array(15))).toThrow(RangeError);
    expect(frameRange(layout, 1)).toBeNull();
    expect(frameRange(layout, -1)).toBeNull();
    expect(frameRange(layout, 0.5)).toBeNull();
  });
});

describe('a large multi-frame object', () => {
  const FRAME = 1_000_000;
  const COUNT = 1000;

  /** A 1 GB object of which only headers exist: whatever else is read is zeros. */
  function largeObject(withTable: boolean) {
    const head = writePart10(image({ '00280008': ['IS', COUNT], '7FE00010': ['OB', { fragments: [] }] }), JPEG);
    const start = head.length - 16;
    const table = withTable ? COUNT * 4 : 0;
    const base = start + 8 + table;
    const size = base + COUNT * (FRAME + 8) + 8;
    const header = (at: number, bytes: Uint8Array, offset: number, values: number[]) => {
      for (const [i, value] of values.entries())
        if (at + i >= offset && at + i < offset + bytes.length) bytes[at + i - offset] = value;
    };
    const le = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];
    let read = 0;
    let reads = 0;
    const reader = {
      size,
      read(offset: number, length: number): Promise<Uint8Array> {
        read += length;
        reads++;
        const bytes = new Uint8Array(length);
        bytes.set(head.subarray(offset, Math.min(start, offset + length)), 0);
        header(start, bytes, offset, [0xfe, 0xff, 0x00, 0xe0, ...le(table)]);
        if (withTable) for (let f = 0; f < COUNT; f++) header(start + 8 + f * 4, bytes, offset, le(f * (FRAME + 8)));
        const from = Math.max(0, Math.floor((offset - base) / (FRAME + 8)) - 1);
        for (let f = from; f < Math.min(COUNT, from + 4); f++) {
          header(base + f * (FRAME + 8), bytes, offset, [0xfe, 0xff, 0x00, 0xe0, ...le(FRAME), 0xff, 0xd8, 0xff]);
        }
        header(size - 8, bytes, offset, [0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        return Promise.resolve(bytes);
      },
    };
    return { reader, head, totals: () => ({ read, reads }), base, size };
  }

  it.each([true, false])('is described from its item headers alone (offset table: %s)', async (withTable) => {
    const { reader, head, totals, base } = largeObject(withTable);
    const described = await describeObject(reader, known(head));
    expect(described.notes).toEqual([]);
    expect(frameCount(described.pixelData!)).toBe(COUNT);
    expect(frameRange(described.pixelData!, 999)).toEqual({
      start: base + 999 * (FRAME + 8) + 8,
      end: base + 1000 * (FRAME + 8),
    });
    expect(totals().read).toBeLessThan(500_000);
  });
});

it('EXPLICIT_LE is the default of the writer', () => {
  expect(known(writePart10(image({}))).transferSyntaxUID).toBe(EXPLICIT_LE);
});
