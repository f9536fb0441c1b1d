import { afterAll, describe, expect, it } from 'vitest';
import { type DataSet, EXPLICIT_BE } from '../../phantoms/part10-writer.ts';
import { realFiles } from '../support/files.ts';
import { imageFile, wordBytes } from '../support/image-file.ts';
import { Reference, referenceAvailable } from '../support/reference-pixels.ts';
import { greatestDifference, openFile, painted } from '../support/viewer-pixels.ts';

const [rows, columns] = [37, 45];
const window = { center: 2048, width: 4096 };

/** Bits of a plane in which every pixel that `drawn` names is set, as Overlay Data (frames behind each other). */
function plane(height: number, width: number, frames: number, drawn: (y: number, x: number, f: number) => boolean) {
  const bits = new Uint8Array(Math.ceil((height * width * frames) / 16) * 2);
  for (let f = 0; f < frames; f += 1)
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) {
        const at = (f * height + y) * width + x;
        if (drawn(y, x, f)) bits[at >> 3]! |= 1 << (at & 7);
      }
  return bits;
}

function overlay(group: string, height: number, width: number, bits: Uint8Array, more: DataSet = {}): DataSet {
  return {
    [`${group}0010`]: ['US', height],
    [`${group}0011`]: ['US', width],
    [`${group}0040`]: ['CS', 'G'],
    [`${group}0050`]: ['SS', 1, 1],
    [`${group}0100`]: ['US', 1],
    [`${group}0102`]: ['US', 0],
    [`${group}3000`]: ['OW', bits],
    ...more,
  };
}

const ramp = (frames = 1) =>
  Uint16Array.from(
    { length: rows * columns * frames },
    (_, i) => ((i % columns) * 80 + Math.floor(i / columns)) & 4095,
  );
const cross = plane(rows, columns, 1, (y, x) => y === x || y === 20);
const base = { rows, columns, bitsStored: 12, highBit: 11 };
const swapped = (bytes: Uint8Array) => wordBytes(new Uint16Array(bytes.buffer), EXPLICIT_BE);

/** Overlay of the first group in bit 15 of the cells, of the second in bit 12. */
const embedded = Uint16Array.from(ramp(), (value, i) => {
  const [y, x] = [Math.floor(i / columns), i % columns];
  return value | (y === x ? 0x8000 : 0) | (x === 7 ? 0x1000 : 0);
});
const embeddedHeader: DataSet = {
  '60000010': ['US', rows],
  '60000011': ['US', columns],
  '60000040': ['CS', 'G'],
  '60000050': ['SS', 1, 1],
  '60000100': ['US', 16],
  '60000102': ['US', 15],
  '60020010': ['US', rows],
  '60020011': ['US', columns],
  '60020040': ['CS', 'G'],
  '60020050': ['SS', 1, 1],
  '60020100': ['US', 16],
  '60020102': ['US', 12],
};

const cases: [string, Uint8Array, frames?: number][] = [
  ['a plane of its own', imageFile({ ...base, pixels: ramp(), extra: overlay('6000', rows, columns, cross) })],
  [
    'Big Endian, bits in words',
    imageFile({ ...base, pixels: ramp(), extra: overlay('6000', rows, columns, swapped(cross)) }, EXPLICIT_BE),
  ],
  [
    'Big Endian, too long for the manifest, read from the object',
    imageFile(
      {
        ...base,
        rows: 100,
        columns: 100,
        pixels: Uint16Array.from({ length: 10_000 }, (_, i) => i % 4096),
        extra: overlay('6000', 100, 100, swapped(plane(100, 100, 1, (y, x) => y === x || y === 20))),
      },
      EXPLICIT_BE,
    ),
  ],
  [
    'two groups, one smaller and moved inwards, one larger than the image and cut off by it',
    imageFile({
      ...base,
      pixels: ramp(),
      extra: {
        ...overlay(
          '6002',
          5,
          7,
          plane(5, 7, 1, (y, x) => (y + x) % 2 === 0),
          { '60020050': ['SS', 11, 21] },
        ),
        ...overlay(
          '601E',
          60,
          70,
          plane(60, 70, 1, (y, x) => y % 9 === 0 || x % 11 === 0),
          {
            '601E0050': ['SS', -3, -7],
          },
        ),
      },
    }),
  ],
  ['in two unused bits of the cells', imageFile({ ...base, pixels: embedded, extra: embeddedHeader })],
  ['in unused bits, Big Endian', imageFile({ ...base, pixels: embedded, extra: embeddedHeader }, EXPLICIT_BE)],
  [
    'in unused bits of signed pixels',
    imageFile({
      ...base,
      pixels: embedded,
      signed: true,
      extra: { ...embeddedHeader, '00281052': ['DS', 2048], '00281053': ['DS', 1] },
    }),
  ],
  [
    'on MONOCHROME1',
    imageFile({ ...base, pixels: ramp(), photometric: 'MONOCHROME1', extra: overlay('6000', rows, columns, cross) }),
  ],
  [
    'of some frames only, whose planes do not begin on a byte',
    imageFile({
      ...base,
      frames: 4,
      pixels: ramp(4),
      extra: overlay(
        '6000',
        rows,
        columns,
        plane(rows, columns, 2, (y, x, f) => (f === 0 ? y === x : x === 7)),
        {
          '60000015': ['IS', '2'],
          '60000051': ['US', 2],
        },
      ),
    }),
    4,
  ],
];

describe.runIf(referenceAvailable())('overlay planes as DCMTK draws them', () => {
  const reference = new Reference();
  afterAll(() => reference.close());

  const compare = async (path: string, frames: number, voi?: typeof window) => {
    const opened = (await openFile(path))!;
    for (let index = 0; index < frames; index += 1) {
      const mine = await painted(opened, index, { window: voi });
      const theirs = reference.rendered(path, index, voi, ['+O', '0'])!;
      const without = reference.rendered(path, index, voi)!;
      expect([mine.rows, mine.columns]).toEqual([theirs.height, theirs.width]);
      expect(greatestDifference(mine.bytes, theirs.bytes)).toBeLessThanOrEqual(1);
      if (frames === 1) expect(greatestDifference(theirs.bytes, without.bytes), 'there is one').toBeGreaterThan(50);
      const hidden = await painted(opened, index, { window: voi, overlays: false });
      expect(greatestDifference(hidden.bytes, without.bytes)).toBeLessThanOrEqual(1);
    }
  };

  for (const [name, file, frames = 1] of cases)
    it(name, async () => await compare(reference.file(file), frames, window));

  for (const file of realFiles().filter(({ name }) => /examples_overlay/.test(name)))
    it(file.name, async () => await compare(file.path, 1, { center: 300, width: 600 }));
});

describe('overlay planes without a reference', () => {
  it('one plane without a number of frames belongs to every frame', async () => {
    const reference = new Reference();
    const path = reference.file(
      imageFile({ ...base, frames: 3, pixels: ramp(3), extra: overlay('6000', rows, columns, cross) }),
    );
    const opened = (await openFile(path))!;
    reference.close();
    for (const index of [0, 1, 2]) expect((await painted(opened, index, { window })).bytes[20 * columns + 3]).toBe(255);
  });

  it('of a region of interest only the edge is drawn, so that one sees what is in it', async () => {
    const reference = new Reference();
    const square = plane(rows, columns, 1, (y, x) => y >= 5 && y < 10 && x >= 5 && x < 10);
    const path = reference.file(
      imageFile({
        ...base,
        pixels: ramp(),
        extra: overlay('6000', rows, columns, square, { '60000040': ['CS', 'R'] }),
      }),
    );
    const opened = (await openFile(path))!;
    reference.close();
    const { bytes } = await painted(opened, 0, { window });
    const plain = await painted(opened, 0, { window, overlays: false });
    expect(bytes[5 * columns + 5]).toBe(255);
    expect(bytes[7 * columns + 7]).toBe(plain.bytes[7 * columns + 7]);
  });

  it('colour pictures have theirs, which DCMTK leaves out', async () => {
    const reference = new Reference();
    const pixels = Uint8Array.from({ length: rows * columns * 3 + 1 }, (_, i) => i % 251);
    const extra = overlay('6000', rows, columns, cross);
    const file = imageFile({ rows, columns, samplesPerPixel: 3, photometric: 'RGB', pixels, extra });
    const opened = (await openFile(reference.file(file)))!;
    reference.close();
    const { bytes } = await painted(opened, 0);
    expect([...bytes.subarray(0, 6)]).toEqual([255, 255, 255, 3, 4, 5]);
  });

  it('under an inverted picture the overlay is black', async () => {
    const reference = new Reference();
    const opened = (await openFile(reference.file(cases[0]![1])))!;
    reference.close();
    const { bytes } = await painted(opened, 0, { window, invert: true });
    expect(bytes[20 * columns + 3]).toBe(0);
  });
});
