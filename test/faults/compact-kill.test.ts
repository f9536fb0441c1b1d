import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { compactStore } from '../../storage/compact-store.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { archiveFolder, lines, receive, STUDY, slice, storedKeys } from '../support/archive.ts';

const child = resolve(import.meta.dirname, '../support/compact-child.ts');
const OTHER = `${STUDY}.7`;
/** Longer than any reader here holds a list. */
const GRACE_MS = 8000;

async function startCompacting(dir: string): Promise<ChildProcess> {
  const compacting = spawn(process.execPath, [child, join(dir, 'store'), String(GRACE_MS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(compacting.stdout!, 'data');
  return compacting;
}

test('killed at any moment, two at once, while images come and readers read: nobody ever misses a line', async () => {
  const folder = archiveFolder();
  const archive = await folder.open();
  const committed: string[] = [];
  let busy = true;
  const compacting = async () => {
    for (let kills = 0; busy; kills++) {
      const process_ = await startCompacting(folder.dir);
      await new Promise((wait) => setTimeout(wait, 20 + ((kills * 137) % 700)));
      process_.kill('SIGKILL');
      await once(process_, 'close');
    }
  };
  let looks = 0;
  // a reader over a slow line holds its list for a while before it reads what stands in it
  const slow: ObjectStore = Object.assign(Object.create(archive.store) as ObjectStore, {
    get: async (key: string) => {
      await new Promise((wait) => setTimeout(wait, 400));
      return archive.store.get(key);
    },
  });
  const reading = async () => {
    while (busy) {
      const expected = [...committed];
      const cache = new StudyCache(looks % 2 === 0 ? slow : archive.store);
      const found = new Set(
        [...(await cache.entries(STUDY)), ...(await cache.entries(OTHER))].map((e) => e.sopInstanceUID),
      );
      expect(expected.filter((uid) => !found.has(uid))).toEqual([]);
      expect((await cache.metadata(STUDY)).length + (await cache.metadata(OTHER)).length).toBeGreaterThanOrEqual(
        found.size,
      );
      looks++;
      await new Promise((wait) => setTimeout(wait, 50));
    }
  };
  try {
    const others = [compacting(), compacting(), reading()];
    for (let i = 1; i <= 40; i++) {
      const { sopInstanceUID } = await receive(archive, slice(i, i, i % 3 === 0 ? OTHER : STUDY));
      await archive.flush();
      committed.push(sopInstanceUID);
    }
    busy = false;
    await Promise.all(others);
    expect(looks).toBeGreaterThan(4);

    const dump = await lines(archive.catalogue.dump());
    const quiet = { store: archive.store, minSegments: 2, quietMs: 0, graceMs: 0 };
    while ((await compactStore(quiet)).written > 0);
    const live = [
      ...(await new StudyCache(archive.store).segmentKeys(STUDY)),
      ...(await new StudyCache(archive.store).segmentKeys(OTHER)),
    ];
    expect(await storedKeys(archive, 'manifests/')).toEqual(live.sort());
    expect(live).toHaveLength(2);
    await rebuild({ store: archive.store, catalogue: archive.catalogue });
    expect(await lines(archive.catalogue.dump())).toEqual(dump);
    expect((await archive.catalogue.totals()).instances).toBe(40);
  } finally {
    busy = false;
    await archive.close();
    folder.remove();
  }
}, 300_000);
