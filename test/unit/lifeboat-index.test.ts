import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { checkArchive } from '../../storage/format/lifeboat-archive.ts';
import { type LifeboatSearch, type LifeboatSource, openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import { type IndexHead, livePieces, packHead, pieceKey } from '../../storage/format/lifeboat-index-head.ts';
import { type IndexRow, indexPath, mergeRows, newestFirstValue } from '../../storage/format/lifeboat-index-row.ts';
import { sha256Text } from '../../storage/format/sha256.ts';
import { studyPath, ulid } from '../../storage/keys.ts';
import { PieceBuilder } from '../../storage/lifeboat/piece-builder.ts';
import { studyRow } from '../../storage/lifeboat/study-row.ts';
import { entryOf } from '../support/catalogue-entries.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-index-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function rowOf(study: string, wishes: Partial<IndexRow> = {}): IndexRow {
  const row = studyRow(indexPath(study), [entryOf({ study })], ['01']);
  return { ...row!, ...wishes };
}

/** An index of one piece, its runs small, and a head with nothing fresh. */
function indexed(rows: IndexRow[], bufferChars?: number): LifeboatSource & { requests: number } {
  const builder = new PieceBuilder(folder, bufferChars);
  for (const row of rows) builder.add(row);
  const path = join(folder, 'piece');
  const made = builder.finish(path);
  const id = ulid();
  const piece = { id, createdAt: '2026-01-01T00:00:00.000Z', ...made, replaces: [] };
  const head: IndexHead = {
    writer: 'w',
    id: ulid(),
    publishedAt: '2026-01-01T00:00:00.000Z',
    pieces: [piece],
    recent: [],
  };
  const objects = new Map([
    ['lifeboat/index/head.json', Buffer.from(packHead(head))],
    [pieceKey(id), readFileSync(path)],
  ]);
  const source = {
    requests: 0,
    get: async (key: string, range?: { first: number; last: number }) => {
      source.requests++;
      const bytes = objects.get(key);
      if (!bytes) throw new LifeboatError('OBJECT_NOT_FOUND');
      return new Uint8Array(range ? bytes.subarray(range.first, range.last + 1) : bytes);
    },
  };
  return source;
}

async function found(source: LifeboatSource, search: Omit<LifeboatSearch, 'limit'>): Promise<string[]> {
  const result = await (await openLifeboatIndex(source)).search({ ...search, limit: 50 });
  expect(result.problems).toEqual([]);
  return result.hits.map((hit) => hit.studyInstanceUID);
}

test.each([
  ['Müller^Eva', ['mull', 'MÜLLER', 'muller eva'], ['eva', 'uller', 'muller john']],
  ['Yamada^Tarou=山田^太郎=やまだ^たろう', ['yam', '山', '山田', '山田太', 'やま', 'ヤマダ'], ['たろう', '郎']],
  ['Wang^XiaoDong=王^小东', ['王小', 'wang'], ['李']],
  ['Иванов^Иван', ['ИВАН', 'иванов'], ['петр']],
  ["O'Brien-Smith^Ann", ['obrien', 'smith', "o'b"], ['ann']],
  ['حسن^محمد', ['حس'], ['محمد']],
])('family name of %s', async (patientName, finding, missing) => {
  const source = indexed([rowOf('1.2.1', { patientName }), rowOf('1.2.2', { patientName: 'Zzz^Q' })]);
  for (const familyName of finding) expect(await found(source, { familyName }), familyName).toEqual(['1.2.1']);
  for (const familyName of missing) expect(await found(source, { familyName }), familyName).toEqual([]);
});

test('identifiers match as a whole, spaces around them left out', async () => {
  const source = indexed([
    rowOf('1.2.1', { patientID: 'P1', accessionNumber: 'A 1 ' }),
    rowOf('1.2.2', { patientID: 'P12' }),
  ]);
  expect(await found(source, { patientID: ' P1' })).toEqual(['1.2.1']);
  expect(await found(source, { patientID: 'P' })).toEqual([]);
  expect(await found(source, { accessionNumber: 'A 1' })).toEqual(['1.2.1']);
  expect(await found(source, { accessionNumber: 'A 1', patientID: 'P12' })).toEqual([]);
});

test('dates and modalities: newest first, both ends included, studies without a date last', async () => {
  const days = ['20260101', '20260102', '20260103', ''];
  const rows = days.map((studyDate, i) =>
    rowOf(`1.2.${i}`, { studyDate, modalities: i === 1 ? ['CT', 'PT'] : ['CT'] }),
  );
  const source = indexed(rows);
  expect(await found(source, {})).toEqual(['1.2.2', '1.2.1', '1.2.0', '1.2.3']);
  expect(await found(source, { studyDate: { from: '20260102', to: '20260103' } })).toEqual(['1.2.2', '1.2.1']);
  expect(await found(source, { studyDate: { to: '20260101' } })).toEqual(['1.2.0']);
  expect(await found(source, { modality: 'PT' })).toEqual(['1.2.1']);
  expect(await found(source, { modality: 'CT', studyDate: { from: '20260102' } })).toEqual(['1.2.2', '1.2.1']);
});

test('thousands of studies, spilled to disk many times: pages neither repeat nor leave out', async () => {
  const rows = Array.from({ length: 9000 }, (_, i) =>
    rowOf(`1.2.${i}`, {
      studyDate: `2020${String(1 + (i % 12)).padStart(2, '0')}01`,
      patientName: `Name${i % 7}^X`,
      accessionNumber: `A${i}`,
    }),
  );
  const source = indexed(rows, 200_000);
  const index = await openLifeboatIndex(source);
  const pages = async (search: Omit<LifeboatSearch, 'limit'>) => {
    const all: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await index.search({ ...search, limit: 700, ...(after && { after }) });
      all.push(...page.hits.map((hit) => hit.studyInstanceUID));
      after = page.next;
    }
    return all;
  };
  expect(new Set(await pages({})).size).toBe(9000);
  expect((await pages({})).length).toBe(9000);
  const march = rows.filter(({ studyDate, patientName }) => studyDate === '20200301' && patientName === 'Name3^X');
  const named = await pages({ familyName: 'name3', studyDate: { from: '20200301', to: '20200301' } });
  expect(named.sort()).toEqual(march.map((row) => row.studyInstanceUID).sort());
  source.requests = 0;
  expect((await index.search({ accessionNumber: 'A4711', limit: 5 })).hits).toMatchObject([
    { studyInstanceUID: '1.2.4711' },
  ]);
  expect(source.requests).toBeLessThanOrEqual(3);
});

test('two rows of a study: the newer one counts, segments of both, in any order', () => {
  const older = rowOf('1.2.1', {
    patientName: 'Old',
    receivedAt: '2026-01-01T00:00:00.000Z',
    segments: ['A', 'B'],
    instances: 9,
  });
  const newer = rowOf('1.2.1', {
    patientName: 'New',
    receivedAt: '2026-01-02T00:00:00.000Z',
    segments: ['B', 'C'],
    instances: 4,
  });
  const merged = mergeRows(older, newer);
  expect(merged).toMatchObject({ patientName: 'New', segments: ['A', 'B', 'C'], instances: 9 });
  expect(mergeRows(newer, older)).toEqual(merged);
  expect(mergeRows(merged, older)).toEqual(merged);
});

test('a piece that another one replaces does not count, whichever head names it', () => {
  const piece = (id: string, replaces: string[]) => ({ id, replaces }) as IndexHead['pieces'][number];
  const head = (writer: string, ...pieces: IndexHead['pieces']) => ({ writer, pieces }) as IndexHead;
  const heads = [head('a', piece('1', [])), head('b', piece('2', ['1']), piece('3', []))];
  expect(livePieces(heads).map(({ id }) => id)).toEqual(['2', '3']);
  expect(livePieces(heads.toReversed()).map(({ id }) => id)).toEqual(['2', '3']);
});

test('paths and hashes are those of the keys in the store', () => {
  for (const uid of ['1.2.3', '1..2', 'x/../y', 'ß'.repeat(20), 'é'.repeat(60), '1'.repeat(65), '']) {
    expect(sha256Text(uid)).toBe(createHash('sha256').update(uid).digest('hex'));
    expect(indexPath(uid)).toBe(studyPath(uid));
  }
  expect(newestFirstValue('20260102', '10') < newestFirstValue('20260101', '235959')).toBe(true);
});

test('what is no description of an archive is invalid', async () => {
  for (const text of ['', '{}', '{"payload":"{}","signature":"","publicKey":""}'])
    expect(await checkArchive(Buffer.from(text))).toEqual({ signature: 'invalid' });
});
