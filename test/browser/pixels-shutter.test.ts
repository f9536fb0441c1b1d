import { afterAll, describe, expect, it } from 'vitest';
import type { DataSet } from '../../phantoms/part10-writer.ts';
import { imageFile } from '../support/image-file.ts';
import { Reference } from '../support/reference-pixels.ts';
import { openFile, painted } from '../support/viewer-pixels.ts';

const [rows, columns] = [60, 80];
const pixels = new Uint8Array(rows * columns).fill(200);
const window = { center: 128, width: 256 };

const shapes: Record<string, DataSet> = {
  rectangle: {
    '00181600': ['CS', 'RECTANGULAR'],
    '00181602': ['IS', '11'],
    '00181604': ['IS', '70'],
    '00181606': ['IS', '6'],
    '00181608': ['IS', '50'],
  },
  circle: { '00181600': ['CS', 'CIRCULAR'], '00181610': ['IS', '30', '40'], '00181612': ['IS', '20'] },
  polygon: {
    '00181600': ['CS', 'POLYGONAL'],
    '00181620': ['IS', '5', '5', '5', '75', '55', '40'],
  },
  'rectangle and circle': {
    '00181600': ['CS', 'RECTANGULAR', 'CIRCULAR'],
    '00181602': ['IS', '25'],
    '00181604': ['IS', '70'],
    '00181606': ['IS', '1'],
    '00181608': ['IS', '60'],
    '00181610': ['IS', '30', '40'],
    '00181612': ['IS', '20'],
  },
};

describe('display shutters', () => {
  const reference = new Reference();
  afterAll(() => reference.close());

  const shown = async (extra: DataSet, more: object = {}) => {
    const opened = (await openFile(reference.file(imageFile({ rows, columns, vr: 'OB', pixels, extra }))))!;
    const { bytes } = await painted(opened, 0, { window, ...more });
    return { bytes, open: (row: number, column: number) => bytes[(row - 1) * columns + column - 1] === 200 };
  };

  it('a rectangle: its edges are the first and last rows and columns that are seen', async () => {
    const { open, bytes } = await shown(shapes['rectangle']!);
    expect([open(6, 11), open(50, 70), open(5, 11), open(6, 10), open(51, 70), open(50, 71)]).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(bytes.filter((value) => value === 200).length).toBe(60 * 45);
    expect(bytes[0]).toBe(0);
  });

  it('a circle has the area of one, in pixels that are not square too', async () => {
    const area = (bytes: Uint8Array) => bytes.filter((value) => value === 200).length;
    expect(Math.abs(area((await shown(shapes['circle']!)).bytes) / (Math.PI * 400) - 1)).toBeLessThan(0.02);
    const tall = await shown({ ...shapes['circle'], '00280030': ['DS', 2, 1] });
    expect(Math.abs(area(tall.bytes) / (Math.PI * 200) - 1)).toBeLessThan(0.03);
    expect([tall.open(30, 59), tall.open(39, 40), tall.open(42, 40)]).toEqual([true, true, false]);
  });

  it('a polygon, and several shapes at once: seen is what lies in all', async () => {
    const { open } = await shown(shapes['polygon']!);
    expect([open(10, 40), open(54, 40), open(54, 10), open(3, 40)]).toEqual([true, true, false, false]);
    const both = await shown(shapes['rectangle and circle']!);
    expect([both.open(30, 24), both.open(30, 25), both.open(30, 60), both.open(30, 61)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('in the grey that the image names, and not at all when the reader takes it away', async () => {
    const grey = await shown({ ...shapes['circle'], '00181622': ['US', 0x8080] });
    expect(grey.bytes[0]).toBe(128);
    const away = await shown(shapes['circle']!, { overlays: false });
    expect(new Set(away.bytes)).toEqual(new Set([200]));
  });
});
