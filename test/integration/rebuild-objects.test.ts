import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rebuild } from '../../storage/rebuild.ts';
import { rebuildManifests } from '../../storage/rebuild-objects.ts';
import { verify } from '../../storage/verify.ts';
import { archiveFolder, receive, SERIES, STUDY, slice, storedKeys } from '../support/archive.ts';

test('manifests that are lost or damaged are made again from the objects, with the same hashes', async () => {
  const folder = archiveFolder();
  let archive = await folder.open();
  try {
    for (let i = 1; i <= 4; i++) await receive(archive, slice(i));
    await receive(archive, slice(1, 1, '1.2.3.77'));
    await archive.flush();
    await receive(archive, slice(5));
    await archive.flush();
    const told = ({
      sopInstanceUID,
      sha256,
      dataSetSha256,
      key,
      size,
      pixelData,
      attributes,
    }: object & Record<string, unknown>) => ({
      sopInstanceUID,
      sha256,
      dataSetSha256,
      key,
      size,
      pixelData,
      attributes,
    });
    const bySop = (a: { sopInstanceUID?: unknown }, b: { sopInstanceUID?: unknown }) =>
      String(a.sopInstanceUID) < String(b.sopInstanceUID) ? -1 : 1;
    const before = (await archive.entries(STUDY)).map((entry) => told({ ...entry })).sort(bySop);
    const lost = (await storedKeys(archive, 'manifests/')).filter((key) => key.includes(STUDY));
    writeFileSync(join(folder.dir, 'store', lost[0]!), 'rotten');
    rmSync(join(folder.dir, 'store', lost[1]!));
    writeFileSync(join(folder.dir, 'store', 'objects', 'notes.txt'), 'no DICOM');
    await archive.close();
    archive = await folder.open();

    const result = await rebuildManifests({ store: archive.store });
    expect(result).toMatchObject({ objects: 7, added: 5 });
    expect(result.unreadable.map(({ message }) => message)).toEqual([expect.stringContaining('objects/notes.txt')]);
    expect((await rebuildManifests({ store: archive.store })).added).toBe(0);
    await archive.close();
    archive = await folder.open();
    expect((await archive.entries(STUDY)).map((entry) => told({ ...entry })).sort(bySop)).toEqual(before);
    expect((await archive.entries(STUDY))[0]?.notes?.[0]).toMatch(/made again/);
    expect(await archive.metadata(STUDY, SERIES, `${SERIES}.5`)).toHaveLength(1);
    await rebuild({ store: archive.store, catalogue: archive.catalogue });
    expect(await archive.catalogue.totals()).toMatchObject({ studies: 2, instances: 6 });
    const run = verify({ store: archive.store, catalogue: archive.catalogue });
    const kinds: string[] = [];
    for await (const { kind } of run) kinds.push(kind);
    expect(kinds).toEqual(['segment-damaged']);
  } finally {
    await archive.close();
    folder.remove();
  }
});
