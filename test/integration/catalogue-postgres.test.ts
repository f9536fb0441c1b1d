import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { entryOf } from '../support/catalogue-entries.ts';
import { describeCatalogue } from '../support/catalogue-suite.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';

describe.skipIf(!postgresPrograms())('with a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  describeCatalogue('PostgreSQL', () => openCatalogue({ kind: 'postgres', url: server.url }), 25);

  it('lets two routers write the same entries at once', async () => {
    const [one, two] = await Promise.all([
      openCatalogue({ kind: 'postgres', url: server.url }),
      openCatalogue({ kind: 'postgres', url: server.url }),
    ]);
    await one.clear();
    const entries = Array.from({ length: 60 }, (_, i) => entryOf({ study: `1.2.${i % 6}`, sop: `1.3.${i}` }));
    await Promise.all(entries.flatMap((entry) => [one.apply([entry]), two.apply([entry])]));
    expect(await two.totals()).toMatchObject({ studies: 6, instances: 60, conflicts: 0 });
    await Promise.all([one.close(), two.close()]);
  });

  it('gives the same dump as SQLite', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lifeboat-catalogue-'));
    const postgres = await openCatalogue({ kind: 'postgres', url: server.url });
    const sqlite = await openCatalogue({ kind: 'sqlite', file: join(folder, 'catalogue.sqlite') });
    try {
      await postgres.clear();
      const entries = ['Müller^Zoë', 'Yamada=山田', 'قباني^لنزار', '😀^x'].map((name, i) =>
        entryOf({ study: `1.${i}`, name }),
      );
      await Promise.all([postgres.apply(entries), sqlite.apply(entries)]);
      const lines = async (dump: AsyncIterable<string>) => {
        const all: string[] = [];
        for await (const line of dump) all.push(line);
        return all;
      };
      expect(await lines(postgres.dump())).toEqual(await lines(sqlite.dump()));
    } finally {
      await Promise.all([postgres.close(), sqlite.close()]);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says that the catalogue is unavailable when nobody answers', async () => {
    await expect(openCatalogue({ kind: 'postgres', url: 'postgres://x@127.0.0.1:1/x' })).rejects.toMatchObject({
      code: 'CATALOGUE_UNAVAILABLE',
    });
  });
});
