import { afterEach, describe, expect, it, vi } from 'vitest';
import type { InstanceManifest } from '../../storage/format/manifest.ts';
import { FrameStore } from '../../viewer/src/features/reading/frames/frame-store.ts';
import type { Picture } from '../../viewer/src/features/reading/study/study-model.ts';
import { prefetchOrder } from '../../viewer/src/features/reading/viewport/prefetch-order.ts';

const frameBytes = 64 * 64 * 2;

/** A series of single-frame images of 8 KiB. */
function series(count: number, name = 'a'): Picture[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `${name}${n}#1`,
    studyInstanceUID: '1',
    instance: {
      key: `${name}${n}`,
      size: frameBytes,
      url: `http://store/${name}${n}`,
      transferSyntaxUID: '1.2.840.10008.1.2.1',
      dataSetOffset: 0,
      pixelData: {
        kind: 'native',
        tag: '7FE00010',
        offset: 0,
        length: frameBytes,
        frameBits: frameBytes * 8,
        frames: 1,
      },
    } as unknown as InstanceManifest,
    attributes: {
      '00280010': { vr: 'US', Value: [64] },
      '00280011': { vr: 'US', Value: [64] },
      '00280100': { vr: 'US', Value: [16] },
    },
    frame: 0,
    frames: 1,
  }));
}

/** A store whose answers come when they are let go, in the order of the questions. */
function slowStore() {
  const asked: string[] = [];
  const aborted: string[] = [];
  const waiting: (() => void)[] = [];
  let open = false;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const name = url.slice(url.lastIndexOf('/') + 1);
    asked.push(name);
    return new Promise<Response>((resolve, reject) => {
      const end = () => {
        aborted.push(name);
        reject(new DOMException('aborted', 'AbortError'));
      };
      if (init.signal?.aborted) end();
      init.signal?.addEventListener('abort', end);
      const answer = () => resolve(new Response(new Uint8Array(frameBytes)));
      if (open) answer();
      else waiting.push(answer);
    });
  });
  return {
    asked,
    aborted,
    letGo: () => {
      open = true;
      for (const answer of waiting.splice(0)) answer();
    },
  };
}

const store = (frames: number, concurrency = 4) =>
  new FrameStore({ budgetBytes: frames * frameBytes, concurrency, refresh: () => Promise.reject(new Error('no')) });
const settled = async () => {
  for (let i = 0; i < 200; i += 1) await new Promise((done) => setImmediate(done));
};

describe('frames in bounded memory', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('3,000 slices scrolled through never hold more than the budget, and come back when asked for', async () => {
    const server = slowStore();
    server.letGo();
    const pictures = series(3000);
    const frames = store(40);
    let most = 0;
    for (let index = 0; index < pictures.length; index += 60) {
      await frames.load(pictures[index]!);
      frames.prefetch(prefetchOrder(pictures, index, 1), frames, pictures[index]!);
      most = Math.max(most, frames.heldBytes);
    }
    await settled();
    expect(Math.max(most, frames.heldBytes)).toBeLessThanOrEqual(40 * frameBytes);
    expect(frames.has('a0#1')).toBe(false);
    await frames.load(pictures[0]!);
    expect(server.asked.filter((name) => name === 'a0')).toHaveLength(2);
  });

  it('a film longer than the budget goes round: after the last frame the first is on its way', async () => {
    const server = slowStore();
    server.letGo();
    const pictures = series(50);
    const frames = store(20);
    for (let turn = 0; turn < 120; turn += 1) {
      const index = turn % 50;
      await frames.load(pictures[index]!);
      frames.prefetch(prefetchOrder(pictures, index, 1, true), frames, pictures[index]!);
      await settled();
      expect(frames.has(pictures[(index + 1) % 50]!.id)).toBe(true);
    }
  });
});

describe('what is fetched first', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('the image on the screen goes before all that is only likely', async () => {
    const server = slowStore();
    const pictures = series(40);
    const frames = store(100, 2);
    frames.prefetch(pictures.slice(1));
    void frames.load(pictures[30]!).catch(() => undefined);
    server.letGo();
    await settled();
    expect(server.asked.indexOf('a30')).toBe(2);
  });

  it('after a jump the neighbours of the new place come first, and the old ones are broken off', async () => {
    const server = slowStore();
    const pictures = series(3000);
    const frames = store(50, 2);
    frames.prefetch(prefetchOrder(pictures, 0, 1), frames, pictures[0]!);
    await settled();
    frames.prefetch(prefetchOrder(pictures, 2000, 1), frames, pictures[2000]!);
    await settled();
    expect(server.aborted).toEqual(['a1', 'a2']);
    server.letGo();
    await settled();
    expect(server.asked.slice(2, 6)).toEqual(['a2001', 'a2002', 'a2003', 'a1999']);
  });

  it('panes take turns: none starves because another was touched last', async () => {
    const server = slowStore();
    const [left, right] = [series(100, 'l'), series(100, 'r')];
    const frames = store(40, 2);
    const [one, two] = [{}, {}];
    frames.prefetch(prefetchOrder(left, 0, 1), one, left[0]!);
    frames.prefetch(prefetchOrder(right, 0, 1), two, right[0]!);
    server.letGo();
    await settled();
    const held = (name: string) => [...new Set(server.asked)].filter((asked) => asked.startsWith(name)).length;
    expect(held('l')).toBeGreaterThan(10);
    expect(held('r')).toBeGreaterThan(10);
    frames.prefetch([], one);
    expect(frames.heldBytes).toBeLessThanOrEqual(40 * frameBytes);
  });

  it('an image that was broken off and is wanted again is fetched again', async () => {
    const server = slowStore();
    const pictures = series(10);
    const frames = store(50, 2);
    frames.prefetch([pictures[1]!]);
    frames.prefetch([pictures[5]!]);
    const again = frames.load(pictures[1]!);
    server.letGo();
    await expect(again).resolves.toMatchObject({ rows: 64 });
    expect(frames.failureOf(pictures[1]!.id)).toBeUndefined();
  });
});
