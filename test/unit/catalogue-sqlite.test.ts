import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { entryOf } from '../support/catalogue-entries.ts';
import { describeCatalogue } from '../support/catalogue-suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifeboat-catalogue-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeCatalogue('SQLite', () => openCatalogue({ kind: 'sqlite', file: join(folder, 'suite.sqlite') }), 60);

describe('SQLite file', () => {
  it('keeps what was applied over a restart', async () => {
    const file = join(folder, 'deep', 'kept.sqlite');
    const first = await openCatalogue({ kind: 'sqlite', file });
    await first.apply([entryOf()]);
    await first.close();
    const second = await openCatalogue({ kind: 'sqlite', file });
    expect(await second.totals()).toMatchObject({ studies: 1 });
    await second.close();
  });

  it('asks for a rebuild until one was finished, over restarts', async () => {
    const file = join(folder, 'rebuilt.sqlite');
    const reopened = async (work: (catalogue: Catalogue) => Promise<void>) => {
      const catalogue = await openCatalogue({ kind: 'sqlite', file });
      const needed = catalogue.needsRebuild;
      await work(catalogue);
      await catalogue.close();
      return needed;
    };
    expect(await reopened((catalogue) => catalogue.apply([entryOf()]))).toBe(true);
    expect(await reopened((catalogue) => catalogue.rebuilt!())).toBe(true);
    expect(await reopened((catalogue) => catalogue.clear())).toBe(false);
    expect(await reopened(async () => {})).toBe(true);
  });

  it('starts empty and asks for a rebuild when the file is of another version', async () => {
    const file = join(folder, 'old.sqlite');
    await (await openCatalogue({ kind: 'sqlite', file })).close();
    const db = new DatabaseSync(file);
    db.exec("update catalogue_meta set value = 'older'");
    db.close();
    const catalogue = await openCatalogue({ kind: 'sqlite', file });
    expect(catalogue.needsRebuild).toBe(true);
    await catalogue.apply([entryOf()]);
    expect(await catalogue.totals()).toMatchObject({ studies: 1 });
    await catalogue.close();
  });

  it('sets a damaged file aside instead of refusing to start', async () => {
    const file = join(folder, 'damaged.sqlite');
    writeFileSync(file, 'this is no database, '.repeat(500));
    const catalogue = await openCatalogue({ kind: 'sqlite', file });
    expect(catalogue.needsRebuild).toBe(true);
    await catalogue.apply([entryOf()]);
    expect(await catalogue.totals()).toMatchObject({ studies: 1 });
    await catalogue.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('damaged.sqlite.damaged-'))).toHaveLength(1);
  });
});
