import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileStore } from '../../storage/stores/file-store.ts';

let base: string;
let store: FileStore;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'lifeboat-file-store-'));
  store = await FileStore.open(join(base, 'store'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('a file on the same file system is linked, not copied', async () => {
  writeFileSync(join(base, 'f'), 'bytes');
  await store.putFile('a/b', join(base, 'f'), 5);
  expect(statSync(store.pathOf('a/b')).ino).toBe(statSync(join(base, 'f')).ino);
});

test.skipIf(!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(tmpdir()).dev)(
  'a file on another file system is copied whole',
  async () => {
    const other = mkdtempSync('/dev/shm/lifeboat-');
    try {
      writeFileSync(join(other, 'f'), 'bytes');
      await store.putFile('a/b', join(other, 'f'), 5);
      expect((await store.get('a/b')).toString()).toBe('bytes');
      expect(readdirSync(join(store.root, '~tmp'))).toEqual([]);
    } finally {
      rmSync(other, { recursive: true });
    }
  },
);

test('a store whose disk is not there is away, not empty', async () => {
  await store.put('a/b', Buffer.from('x'));
  renameSync(store.root, `${store.root}-unmounted`);
  const away = { code: 'STORE_UNAVAILABLE' };
  await expect(store.head('a/b')).rejects.toMatchObject(away);
  await expect(store.get('a/b')).rejects.toMatchObject(away);
  await expect(store.ping()).rejects.toMatchObject(away);
  await expect(store.put('a/c', Buffer.from('x'))).rejects.toMatchObject(away);
  await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject(away);
  mkdirSync(store.root);
  await expect(store.head('a/b')).rejects.toMatchObject(away);
  rmSync(store.root, { recursive: true });
  renameSync(`${store.root}-unmounted`, store.root);
  expect((await store.get('a/b')).toString()).toBe('x');
});

test('a folder that somebody removed is made again', async () => {
  await store.put('a/b/c', Buffer.from('x'));
  rmSync(join(store.root, 'a'), { recursive: true });
  await store.put('a/b/d', Buffer.from('y'));
  expect((await store.get('a/b/d')).toString()).toBe('y');
});

test('half-written objects of a crash are cleared away, those being written are not, and none is listed', async () => {
  const leftOver = join(store.root, '~tmp', 'left-over');
  writeFileSync(leftOver, 'half');
  utimesSync(leftOver, 0, Date.now() / 1000 - 7200);
  writeFileSync(join(store.root, '~tmp', 'being-written'), 'half');
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  expect(keys).toEqual([]);
  await FileStore.open(store.root);
  expect(readdirSync(join(store.root, '~tmp'))).toEqual(['being-written']);
});

test('a damaged object is replaced by what is put under its key', async () => {
  await store.put('a/b', Buffer.from('right'));
  writeFileSync(store.pathOf('a/b'), 'wrong');
  await store.put('a/b', Buffer.from('right'));
  expect((await store.get('a/b')).toString()).toBe('right');
});

test('a symbolic link out of the store is not followed into a list', async () => {
  await store.put('a/b', Buffer.from('x'));
  symlinkSync('/etc', join(store.root, 'a', 'etc'));
  const keys: string[] = [];
  for await (const { key } of store.list('a/')) keys.push(key);
  expect(keys).toEqual(['a/b']);
});
