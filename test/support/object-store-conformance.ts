import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ObjectStore } from '../../storage/object-store.ts';

async function listed(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

async function collected(body: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What every object store must do alike; called inside a `describe` of its own for each store. */
export function objectStoreConformance(openStore: () => Promise<ObjectStore>): void {
  let store: ObjectStore;
  let scratch: string;
  beforeAll(async () => {
    store = await openStore();
    scratch = mkdtempSync(join(tmpdir(), 'lifeboat-conformance-'));
  });
  afterAll(async () => {
    await store?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('what was put comes back, with its size', async () => {
    const body = randomBytes(100_000);
    await store.put('objects/aa/1.2.3/4/5.dcm', body);
    expect(await store.get('objects/aa/1.2.3/4/5.dcm')).toEqual(body);
    expect(await store.head('objects/aa/1.2.3/4/5.dcm')).toMatchObject({
      key: 'objects/aa/1.2.3/4/5.dcm',
      size: 100_000,
    });
    const { body: stream, size } = await store.stream('objects/aa/1.2.3/4/5.dcm');
    expect(size).toBe(100_000);
    expect(await collected(stream)).toEqual(body);
  });

  test('byte ranges: from the middle, open end, beyond the end cut, outside refused', async () => {
    const body = randomBytes(1000);
    await store.put('range/a', body);
    expect(await store.get('range/a', { start: 10, end: 20 })).toEqual(body.subarray(10, 20));
    expect(await store.get('range/a', { start: 0, end: 1 })).toEqual(body.subarray(0, 1));
    expect(await store.get('range/a', { start: 990 })).toEqual(body.subarray(990));
    expect(await store.get('range/a', { start: 990, end: 5000 })).toEqual(body.subarray(990));
    const part = await store.stream('range/a', { start: 500, end: 700 });
    expect(part.size).toBe(200);
    expect(await collected(part.body)).toEqual(body.subarray(500, 700));
    for (const range of [{ start: 1000 }, { start: 5000, end: 6000 }, { start: 7, end: 7 }, { start: -1, end: 3 }]) {
      await expect(store.get('range/a', range)).rejects.toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
    }
  });

  test('an empty object is an object', async () => {
    await store.put('empty/e', new Uint8Array(0));
    expect(await store.head('empty/e')).toMatchObject({ size: 0 });
    expect(await store.get('empty/e')).toHaveLength(0);
    expect(await collected((await store.stream('empty/e')).body)).toHaveLength(0);
    await expect(store.get('empty/e', { start: 0, end: 1 })).rejects.toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
  });

  test('a file of several parts is kept whole, and stays where it was', async () => {
    const body = randomBytes((37 << 20) + 11);
    const path = join(scratch, 'large');
    writeFileSync(path, body);
    await store.putFile('large/file.dcm', path, body.length);
    expect((await store.head('large/file.dcm'))?.size).toBe(body.length);
    expect((await store.get('large/file.dcm')).equals(body)).toBe(true);
    expect(await store.get('large/file.dcm', { start: 20 << 20, end: (20 << 20) + 9 })).toEqual(
      body.subarray(20 << 20, (20 << 20) + 9),
    );
    await store.putFile('large/again.dcm', path, body.length);
  });

  test('a file that is not as long as announced is refused and not kept', async () => {
    const path = join(scratch, 'short');
    writeFileSync(path, 'short');
    await expect(store.putFile('short/s', path, 6)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    expect(await store.head('short/s')).toBeNull();
    await expect(store.putFile('short/t', join(scratch, 'no-such-file'), 6)).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    });
  });

  test('lists in key order, by prefix of the key and not of folders', async () => {
    const keys = ['l/a-b', 'l/a.b/1', 'l/a/1', 'l/a/2', 'l/a/2.x', 'l/a0', 'l/B/1', 'l/ab/9', 'l/z'];
    for (const key of [...keys].reverse()) await store.put(key, Buffer.from(key));
    expect(await listed(store, 'l/')).toEqual([...keys].sort());
    expect(await listed(store, 'l/a')).toEqual(keys.filter((key) => key.startsWith('l/a')).sort());
    expect(await listed(store, 'l/a/')).toEqual(['l/a/1', 'l/a/2', 'l/a/2.x']);
    expect(await listed(store, 'l/a/2')).toEqual(['l/a/2', 'l/a/2.x']);
    expect(await listed(store, 'l/nothing/')).toEqual([]);
    expect((await listed(store, '')).filter((key) => key.startsWith('l/'))).toEqual([...keys].sort());
  });

  test('lists more than one page', async () => {
    const keys = Array.from({ length: 1203 }, (_, i) => `pages/${String(i).padStart(5, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from('x'))));
    }
    expect(await listed(store, 'pages/')).toEqual(keys);
  });

  test.each([
    '',
    '/',
    'a//b',
    '../x',
    'a/../../x',
    'a/..',
    './a',
    'a/.',
    '/etc/passwd',
    'a\\b',
    'a b',
    'ä',
    'a\0b',
    '~tmp/x',
  ])('refuses the key %j', async (key) => {
    const refused = { code: 'BAD_REQUEST' };
    await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject(refused);
    await expect(store.get(key)).rejects.toMatchObject(refused);
    await expect(store.head(key)).rejects.toMatchObject(refused);
    await expect(store.delete(key)).rejects.toMatchObject(refused);
  });

  test('refuses a prefix that leaves its folder', async () => {
    await expect(listed(store, '../')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(listed(store, 'a/../..')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  test('many writers of one key with the same bytes leave that object, whole', async () => {
    const body = randomBytes(300_000);
    await Promise.all(Array.from({ length: 12 }, () => store.put('same/key', body)));
    expect(await store.get('same/key')).toEqual(body);
    await store.put('same/key', body);
    expect(await store.get('same/key')).toEqual(body);
    expect(await listed(store, 'same/')).toEqual(['same/key']);
  });

  test('what is not there is said to be not there', async () => {
    expect(await store.head('no/such')).toBeNull();
    await expect(store.get('no/such')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await expect(store.get('no/such', { start: 0, end: 5 })).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await expect(store.stream('no/such')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await store.delete('no/such');
  });

  test('deleted is gone', async () => {
    await store.put('gone/x', Buffer.from('x'));
    await store.delete('gone/x');
    expect(await store.head('gone/x')).toBeNull();
    expect(await listed(store, 'gone/')).toEqual([]);
  });

  test('answers a ping', async () => {
    await store.ping();
  });
}
