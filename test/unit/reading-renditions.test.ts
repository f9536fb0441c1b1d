import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { InstanceManifest } from '../../storage/format/manifest.ts';
import { packFrame } from '../../storage/renditions/pack-frame.ts';
import { decodeNative } from '../../viewer/src/features/reading/decode/decode.ts';
import { pixelFormatOf } from '../../viewer/src/features/reading/decode/pixel-format.ts';
import { decodeRendition } from '../../viewer/src/features/reading/decode/rendition.ts';
import { FrameStore } from '../../viewer/src/features/reading/frames/frame-store.ts';
import { LineSpeed, speedOf } from '../../viewer/src/features/reading/frames/line-speed.ts';
import { isWorthIt, renditionFrameOf } from '../../viewer/src/features/reading/frames/rendition-frame.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';
import { nodeCodecs } from '../support/node-codecs.ts';

const LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const SIDE = 128;
const FRAME = SIDE * SIDE * 2;
const us = (value: number) => ({ vr: 'US', Value: [value] });
/** 12 of 16 bits, signed, with something in the unused bits that must not be drawn. */
const attributes = {
  '00280002': us(1),
  '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
  '00280010': us(SIDE),
  '00280011': us(SIDE),
  '00280100': us(16),
  '00280101': us(12),
  '00280102': us(11),
  '00280103': us(1),
};
const cells = new Uint8Array(FRAME);
for (let i = 0; i < SIDE * SIDE; i++) new DataView(cells.buffer).setUint16(i * 2, (i % SIDE) * 16 + (i >> 7), true);
const shape = { rows: SIDE, columns: SIDE, samplesPerPixel: 1, bitsAllocated: 16, isSigned: true } as const;
const packed = await packFrame(cells, shape);
const other = await packFrame(new Uint8Array(FRAME).fill(7), shape);
const HEAD = 100;

function picture(): Picture {
  return {
    id: '1#1',
    studyInstanceUID: '9',
    instance: {
      key: 'objects/a',
      size: HEAD + FRAME,
      url: 'http://store/objects/a',
      transferSyntaxUID: LITTLE_ENDIAN,
      dataSetOffset: 0,
      pixelData: { kind: 'native', tag: '7FE00010', offset: HEAD, length: FRAME, frameBits: FRAME * 8, frames: 1 },
      rendition: {
        key: 'renditions/p',
        url: 'http://store/renditions/p',
        size: packed.codestream.length,
        transferSyntaxUID: '1.2.840.10008.1.2.4.201',
        frames: [[0, packed.codestream.length, packed.sha256]],
      },
    } as unknown as InstanceManifest,
    attributes,
    frame: 0,
    frames: 1,
  };
}

/** A store with the object and this pack; says what was asked for. */
function serve(pack: Uint8Array, status = 206): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: string, init: { headers?: { range?: string } }) => {
    const name = url.slice('http://store/'.length);
    asked.push(name);
    if (name.startsWith('renditions')) {
      if (status !== 206) return new Response('', { status });
      return new Response(pack as Uint8Array<ArrayBuffer>, { status: init.headers?.range ? 206 : 200 });
    }
    return new Response(cells, { status: 206 });
  });
  return asked;
}

const store = (renditions: 'auto' | 'always' | 'never' = 'always', line?: LineSpeed) =>
  new FrameStore({
    budgetBytes: 1 << 24,
    concurrency: 4,
    refresh: () => Promise.reject(new Error('no')),
    renditions: () => renditions,
    decodeRendition: (bytes, format, sha256) => decodeRendition(bytes, sha256, format, nodeCodecs),
    ...(line && { line }),
  });
const original = decodeNative(cells, pixelFormatOf(attributes, LITTLE_ENDIAN, picture().instance.pixelData));

describe('a picture whose object has a rendition', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is drawn from it with the very same values', async () => {
    const asked = serve(packed.codestream);
    const frames = store();
    expect(await frames.load(picture())).toEqual(original);
    expect(asked).toEqual(['renditions/p']);
    expect(frames.isFromRendition('1#1')).toBe(true);
  });

  const altered = packed.codestream.slice();
  altered[altered.length >> 1]! ^= 1;
  for (const [what, pack, status] of [
    ['altered', altered, 206],
    ['another image', other.codestream, 206],
    ['cut off', packed.codestream.subarray(0, packed.codestream.length - 10), 206],
    ['gone', packed.codestream, 404],
  ] as [string, Uint8Array, number][])
    it(`is drawn from the object when the rendition is ${what}`, async () => {
      vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      const asked = serve(pack, status);
      const frames = store();
      expect(await frames.load(picture())).toEqual(original);
      expect(asked.at(-1)).toBe('objects/a');
      expect(frames.isFromRendition('1#1')).toBe(false);
    });

  it('is drawn from the object when a rendition that is what it says is of another image', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const small = { ...shape, rows: 64 };
    const { codestream } = await packFrame(cells.slice(0, FRAME / 2), small);
    serve(codestream);
    const wrong = picture();
    const sha256 = createHash('sha256').update(codestream).digest('hex');
    wrong.instance.rendition!.frames = [[0, codestream.length, sha256]];
    wrong.instance.rendition!.size = codestream.length;
    const frames = store();
    expect(await frames.load(wrong)).toEqual(original);
    expect(frames.isFromRendition('1#1')).toBe(false);
  });

  it('is read from the object where nobody wants renditions, or the line is fast', async () => {
    const asked = serve(packed.codestream);
    await store('never').load(picture());
    await store('auto', new LineSpeed(() => 100e6)).load(picture());
    expect(asked).toEqual(['objects/a', 'objects/a']);
    const slow = new LineSpeed(() => 100_000);
    slow.codecReady = true;
    await store('auto', slow).load(picture());
    expect(asked.at(-1)).toBe('renditions/p');
  });
});

describe('the measured line', () => {
  it('is its bytes by the time in which anything was on its way, and follows a change', async () => {
    let now = 0;
    const line = new LineSpeed(
      () => 1,
      () => now,
    );
    expect(line.bytesPerSecond).toBe(1);
    const fetchOf = (bytes: number) => {
      const { promise, resolve } = Promise.withResolvers<Uint8Array>();
      return { done: line.measure(() => promise), arrive: () => resolve(new Uint8Array(bytes)) };
    };
    // two side by side, then a pause that does not count
    const a = fetchOf(500_000);
    const b = fetchOf(500_000);
    now = 100;
    a.arrive();
    await a.done;
    now = 200;
    b.arrive();
    await b.done;
    expect(Math.round(line.bytesPerSecond / 1e5) * 1e5).toBe(5_000_000);
    now = 10_000;
    for (let i = 0; i < 40; i++) {
      const c = fetchOf(500_000);
      now += 1_000;
      c.arrive();
      await c.done;
    }
    expect(line.bytesPerSecond).toBeLessThan(600_000);
  });

  it('is guessed from the files of the page', () => {
    const file = (encodedBodySize: number, responseStart: number, responseEnd: number) => ({
      encodedBodySize,
      responseStart,
      responseEnd,
    });
    expect(speedOf([file(50_000, 0, 20), file(150_000, 10, 50)])).toBe(4_000_000);
    expect(speedOf([file(1_000, 0, 20)])).toBe(Number.POSITIVE_INFINITY);
  });

  it('decides: a rendition for what comes over 30 Mbit/s, but not for a first image that would wait for the codec', () => {
    const ct = { ...renditionFrameOf(picture())!, start: 0, end: 180_000, originalBytes: 524_288 };
    const mammogram = { ...ct, end: 8e6, originalBytes: 27e6 };
    const slow = new LineSpeed(() => 3_750_000);
    expect([isWorthIt(ct, slow, false), isWorthIt(ct, slow, true), isWorthIt(mammogram, slow, true)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(isWorthIt(ct, new LineSpeed(() => 100_000_000), false)).toBe(false);
  });
});
