import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { compactStudy, removeReplaced } from '../../storage/compact.ts';
import { metadataKeyOf } from '../../storage/keys.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { verify } from '../../storage/verify.ts';
import { type ArchiveFolder, archiveFolder, lines, receive, STUDY, slice, storedKeys } from '../support/archive.ts';

const run = promisify(execFile);
const NOW = { minSegments: 2, quietMs: 0 };

let folder: ArchiveFolder;
let archive: Archive;
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  for (const [number, content] of [
    [1, 1],
    [2, 2],
    [3, 3],
    [2, 99],
  ] as const) {
    await receive(archive, slice(number, content));
    await archive.flush();
  }
});
afterEach(async () => {
  await archive.close();
  folder.remove();
});

const segments = () => storedKeys(archive, 'manifests/');

/** What readers see who have nothing cached, and the catalogue made from it. */
async function seen() {
  const cache = new StudyCache(archive.store);
  const entries = await cache.entries(STUDY);
  await rebuild({ store: archive.store, catalogue: archive.catalogue });
  const findings: string[] = [];
  for await (const { kind, text } of verify({ store: archive.store, catalogue: archive.catalogue, strayAgeMs: 0 }))
    if (kind !== 'two-contents') findings.push(text);
  return {
    entries: entries.map((entry) => JSON.stringify(entry)).sort(),
    metadata: (await cache.metadata(STUDY)).map(({ json }) => json).sort(),
    catalogue: await lines(archive.catalogue.dump()),
    findings,
  };
}

test('readers see the same before, with old and new side by side, and after the old ones are gone', async () => {
  const old = await segments();
  expect(old).toHaveLength(4);
  const before = await seen();
  expect(before.entries).toHaveLength(4);
  expect(before.findings).toEqual([]);

  expect(await compactStudy(archive.store, STUDY)).toBeNull();
  const { key, merged } = (await compactStudy(archive.store, STUDY, NOW))!;
  expect(merged).toBe(4);
  expect(await segments()).toEqual([...old, key]);
  expect(await seen()).toEqual(before);
  expect(await new StudyCache(archive.store).segmentKeys(STUDY)).toEqual([key]);
  expect(await compactStudy(archive.store, STUDY, NOW)).toBeNull();

  expect(await removeReplaced(archive.store, STUDY)).toEqual([]);
  expect(await removeReplaced(archive.store, STUDY, 0)).toEqual(old);
  expect(await segments()).toEqual([key]);
  expect(await seen()).toEqual(before);
  expect(await removeReplaced(archive.store, STUDY, 0)).toEqual([]);

  await receive(archive, slice(4));
  await archive.flush();
  expect(await archive.entries(STUDY)).toHaveLength(5);
});

test('what cannot be read again is not merged, and nothing is deleted for a replacement that is damaged', async () => {
  const old = await segments();
  const path = (key: string) => join(folder.dir, 'store', key);
  rmSync(path(metadataKeyOf(old[0]!)));
  const { key } = (await compactStudy(archive.store, STUDY, NOW))!;
  expect(await new StudyCache(archive.store).entries(STUDY)).toHaveLength(4);
  rmSync(path(key));
  writeFileSync(path(key), 'torn');
  expect(await removeReplaced(archive.store, STUDY, 0)).toEqual([]);
  expect(await segments()).toEqual([...old, key]);
  expect(await new StudyCache(archive.store).entries(STUDY)).toHaveLength(4);
});

test('a large study becomes several segments of bearable size, and full ones are left alone', async () => {
  const size = { ...NOW, maxLines: 2 };
  const first = (await compactStudy(archive.store, STUDY, size))!;
  expect(first.merged).toBe(2);
  const second = (await compactStudy(archive.store, STUDY, size))!;
  expect(second.merged).toBe(2);
  expect(await compactStudy(archive.store, STUDY, size)).toBeNull();
  expect((await new StudyCache(archive.store).segmentKeys(STUDY)).sort()).toEqual([first.key, second.key].sort());
  expect(await new StudyCache(archive.store).entries(STUDY)).toHaveLength(4);
});

test('the command goes through the store, says what it did, and the next start of a router loses nothing', async () => {
  const before = await seen();
  const { instances } = await archive.catalogue.totals();
  await archive.close();
  const { stdout } = await run(
    process.execPath,
    [
      resolve(import.meta.dirname, '../../bin/lifeboat.mjs'),
      ...['compact', '--min-segments', '2', '--quiet-minutes', '0'],
    ],
    { env: { PATH: process.env['PATH'], LIFEBOAT_DATA: folder.dir } },
  );
  expect(stdout).toContain('1 studies with 4 segments: 4 segments became 1, 0 replaced earlier were deleted.');
  archive = await folder.open({ tending: { tickMs: 20, compareMs: 50, rest: 1 } });
  await expect.poll(() => archive.tending().comparedAt, { timeout: 20_000 }).toBeDefined();
  expect(await removeReplaced(archive.store, STUDY, 0)).toHaveLength(4);
  const then = archive.tending().comparedAt!;
  await expect.poll(() => archive.tending().comparedAt! > then, { timeout: 20_000 }).toBe(true);
  expect(archive.tending().lost).toBeUndefined();
  expect((await archive.catalogue.totals()).instances).toBe(instances);
  // a comparison that was under way when the old ones went may have seen some of them still
  await expect.poll(() => archive.catalogue.segments('manifests/'), { timeout: 20_000 }).toEqual(await segments());
  expect(await seen()).toEqual(before);
});

test('an open archive compacts now and then by itself, while it goes on receiving', async () => {
  const before = await seen();
  await archive.close();
  archive = await folder.open({ compaction: { ...NOW, everyMs: 100, graceMs: 0 } });
  await expect.poll(async () => (await segments()).length, { timeout: 30_000 }).toBe(1);
  expect(await seen()).toEqual(before);
  await receive(archive, slice(8));
  await archive.flush();
  expect(await archive.entries(STUDY)).toHaveLength(5);
  expect(folder.problems).toEqual([]);
});

test('a rebuild under way while segments are replaced has every line all the same', async () => {
  const whole = await lines(archive.catalogue.dump());
  const { store } = archive;
  let compacted = false;
  const slow: ObjectStore = Object.assign(Object.create(store) as ObjectStore, {
    get: async (key: string) => {
      if (!compacted) {
        compacted = true;
        await compactStudy(store, STUDY, NOW);
        await removeReplaced(store, STUDY, 0);
      }
      return store.get(key);
    },
  });
  const { damaged } = await rebuild({ store: slow, catalogue: archive.catalogue });
  expect(compacted).toBe(true);
  expect(damaged).toEqual([]);
  expect(await lines(archive.catalogue.dump())).toEqual(whole);
});
