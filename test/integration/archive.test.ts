import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { verify } from '../../storage/verify.ts';
import {
  type ArchiveFolder,
  archiveFolder,
  lines,
  receive,
  SERIES,
  STUDY,
  slice,
  storedKeys,
} from '../support/archive.ts';
import { realFiles } from '../support/files.ts';

let folder: ArchiveFolder;
let archive: Archive;
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
});
afterEach(async () => {
  await archive.close();
  folder.remove();
});

async function kindsFound(): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind } of verify({ store: archive.store })) kinds.push(kind);
  return kinds;
}

async function reopen(): Promise<void> {
  await archive.close();
  archive = await folder.open();
}

describe('what was received', () => {
  test('is in the store bit for bit, in the manifest and in the catalogue', async () => {
    const committed: InstanceEntry[] = [];
    archive.events.on('committed', (entries) => committed.push(...entries));
    for (let i = 1; i <= 5; i++) await receive(archive, slice(i));
    await archive.flush();
    expect(committed).toHaveLength(5);
    const entries = await archive.entries(STUDY);
    expect(entries).toHaveLength(5);
    for (const entry of entries) {
      const { bytes } = slice(Number(entry.sopInstanceUID.split('.').at(-1)));
      const object = await archive.store.get(entry.key);
      expect(object.subarray(entry.dataSetOffset).equals(bytes)).toBe(true);
      expect(entry.source).toEqual({ via: 'c-store', callingAE: 'CT1', address: '192.0.2.1' });
      expect(entry.pixelData).toMatchObject({ kind: 'native', length: 32, frames: 1 });
    }
    expect(await archive.catalogue.totals()).toMatchObject({ studies: 1, series: 1, instances: 5, conflicts: 0 });
    const manifest = await archive.manifest(STUDY);
    expect(manifest?.series[0]?.instances).toHaveLength(5);
    expect(archive.spool()).toMatchObject({ entries: 0, bytes: 0, oldest: null });
  });

  test('is one segment for a burst, not one for each image', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, i) => receive(archive, slice(i + 1))));
    await archive.flush();
    expect((await storedKeys(archive, 'manifests/')).length).toBeLessThanOrEqual(2);
    expect(await archive.entries(STUDY)).toHaveLength(60);
  });

  test('answers metadata of study, series and instance as JSON text', async () => {
    for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
    await archive.flush();
    await reopen();
    const all = (await archive.metadata(STUDY)).map(({ json }) => JSON.parse(json));
    expect(all.map((json) => json['00080018'].Value[0]).sort()).toEqual([1, 2, 3].map((i) => `${SERIES}.${i}`));
    expect(all[0]['00100010'].Value[0].Alphabetic).toBe('Doe^Jane');
    expect(await archive.metadata(STUDY, SERIES, `${SERIES}.2`)).toHaveLength(1);
    expect(await archive.metadata(STUDY, '1.2.3')).toEqual([]);
    expect(await archive.metadata('1.2.3.9')).toEqual([]);
    expect(await archive.manifest('1.2.3.9')).toBeNull();
  });
});

describe('the same SOP Instance UID again', () => {
  test('same bytes: kept once, also after a restart', async () => {
    await receive(archive, slice(1));
    await receive(archive, slice(1));
    await archive.flush();
    await receive(archive, slice(1));
    await archive.flush();
    await reopen();
    await receive(archive, slice(1));
    await archive.flush();
    expect(await archive.entries(STUDY)).toHaveLength(1);
    expect(await storedKeys(archive, 'objects/')).toHaveLength(1);
    expect(await storedKeys(archive, 'manifests/')).toHaveLength(1);
    expect(await archive.catalogue.totals()).toMatchObject({ instances: 1, conflicts: 0 });
  });

  test('other content: both kept, the newest shown, the conflict seen', async () => {
    const old = await receive(archive, slice(1, 1));
    await archive.flush();
    await new Promise((wait) => setTimeout(wait, 5));
    const recent = await receive(archive, { ...slice(1, 2) });
    await archive.flush();
    expect((await archive.entries(STUDY)).map((entry) => entry.dataSetSha256).sort()).toEqual(
      [old.dataSetSha256, recent.dataSetSha256].sort(),
    );
    expect(await storedKeys(archive, 'objects/')).toHaveLength(2);
    const shown = (await archive.manifest(STUDY))?.series[0]?.instances;
    expect(shown).toHaveLength(1);
    expect(shown?.[0]).toMatchObject({ dataSetSha256: recent.dataSetSha256 });
    expect(shown?.[0]?.superseded).toMatchObject([{ dataSetSha256: old.dataSetSha256 }]);
    expect(await archive.metadata(STUDY)).toHaveLength(1);
    expect((await archive.catalogue.totals()).conflicts).toBe(1);
  });

  test('same bytes after the object was lost from the store: kept again', async () => {
    await receive(archive, slice(1));
    await archive.flush();
    const [entry] = await archive.entries(STUDY);
    await archive.store.delete(entry!.key);
    await receive(archive, slice(1));
    await archive.flush();
    const [again] = await archive.entries(STUDY);
    expect((await archive.store.get(again!.key)).subarray(again!.dataSetOffset).equals(slice(1).bytes)).toBe(true);
  });

  test('same bytes after the object was damaged in the store at its full size: whole again', async () => {
    for (let i = 1; i <= 2; i++) await receive(archive, slice(i));
    await archive.flush();
    const entry = (await archive.entries(STUDY)).find(({ sopInstanceUID }) => sopInstanceUID === slice(1).sop)!;
    const path = join(folder.dir, 'store', entry.key);
    const damaged = readFileSync(path);
    damaged[damaged.length - 1]! ^= 1;
    writeFileSync(path, damaged);
    expect(await kindsFound()).toEqual(['flipped']);

    for (let i = 1; i <= 2; i++) await receive(archive, slice(i));
    await archive.flush();
    expect((await archive.store.get(entry.key)).subarray(entry.dataSetOffset).equals(slice(1).bytes)).toBe(true);
    expect(await kindsFound()).toEqual([]);
    expect(await archive.entries(STUDY)).toHaveLength(2);
    expect(archive.spool().entries).toBe(0);
  });
});

describe('one that cannot be committed as usual', () => {
  test('an entry torn in the spool is set aside, named, and holds up no other', async () => {
    await archive.close();
    archive = await folder.open({ onStep: () => undefined });
    renameSync(join(folder.dir, 'store', '~tmp'), join(folder.dir, 'tmp-away'));
    await receive(archive, slice(1));
    await receive(archive, slice(2));
    const spool = join(folder.dir, 'spool');
    const [torn] = readdirSync(spool)
      .filter((name) => name.endsWith('.dcm'))
      .sort();
    writeFileSync(join(spool, torn!), 'torn');
    renameSync(join(folder.dir, 'tmp-away'), join(folder.dir, 'store', '~tmp'));
    await archive.flush();
    expect((await archive.entries(STUDY)).map((entry) => entry.sopInstanceUID)).toEqual([`${SERIES}.2`]);
    expect(folder.problems.map((problem) => problem.code)).toContain('OBJECT_DAMAGED');
    expect(readdirSync(join(spool, 'damaged')).length).toBeGreaterThan(0);
  });

  test('a damaged segment costs its own lines and is named; the rest of the study is read and added to', async () => {
    await receive(archive, slice(1));
    await archive.flush();
    await receive(archive, slice(2));
    await archive.flush();
    const [key] = await storedKeys(archive, 'manifests/');
    writeFileSync(join(folder.dir, 'store', key!), 'rotten');
    await reopen();
    expect(await archive.entries(STUDY)).toHaveLength(1);
    expect(folder.problems.map((problem) => problem.code)).toContain('MANIFEST_DAMAGED');
    await receive(archive, slice(3));
    await archive.flush();
    expect(await archive.entries(STUDY)).toHaveLength(2);
  });
});

describe('while the store is away', () => {
  test('receiving goes on, the spool says so, and drains when it is back', async () => {
    const seen: boolean[] = [];
    archive.events.on('store', (available) => seen.push(available));
    await receive(archive, slice(1));
    await archive.flush();
    const store = join(folder.dir, 'store');
    renameSync(store, `${store}-away`);
    for (let i = 2; i <= 6; i++) await receive(archive, slice(i));
    const deadline = Date.now() + 5000;
    while (!archive.spool().storeError && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 20));
    expect(archive.spool()).toMatchObject({ entries: 5, storeError: { message: expect.stringContaining('store') } });
    expect(archive.spool().oldest).not.toBeNull();
    await receive(archive, slice(7));
    renameSync(`${store}-away`, store);
    await archive.flush();
    expect(seen).toEqual([false, true]);
    expect(archive.spool()).toMatchObject({ entries: 0 });
    expect(archive.spool().storeError).toBeUndefined();
    expect(await archive.entries(STUDY)).toHaveLength(7);
  });
});

describe('the catalogue is a cache', () => {
  test('rebuilt from the store alone it is the same, line for line', async () => {
    for (let i = 1; i <= 8; i++) await receive(archive, slice(i));
    await archive.flush();
    await receive(archive, slice(3, 99));
    await receive(archive, slice(4, 4, '1.2.3.77'));
    for (const file of realFiles().slice(0, 60)) {
      const reception = archive.beginFile({ via: 'import', user: 'test' });
      try {
        await reception.write(readFileSync(file.path));
        await reception.finish();
      } catch {
        reception.abort();
      }
    }
    await archive.flush();
    const before = await lines(archive.catalogue.dump());
    expect(before.length).toBeGreaterThan(10);
    const progress: number[] = [];
    const result = await rebuild({
      store: archive.store,
      catalogue: archive.catalogue,
      onProgress: ({ segments }) => progress.push(segments),
    });
    expect(result.damaged).toEqual([]);
    expect(result.segments).toBe(result.ofSegments);
    expect(progress.at(-1)).toBe(result.ofSegments);
    const after = await lines(archive.catalogue.dump());
    expect(after.filter((line) => !before.includes(line)).slice(0, 2)).toEqual([]);
    expect(after).toEqual(before);
  });

  test('deleted, it fills itself at the next start', async () => {
    for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
    await archive.flush();
    await archive.close();
    for (const name of readdirSync(folder.dir).filter((found) => found.startsWith('catalogue')))
      rmSync(join(folder.dir, name));
    archive = await folder.open();
    const deadline = Date.now() + 10_000;
    while ((await archive.catalogue.totals()).instances < 3 && Date.now() < deadline)
      await new Promise((wait) => setTimeout(wait, 20));
    expect(await archive.catalogue.totals()).toMatchObject({ studies: 1, instances: 3 });
    await complete();
  });

  test('once complete, also when the store is empty, it is not read from the store again at the next start', async () => {
    await complete();
    for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
    await archive.flush();
    await reopen();
    expect(archive.catalogue.needsRebuild).toBe(false);
    await rebuild({ store: archive.store, catalogue: archive.catalogue, signal: AbortSignal.abort() });
    expect(archive.catalogue.needsRebuild).toBe(true);
    await rebuild({ store: archive.store, catalogue: archive.catalogue });
    await reopen();
    expect(archive.catalogue.needsRebuild).toBe(false);
  });
});

async function complete(): Promise<void> {
  await expect.poll(() => archive.catalogue.needsRebuild, { timeout: 10_000 }).toBe(false);
}
