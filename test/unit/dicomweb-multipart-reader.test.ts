import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MultipartReader } from '../../router/dicomweb/multipart-reader.ts';

interface Seen {
  type: string | undefined;
  body: Buffer;
  whole: boolean;
}

async function read(boundary: string, chunks: readonly Uint8Array[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  let pieces: Buffer[] = [];
  let type: string | undefined;
  const close = (whole: boolean) => {
    seen.push({ type, body: Buffer.concat(pieces), whole });
    pieces = [];
  };
  const reader = new MultipartReader(boundary, {
    begin: (headers) => {
      type = headers.get('content-type');
    },
    data: (chunk) => {
      pieces.push(Buffer.from(chunk));
    },
    end: () => close(true),
    truncated: () => close(false),
  });
  for (const chunk of chunks) await reader.write(chunk);
  await reader.finish();
  return seen;
}

function cut(body: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < body.length; i++) {
    const size = sizes[i % sizes.length]!;
    chunks.push(body.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('multipart reader', () => {
  it('finds the same parts however the body is cut', async () => {
    // Bytes that tempt: line breaks, hyphens, beginnings of the boundary.
    const tempting = fc.array(fc.constantFrom('\r', '\n', '-', '--b', '\r\n--', '--bo', '\r\n--boX', 'x', '\0'), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(tempting, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }),
        async (parts, sizes) => {
          const bodies = parts.map((part) => latin1(part.join('')));
          const body = Buffer.concat([
            ...bodies.flatMap((part) => [
              latin1('--boundary\r\nContent-Type: application/dicom\r\n\r\n'),
              part,
              latin1('\r\n'),
            ]),
            latin1('--boundary--\r\n'),
          ]);
          const seen = await read('boundary', cut(body, sizes));
          expect(seen.map((part) => part.body.toString('latin1'))).toEqual(
            bodies.map((part) => part.toString('latin1')),
          );
          expect(seen.every((part) => part.whole && part.type === 'application/dicom')).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('skips a preamble and an epilogue, takes parts without headers and bare line feeds', async () => {
    const body = latin1('preamble\r\n--b\r\n\r\none\r\n--b\nContent-Type: a/b\n\ntwo\n--b--\r\nepilogue --b');
    for (const size of [1, 2, 3, 7, 1000]) {
      const seen = await read('b', cut(body, [size]));
      expect(seen.map((part) => [part.type, part.body.toString(), part.whole])).toEqual([
        [undefined, 'one', true],
        ['a/b', 'two', true],
      ]);
    }
  });

  it('reports the part that the end of the body cuts off', async () => {
    const seen = await read('b', [latin1('--b\r\n\r\none\r\n--b\r\n\r\ntw')]);
    expect(seen.map((part) => part.whole)).toEqual([true, false]);
    expect((await read('b', [latin1('--b\r\nContent-Ty')])).map((part) => part.whole)).toEqual([false]);
  });

  it('does not take a longer boundary for its own', async () => {
    const seen = await read('b', [latin1('--b\r\n\r\none\r\n--bc\r\ntwo\r\n--b--')]);
    expect(seen.map((part) => part.body.toString())).toEqual(['one\r\n--bc\r\ntwo']);
  });

  it('refuses bodies without the boundary, endless headers and unusable boundaries', async () => {
    await expect(read('b', [Buffer.alloc(200_000, 0x61)])).rejects.toThrow(/boundary/);
    await expect(read('b', [latin1('nothing here')])).rejects.toThrow(/boundary/);
    await expect(read('b', [latin1('--b\r\n'), Buffer.alloc(100_000, 0x61)])).rejects.toThrow(/headers/);
    await expect(read('', [latin1('x')])).rejects.toThrow(/boundary/);
    await expect(read('x'.repeat(1000), [latin1('x')])).rejects.toThrow(/boundary/);
  });
});
