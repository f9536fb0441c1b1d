import { afterAll, describe, expect, it } from 'vitest';
import { EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../phantoms/part10-writer.ts';
import { imageFile } from '../support/image-file.ts';
import { Reference } from '../support/reference-pixels.ts';
import { openFile, painted } from '../support/viewer-pixels.ts';

const _syntaxes = { 'Explicit LE': EXPLICIT_LE, 'Implicit LE': IMPLICIT_LE, 'Explicit BE': EXPLICIT_BE };

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
