import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorklistQuery } from '../../storage/catalogue/catalogue-types.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { IS_SAMPLE } from '../../storage/catalogue/postgres-sample.ts';
import { generateCatalogue } from '../bench/million-studies.ts';
import { copyToPostgres } from '../bench/postgres-copy.ts';
import { entryOf, text } from '../support/catalogue-entries.ts';
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

  it('keeps its sample of the posting lists true to them', async () => {
    const postgres = await openCatalogue({ kind: 'postgres', url: server.url });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const sampled = async () => {
      const { rows } = await client.query('select rank::text, terms::text from study_sample order by rank');
      const wanted = await client.query(
        `select rank::text, terms::text from study_postings where ${IS_SAMPLE} order by rank`,
      );
      expect(rows).toEqual(wanted.rows);
      return rows.length;
    };
    try {
      await postgres.clear();
      const study = (n: number, date: string, received: string) =>
        entryOf({ study: `1.2.${n}`, receivedAt: received, attributes: { '00080020': text('DA', date) } });
      const numbers = Array.from({ length: 1500 }, (_, i) => i);
      await postgres.apply(numbers.map((n) => study(n, '20260101', '2026-01-01T00:00:00.000Z')));
      expect(await sampled()).toBeGreaterThan(2);
      await postgres.apply(numbers.map((n) => study(n, '20250607', '2026-01-02T00:00:00.000Z')));
      expect(await sampled()).toBeGreaterThan(2);
      await postgres.clear();
      expect(await sampled()).toBe(0);
    } finally {
      await client.end();
      await postgres.close();
    }
  });

  it('gives the same rows and counts as SQLite over 40,000 studies, whichever way it takes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lifeboat-catalogue-'));
    const file = join(folder, 'catalogue.sqlite');
    generateCatalogue(file, 40_000);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('create database many');
    await client.end();
    const url = new URL(server.url);
    url.pathname = '/many';
    await copyToPostgres(file, url.href);
    const postgres = await openCatalogue({ kind: 'postgres', url: url.href });
    const sqlite = await openCatalogue({ kind: 'sqlite', file });
    try {
      const page = { limit: 50, offset: 0 };
      const searches = [
        's',
        'm a',
        's j',
        'smith',
        'smith j',
        'garcia m',
        'x q',
        'ива',
        '山田',
        'qqxq',
        'mrn0000',
        'head b',
      ];
      const queries: WorklistQuery[] = [
        ...searches.map((search) => ({ ...page, search })),
        ...searches.map((search) => ({ ...page, search, sort: 'studyDate' })),
        ...searches.map((search) => ({ ...page, search, sort: 'patientName' })),
        ...['s', 'm a', 'smith'].map((search) => ({
          limit: 20,
          offset: 150,
          search,
          dateFrom: '20200101',
          dateTo: '20231231',
        })),
        { limit: 50, offset: 5000, modalities: ['CT'] },
        { ...page, modalities: ['MG', 'NM'], search: 'a' },
        { ...page, callingAE: 'CT1' },
        { ...page, modalities: ['DX'] },
        { ...page, modalities: ['DX'], sort: '-bytes' },
        { ...page, conflicts: true, search: 's' },
      ];
      for (const query of queries)
        expect(await postgres.worklist(query), JSON.stringify(query)).toEqual(await sqlite.worklist(query));
      const named = (value: string, fuzzy: boolean) => ({
        level: 'study' as const,
        keys: [{ tag: '00100010', value }],
        fuzzy,
        ...page,
      });
      for (const query of [
        ...['SMITH*', 'Müller^J*', '*mith*', 'kab*'].map((value) => named(value, false)),
        ...['john smi', 'tarou', 'иван', 's'].map((value) => named(value, true)),
        {
          ...named('s*', false),
          keys: [
            { tag: '00100010', value: 's*' },
            { tag: '00100040', value: 'F' },
            { tag: '00081030', value: 'Bone*' },
          ],
        },
      ])
        expect(await postgres.query(query), JSON.stringify(query)).toEqual(await sqlite.query(query));
    } finally {
      await Promise.all([postgres.close(), sqlite.close()]);
      rmSync(folder, { recursive: true, force: true });
    }
  }, 240_000);

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
