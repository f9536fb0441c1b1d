import { Readable } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { InflatedBytes } from '../../router/dicomweb/inflated-bytes.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

const DATA_SET_OFFSET = 300;
const MIB = 1024 * 1024;

/** An object of `deflated` behind a header, and how often it was opened. */
function objectOf(deflated: Buffer) {
  const object = Buffer.concat([Buffer.alloc(DATA_SET_OFFSET), deflated]);
  const opened = { times: 0 };
  const store = {
    stream: async (_key: string, range: { start: number }) => {
      opened.times++;
      const bytes = object.subarray(range.start);
      return { body: Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]), size: bytes.length };
    },
  } as unknown as ObjectStore;
  const entry = { key: 'objects/x', dataSetOffset: DATA_SET_OFFSET } as InstanceEntry;
  return { bytes: new InflatedBytes(store, entry), opened };
}

const plain = Buffer.from(Uint32Array.from({ length: MIB / 2 }, (_, i) => i * 2654435761).buffer);

it('gives ranges counted in the inflated object, forward in one pass, back by beginning anew', async () => {
  const { bytes, opened } = objectOf(deflateRawSync(plain));
  const at = (start: number, length: number) => plain.subarray(start, start + length);
  for (const [start, length] of [
    [0, 10],
    [100, 700_000],
    [1_500_000, 3],
  ] as const) {
    const got = await bytes.read(DATA_SET_OFFSET + start, DATA_SET_OFFSET + start + length);
    expect(got.equals(at(start, length))).toBe(true);
  }
  expect(opened.times).toBe(1);
  expect((await bytes.read(DATA_SET_OFFSET + 5, DATA_SET_OFFSET + 9)).equals(at(5, 4))).toBe(true);
  expect(opened.times).toBe(2);
  expect(await bytes.size()).toBe(DATA_SET_OFFSET + plain.length);
  bytes.close();
});

it('says that a range lies outside', async () => {
  const { bytes } = objectOf(deflateRawSync(plain));
  const end = DATA_SET_OFFSET + plain.length;
  await expect(bytes.read(end - 1, end + 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(bytes.read(DATA_SET_OFFSET - 1, DATA_SET_OFFSET + 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('stops at a bomb without holding it', async () => {
  const { bytes } = objectOf(deflateRawSync(Buffer.alloc(300 * MIB)));
  await expect(bytes.size()).rejects.toMatchObject({ code: 'DATASET_BOMB' });
});

it('says that a damaged data set is damaged, and how to get it all the same', async () => {
  const whole = deflateRawSync(plain);
  const { bytes } = objectOf(whole.subarray(0, whole.length / 2));
  await expect(bytes.size()).rejects.toMatchObject({
    code: 'NOT_ACCEPTABLE',
    message: expect.stringContaining('transfer-syntax=*'),
  });
});
