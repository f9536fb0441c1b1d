import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import type { IndexTimes } from '../../storage/lifeboat/index-keeper.ts';
import { IndexThread } from '../../storage/lifeboat/index-thread.ts';
import { sourceOf } from '../../storage/lifeboat/row-stream.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice } from '../support/archive.ts';

const PATIENCE = { timeout: 50_000, interval: 100 };

let folder: ArchiveFolder;
let archive: Archive;
let thread: IndexThread;
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
});
afterEach(async () => {
  await thread.close();
  await archive.close();
  folder.remove();
});

async function startIndex(times: IndexTimes): Promise<void> {
  const { dir: dataDir, options } = folder;
  const onProblem = (error: Error) => {
    throw error;
  };
  thread = new IndexThread({ dataDir, store: options.store, program: 'test', gatherMs: 50, onProblem, ...times });
  archive.events.on('committed', (entries) => thread.changed(new Set(entries.map((entry) => entry.studyInstanceUID))));
  thread.start();
}

const everything = async () => {
  const index = await openLifeboatIndex(sourceOf(archive.store));
  const { hits, problems } = await index.search({ limit: 10 });
  return { hits: hits.map((hit) => hit.studyInstanceUID).sort(), problems };
};

test('an index that was removed from the store is made anew by itself, with the old studies and the new ones', async () => {
  await startIndex({ lookMs: 200 });
  for (let i = 0; i < 3; i++) await receive(archive, slice(1, 1, `${STUDY}.${i}`));
  await archive.flush();
  const three = [0, 1, 2].map((i) => `${STUDY}.${i}`);
  await expect.poll(everything, PATIENCE).toEqual({ hits: three, problems: [] });
  await expect.poll(() => thread.status().comparedAt, PATIENCE).not.toBeNull();

  rmSync(join(folder.dir, 'store/lifeboat'), { recursive: true });
  await expect.poll(everything, PATIENCE).toEqual({ hits: three, problems: [] });

  rmSync(join(folder.dir, 'store/lifeboat'), { recursive: true });
  await receive(archive, slice(1, 1, `${STUDY}.3`));
  await archive.flush();
  await expect.poll(everything, PATIENCE).toEqual({ hits: [...three, `${STUDY}.3`], problems: [] });
});

test('the index of an archive in which nothing happens does not look old', async () => {
  await startIndex({ beatMs: 300 });
  await receive(archive, slice(1));
  await archive.flush();
  const ages = async () => {
    const { newestPieceAt, asOf } = await (await openLifeboatIndex(sourceOf(archive.store))).search({ limit: 1 });
    return { newestPieceAt, asOf };
  };
  await expect.poll(async () => (await everything()).hits, PATIENCE).toEqual([STUDY]);
  await expect.poll(() => thread.status().comparedAt, PATIENCE).not.toBeNull();
  const before = await ages();
  await expect.poll(async () => ((await ages()).asOf ?? '') > before.asOf!, PATIENCE).toBe(true);
  expect((await ages()).newestPieceAt).toBe(before.newestPieceAt);
});
