import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type Finding, verify } from '../../storage/verify.ts';
import { type ArchiveFolder, archiveFolder, receive, SERIES, STUDY, slice, storedKeys } from '../support/archive.ts';

let folder: ArchiveFolder;
let archive: Archive;
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  for (let i = 1; i <= 10; i++) await receive(archive, slice(i));
  await receive(archive, slice(1, 1, '1.2.3.77'));
  await archive.flush();
});
afterEach(async () => {
  await archive.close();
  folder.remove();
});

async function findings(store: ObjectStore = archive.store) {
  const run = verify({ store, catalogue: archive.catalogue, strayAgeMs: 0 });
  const found: Finding[] = [];
  for await (const finding of run) found.push(finding);
  return { found, summary: run.summary };
}

async function fileOf(number: number): Promise<string> {
  const entry = (await archive.entries(STUDY)).find((e) => e.sopInstanceUID === `${SERIES}.${number}`);
  return join(folder.dir, 'store', entry!.key);
}

/** A copy of its own: a damaged link would damage nothing else, but a test must not depend on that. */
function overwrite(path: string, bytes: Uint8Array): void {
  rmSync(path);
  writeFileSync(path, bytes);
}

test('a sound archive has no findings', async () => {
  const { found, summary } = await findings();
  expect(found).toEqual([]);
  expect(summary).toMatchObject({ studies: 2, sound: 11, findings: {} });
  expect(summary.bytes).toBeGreaterThan(11 * 500);
});

test('names what is missing, cut, flipped, swapped and stray, each by its key', async () => {
  rmSync(await fileOf(1));
  truncateSync(await fileOf(2), 100);
  const flipped = readFileSync(await fileOf(3));
  flipped[flipped.length - 1]! ^= 1;
  overwrite(await fileOf(3), flipped);
  const aside = join(folder.dir, 'aside');
  renameSync(await fileOf(4), aside);
  renameSync(await fileOf(5), await fileOf(4));
  renameSync(aside, await fileOf(5));
  copyFileSync(await fileOf(6), join(await fileOf(6), '..', '1.2.3.dcm'));
  const { found, summary } = await findings();
  expect(found.map(({ kind, sopInstanceUID }) => `${kind} ${sopInstanceUID?.split('.').at(-1) ?? ''}`).sort()).toEqual([
    'hash 3',
    'missing 1',
    'size 2',
    'stray ',
    'swapped 4',
    'swapped 5',
  ]);
  expect(summary).toMatchObject({ sound: 6, findings: { missing: 1, size: 1, hash: 1, swapped: 2, stray: 1 } });
});

test('names unreadable segments', async () => {
  const [first] = await storedKeys(archive, 'manifests/');
  const path = join(folder.dir, 'store', first!);
  const bytes = readFileSync(path);
  overwrite(path, bytes.subarray(0, bytes.length - 20));
  rmSync(join(folder.dir, 'store', (await storedKeys(archive, 'metadata/')).at(-1)!));
  const { found } = await findings();
  expect(
    found
      .filter(({ kind }) => kind === 'segment')
      .map(({ key }) => key.split('/')[0])
      .sort(),
  ).toEqual(['manifests', 'metadata']);
});

test('a store that does not answer leaves objects not checked, never missing', async () => {
  const silent = (await fileOf(7)).split('/').at(-1)!;
  const store: ObjectStore = Object.assign(Object.create(archive.store), {});
  const half = new Proxy(store, {
    getPrototypeOf: () => Object.prototype,
    get: (target, name) => {
      if (name !== 'stream') return Reflect.get(archive.store, name).bind?.(archive.store) ?? Reflect.get(target, name);
      return (key: string) =>
        key.endsWith(silent) ? Promise.reject(new LifeboatError('STORE_UNAVAILABLE')) : archive.store.stream(key);
    },
  });
  const { found, summary } = await findings(half);
  expect(found.map(({ kind, sopInstanceUID }) => [kind, sopInstanceUID])).toEqual([['not-checked', `${SERIES}.7`]]);
  expect(summary.sound).toBe(10);
});

test('a catalogue that shows less or more than the store is named', async () => {
  const entries = await archive.entries(STUDY);
  await archive.catalogue.clear();
  await archive.catalogue.apply(entries.slice(1));
  await archive.catalogue.apply([{ ...entries[0]!, studyInstanceUID: '1.2.99', seriesInstanceUID: '1.2.99.1' }]);
  const { found } = await findings();
  expect(found.map(({ kind, studyInstanceUID }) => [kind, studyInstanceUID]).sort()).toEqual([
    ['catalogue', '1.2.3.77'],
    ['catalogue', STUDY],
  ]);
});
