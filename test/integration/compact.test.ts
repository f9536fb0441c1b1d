import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { compactStudy, removeReplaced } from '../../storage/compact.ts';
import { metadataKeyOf } from '../../storage/keys.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { verify } from '../../storage/verify.ts';
import { type ArchiveFolder, archiveFolder, lines, receive, STUDY, slice, storedKeys } from '../support/archive.ts';

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
  const key = await compactStudy(archive.store, STUDY, NOW);
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
  const key = await compactStudy(archive.store, STUDY, NOW);
  expect(await new StudyCache(archive.store).entries(STUDY)).toHaveLength(4);
  rmSync(path(key!));
  writeFileSync(path(key!), 'torn');
  expect(await removeReplaced(archive.store, STUDY, 0)).toEqual([]);
  expect(await segments()).toEqual([...old, key]);
  expect(await new StudyCache(archive.store).entries(STUDY)).toHaveLength(4);
});
