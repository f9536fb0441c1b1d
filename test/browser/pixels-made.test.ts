import { afterAll, describe, expect, it } from 'vitest';
import { type DataSet, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../phantoms/part10-writer.ts';
import { type ImageOptions, imageFile, wordBytes } from '../support/image-file.ts';
import { Reference, referenceAvailable } from '../support/reference-pixels.ts';
import { greatestDifference, openFile, painted } from '../support/viewer-pixels.ts';

const syntaxes = [
  ['Explicit LE', EXPLICIT_LE],
  ['Implicit LE', IMPLICIT_LE],
  ['Explicit BE', EXPLICIT_BE],
] as const;

/** Bytes 0, 1, 2, … as they lie in OW words of Big Endian: two by two turned. */
function inTurnedWords(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 2) * 2);
  for (let i = 0; i < bytes.length; i += 1) out[i ^ 1] = bytes[i]!;
  return out;
}

const count = (n: number, of: (i: number) => number) => Uint8Array.from({ length: n }, (_, i) => of(i));

describe('cells smaller than a word in Big Endian words', () => {
  const reference = new Reference();
  afterAll(() => reference.close());
  const [rows, columns] = [3, 5];
  const values = count(rows * columns * 3, (i) => i * 5 + 1);

  it.each([1, 3])('8 bits, 15 pixels a frame, %i frames: every pixel, the last too', async (frames) => {
    const pixels = values.subarray(0, rows * columns * frames);
    const path = reference.file(imageFile({ rows, columns, frames, pixels: inTurnedWords(pixels) }, EXPLICIT_BE));
    const opened = (await openFile(path))!;
    for (let f = 0; f < frames; f += 1) {
      const frame = await opened.decode(f);
      expect(frame.kind === 'gray' && [...frame.pixels]).toEqual([...pixels.subarray(f * 15, f * 15 + 15)]);
    }
  });

  it('8 bits in OB are not turned', async () => {
    const pixels = values.subarray(0, 15);
    const path = reference.file(imageFile({ rows, columns, vr: 'OB', pixels }, EXPLICIT_BE));
    const frame = await (await openFile(path))!.decode(0);
    expect(frame.kind === 'gray' && [...frame.pixels]).toEqual([...pixels]);
  });

  it('1 bit, frames that begin within a word', async () => {
    const bits = count(45, (i) => ((i * i) % 3 === 1 ? 1 : 0));
    const packed = new Uint8Array(6);
    bits.forEach((bit, i) => {
      packed[i >> 3]! |= bit << (i & 7);
    });
    const made = { rows, columns, frames: 3, bitsAllocated: 1, pixels: inTurnedWords(packed) };
    const opened = (await openFile(reference.file(imageFile(made, EXPLICIT_BE))))!;
    for (let f = 0; f < 3; f += 1) {
      const frame = await opened.decode(f);
      expect(frame.kind === 'gray' && [...frame.pixels]).toEqual([...bits.subarray(f * 15, f * 15 + 15)]);
    }
  });

  it('colour of an odd number of bytes', async () => {
    const pixels = values.subarray(0, 27);
    const made = { rows: 3, columns: 3, samplesPerPixel: 3, photometric: 'RGB', pixels: inTurnedWords(pixels) };
    const { bytes } = await painted((await openFile(reference.file(imageFile(made, EXPLICIT_BE))))!, 0);
    expect([...bytes]).toEqual([...pixels]);
  });
});

it('pixels that are plain though the transfer syntax says JPEG-LS are shown as they are', async () => {
  const reference = new Reference();
  const pixels = Uint16Array.from({ length: 20 }, (_, i) => i * 100);
  const path = reference.file(imageFile({ rows: 4, columns: 5, pixels }, '1.2.840.10008.1.2.4.80'));
  const opened = (await openFile(path))!;
  reference.close();
  const frame = await opened.decode(0);
  expect(frame.kind === 'gray' && [...frame.pixels]).toEqual([...pixels]);
  expect(opened.described.notes.join()).toMatch(/not encapsulated/);
});

const [rows, columns] = [31, 44];
const pixelCount = rows * columns;
const words = (of: (i: number) => number, n = pixelCount) => Uint16Array.from({ length: n }, (_, i) => of(i));

/** A curve that is no line, `n` entries up to `greatest`. */
const curve = (n: number, greatest: number) => words((i) => Math.round(greatest * (i / (n - 1)) ** 2), n);

type Made = { options: ImageOptions; voi?: string[]; window?: { center: number; width: number } };

/** A LUT Sequence item whose data are few (values in the header) or many (read from the object). */
function lutItem(tag: string, entries: number, first: number, bits: number, vr: 'US' | 'OW', syntax: string): DataSet {
  const data = curve(entries, 2 ** bits - 1);
  const descriptor = ['US', entries === 65536 ? 0 : entries, first & 0xffff, bits] as const;
  return {
    [tag]: [
      'SQ',
      {
        '00283002': descriptor,
        ...(tag === '00283000' && { '00283004': ['LO', 'US'] as const }),
        '00283006': vr === 'US' ? ['US', ...data] : ['OW', wordBytes(data, syntax)],
      },
    ],
  };
}

/** Red, green and blue palettes: entries of `bits` bits, one turned round so that no two are alike. */
function palette(entries: number, first: number, bits: number, syntax: string): DataSet {
  const descriptor = ['US', entries === 65536 ? 0 : entries, first & 0xffff, bits] as const;
  const full = (data: Uint16Array) => wordBytes(data, syntax);
  const up = curve(entries, 2 ** bits - 1);
  const pack = (data: Uint16Array) =>
    bits === 8 && syntax ? full(words((i) => data[2 * i]! | (data[2 * i + 1]! << 8), data.length / 2)) : full(data);
  return {
    '00281101': descriptor,
    '00281102': descriptor,
    '00281103': descriptor,
    '00281201': ['OW', pack(up)],
    '00281202': ['OW', pack(up.slice().reverse())],
    '00281203': ['OW', pack(words((i) => Math.floor((i * (2 ** bits - 1)) / (entries - 1)), entries))],
  };
}

const twelve = { rows, columns, pixels: words((i) => (i * 3) & 4095), bitsStored: 12, highBit: 11 };
const window = { center: 2000, width: 3500 };
const rgb = Uint8Array.from({ length: pixelCount * 3 }, (_, i) => (i * 7) % 256);
const planar = Uint8Array.from(rgb, (_, i) => rgb[(i % pixelCount) * 3 + Math.floor(i / pixelCount)]!);
const colour = (photometric: string, pixels: Uint8Array, planarConfiguration = 0): ImageOptions => ({
  rows,
  columns,
  samplesPerPixel: 3,
  photometric,
  planarConfiguration,
  vr: 'OB',
  pixels,
});

function cases(syntax: string): Record<string, Made> {
  const withTables = (...tables: DataSet[]): ImageOptions => ({ ...twelve, extra: Object.assign({}, ...tables) });
  return {
    '12 of 16 bits': { options: twelve, window },
    '12 of 16 bits at the upper end': {
      options: { ...twelve, pixels: words((i) => ((i * 3) & 4095) << 4), highBit: 15 },
      window,
    },
    'signed 12 of 16 bits with rubbish above': {
      options: { ...twelve, signed: true, pixels: words((i) => ((i * 3) & 4095) | ((i & 7) << 13)) },
      window: { center: 0, width: 4096 },
    },
    '10 bits with rescale': {
      options: {
        ...twelve,
        bitsStored: 10,
        highBit: 9,
        pixels: words((i) => i & 1023),
        extra: { '00281052': ['DS', -1024], '00281053': ['DS', 2] },
      },
      window: { center: 0, width: 1500 },
    },
    '16 bits MONOCHROME1': {
      options: { rows, columns, pixels: words((i) => (i * 47) & 65535), photometric: 'MONOCHROME1' },
      window: { center: 30000, width: 50000 },
    },
    '32 bits': {
      options: {
        rows,
        columns,
        pixels: Uint32Array.from(syntax === EXPLICIT_BE ? [] : rgb.subarray(0, pixelCount), (v) => v * 16_000_000),
      },
      window: { center: 2_000_000_000, width: 4_000_000_000 },
    },
    'few entries of a Modality LUT': {
      options: withTables(lutItem('00283000', 256, 100, 16, 'US', syntax)),
      window: { center: 32768, width: 65536 },
    },
    'many entries of a Modality LUT, in OW': {
      options: withTables(lutItem('00283000', 4096, 0, 16, 'OW', syntax)),
      window: { center: 32768, width: 65536 },
    },
    'few entries of a VOI LUT in OW, 12 bits': {
      options: withTables(lutItem('00283010', 500, 1000, 12, 'OW', syntax)),
      voi: ['+Wl', '1'],
    },
    'many entries of a VOI LUT in US, 16 bits': {
      options: withTables(lutItem('00283010', 4096, 0, 16, 'US', syntax)),
      voi: ['+Wl', '1'],
    },
    'Modality LUT and VOI LUT': {
      options: withTables(
        lutItem('00283000', 4096, 0, 12, 'US', syntax),
        lutItem('00283010', 4096, 0, 8, 'US', syntax),
      ),
      voi: ['+Wl', '1'],
    },
    'VOI LUT with negative first value': {
      options: { ...withTables(lutItem('00283010', 3000, -1000, 12, 'US', syntax)), signed: true },
      voi: ['+Wl', '1'],
    },
    'palette of 16 bits, few entries': {
      options: {
        rows,
        columns,
        vr: 'OB',
        photometric: 'PALETTE COLOR',
        pixels: rgb.subarray(0, pixelCount),
        extra: palette(256, 0, 16, syntax),
      },
    },
    'palette of 16 bits that begins at 50, many entries': {
      options: { ...twelve, photometric: 'PALETTE COLOR', extra: palette(3000, 50, 16, syntax) },
    },
    'palette of 8 bits, two entries a word': {
      options: {
        rows,
        columns,
        vr: 'OB',
        photometric: 'PALETTE COLOR',
        pixels: rgb.subarray(0, pixelCount),
        extra: palette(256, 0, 8, syntax),
      },
    },
    'palette of 65,536 entries': {
      options: {
        rows,
        columns,
        photometric: 'PALETTE COLOR',
        pixels: words((i) => (i * 47) & 65535),
        extra: palette(65536, 0, 16, syntax),
      },
    },
    'RGB by pixel': { options: colour('RGB', rgb) },
    'RGB by plane': { options: colour('RGB', planar, 1) },
    'RGB of 16 bits': {
      options: { ...colour('RGB', rgb), vr: 'OW', pixels: words((i) => (i * 13) & 65535, pixelCount * 3) },
    },
    'YBR_FULL by pixel': { options: colour('YBR_FULL', rgb) },
    'YBR_FULL by plane': { options: colour('YBR_FULL', planar, 1) },
    YBR_FULL_422: { options: colour('YBR_FULL_422', rgb.subarray(0, pixelCount * 2)) },
    YBR_PARTIAL_422: { options: colour('YBR_PARTIAL_422', rgb.subarray(0, pixelCount * 2)) },
  };
}

describe.runIf(referenceAvailable())('made images as DCMTK sees them', () => {
  const reference = new Reference();
  afterAll(() => reference.close());
  for (const [name, syntax] of syntaxes)
    for (const [kind, { options, voi, window: chosen }] of Object.entries(cases(syntax))) {
      if (syntax === EXPLICIT_BE && kind === '32 bits') continue;
      it(`${kind}, ${name}`, async () => {
        const path = reference.file(imageFile(options, syntax));
        const mine = await painted((await openFile(path))!, 0, { window: chosen });
        const theirs = reference.rendered(path, 0, chosen, ['-O', ...(voi ?? [])]);
        expect(theirs, 'the reference must be able to render it').not.toBeNull();
        expect(mine.bytes.length).toBe(theirs!.bytes.length);
        const rounds = /YBR/.test(kind) ? 2 : 1;
        expect(greatestDifference(mine.bytes, theirs!.bytes)).toBeLessThanOrEqual(rounds);
        expect(new Set(mine.bytes).size).toBeGreaterThan(20);
      });
    }
});
