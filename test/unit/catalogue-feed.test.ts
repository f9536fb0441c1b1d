import { expect, test } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import { CatalogueFeed, type StoredInstance } from '../../storage/catalogue-feed.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { SpoolEntry } from '../../storage/spool-types.ts';

function stored(number: number): StoredInstance {
  const entry = { studyInstanceUID: '1.2', sopInstanceUID: `1.2.${number}`, dataSetSha256: String(number) };
  return { spooled: { ...entry, id: String(number) } as SpoolEntry, entry: entry as InstanceEntry };
}

/** A feed into a catalogue that refuses as `refuse` says; `applied` collects spool ids in order. */
function feedInto(instances: StoredInstance[], refuse: (entries: InstanceEntry[]) => LifeboatError | null) {
  const applied: string[] = [];
  const lost: string[] = [];
  const catalogue: Pick<Catalogue, 'apply'> = {
    apply: async (entries) => {
      const error = refuse(entries);
      if (error) throw error;
    },
  };
  const feed = new CatalogueFeed({
    catalogue: catalogue as Catalogue,
    entries: async () => instances.map(({ entry }) => entry),
    onApplied: async (some) => {
      applied.push(...some.map(({ spooled }) => spooled.id));
    },
    onLost: (spooled) => lost.push(...spooled.map(({ id }) => id)),
    onProblem: () => undefined,
  });
  return { feed, applied, lost };
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !what(); i++) await new Promise((wait) => setTimeout(wait, 20));
}

test('while the catalogue is away everything waits, and is applied once when it is back', async () => {
  let away = true;
  const instances = [stored(1), stored(2), stored(3)];
  const { feed, applied, lost } = feedInto(instances, () => (away ? new LifeboatError('CATALOGUE_UNAVAILABLE') : null));
  await feed.apply(instances.slice(0, 2));
  await feed.apply(instances.slice(2));
  expect(applied).toEqual([]);
  away = false;
  await until(() => applied.length === 3);
  expect(applied.sort()).toEqual(['1', '2', '3']);
  expect(lost).toEqual([]);
  await feed.close();
});

test('an entry that the catalogue refuses holds up no other', async () => {
  const instances = [stored(1), stored(2), stored(3)];
  const { feed, applied } = feedInto(instances, (entries) =>
    entries.some(({ sopInstanceUID }) => sopInstanceUID === '1.2.2') ? new LifeboatError('INTERNAL') : null,
  );
  await feed.apply(instances);
  expect(applied).toEqual(['1', '3']);
  await feed.close();
});

test('what the store does not show any more is given back to be committed again', async () => {
  let away = true;
  const { feed, applied, lost } = feedInto([stored(1)], () =>
    away ? new LifeboatError('CATALOGUE_UNAVAILABLE') : null,
  );
  await feed.apply([stored(1), stored(2)]);
  away = false;
  await until(() => lost.length > 0 && applied.length > 0);
  expect([applied, lost]).toEqual([['1'], ['2']]);
  await feed.close();
});
