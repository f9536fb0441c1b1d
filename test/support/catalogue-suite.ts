import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Catalogue, MatchingKey, Query } from '../../storage/catalogue/catalogue-types.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { type EntryWishes, entryOf, text } from './catalogue-entries.ts';

const PAGE = { limit: 100, offset: 0 };

async function dumpOf(catalogue: Catalogue): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of catalogue.dump()) lines.push(line);
  return lines;
}
const key = (tag: string, value: string): MatchingKey => ({ tag, value });
const values = (row: DicomJson, tag: string) => row[tag]?.Value;

/** What every catalogue must do, whatever database is beneath. `open` gives an empty or reusable one. */
export function describeCatalogue(name: string, open: () => Promise<Catalogue>, numRuns: number): void {
  describe(`catalogue on ${name}`, () => {
    let catalogue: Catalogue;
    beforeAll(async () => {
      catalogue = await open();
    });
    afterAll(() => catalogue?.close());
    beforeEach(() => catalogue.clear());

    const studyUIDs = async (keys: MatchingKey[], more: Partial<Query> = {}) => {
      const { rows } = await catalogue.query({ level: 'study', keys, ...PAGE, ...more });
      return rows.map((row) => values(row, '0020000D')?.[0]);
    };
    const found = async (search: string) => {
      const { rows } = await catalogue.worklist({ search, ...PAGE });
      return rows.map((row) => row.studyInstanceUID);
    };
    const study = (n: number, wishes: EntryWishes = {}) => entryOf({ study: `1.2.${n}`, ...wishes });

    describe('applying', () => {
      const wishes = fc.record({
        study: fc.constantFrom('1.1', '1.2'),
        series: fc.constantFrom('2.1', '2.2'),
        sop: fc.constantFrom('3.1', '3.2', '3.3'),
        content: fc.constantFrom('a', 'b'),
        receivedAt: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z', '2026-02-01T00:00:00.000Z'),
        callingAE: fc.constantFrom('CT1', 'MR1'),
        size: fc.constantFrom(10, 20),
        name: fc.constantFrom('Smith^John', 'Smyth^John', 'Yamada^Tarou=山田^太郎'),
        attributes: fc
          .record({ date: fc.constantFrom('20260101', '20250607', ''), modality: fc.constantFrom('CT', 'MR') })
          .map(({ date, modality }) => ({ '00080020': text('DA', date), '00080060': text('CS', modality) })),
      });
      const history = fc.array(wishes, { minLength: 1, maxLength: 12 }).chain((list) => {
        const entries = list.map(entryOf);
        const again = fc.subarray(entries);
        return fc
          .tuple(again, fc.integer({ min: 1, max: 5 }))
          .chain(([doubled, batch]) =>
            fc
              .shuffledSubarray([...entries, ...doubled], { minLength: entries.length + doubled.length })
              .map((shuffled) => ({ entries, shuffled, batch })),
          );
      });

      it('gives the same catalogue for the same entries in any order, any batches and any repetition', async () => {
        await fc.assert(
          fc.asyncProperty(history, async ({ entries, shuffled, batch }) => {
            await catalogue.clear();
            await catalogue.apply(entries);
            const [once, totals] = [await dumpOf(catalogue), await catalogue.totals()];
            await catalogue.clear();
            for (let i = 0; i < shuffled.length; i += batch) await catalogue.apply(shuffled.slice(i, i + batch));
            expect(await dumpOf(catalogue)).toEqual(once);
            expect(await catalogue.totals()).toEqual(totals);
          }),
          { numRuns },
        );
      });

      it('keeps both contents of one SOP Instance UID, counts the instance once and shows the conflict', async () => {
        await catalogue.apply([
          study(1, { content: 'first', receivedAt: '2026-01-01T00:00:00.000Z', size: 10 }),
          study(1, { content: 'second', receivedAt: '2026-01-02T00:00:00.000Z', size: 30 }),
          study(2),
        ]);
        const { rows } = await catalogue.worklist({ conflicts: true, ...PAGE });
        expect(rows).toMatchObject([{ studyInstanceUID: '1.2.1', instanceCount: 1, conflicts: 1, bytes: 40 }]);
        expect((await dumpOf(catalogue)).filter((line) => line.startsWith('{"kind":"instance"'))).toHaveLength(3);
        const instances = await catalogue.query({ level: 'instance', keys: [key('0020000D', '1.2.1')], ...PAGE });
        expect(instances.rows).toHaveLength(1);
      });

      it('keeps series and instances apart that use the same UID in two studies', async () => {
        await catalogue.apply([
          entryOf({ study: '1.1', series: '5.5', sop: '6.6', content: 'a', receivedAt: '2026-01-01T00:00:00.000Z' }),
          entryOf({ study: '1.2', series: '5.5', sop: '6.6', content: 'b', receivedAt: '2026-01-02T00:00:00.000Z' }),
        ]);
        const { rows } = await catalogue.query({ level: 'instance', keys: [key('00080018', '6.6')], ...PAGE });
        expect(rows.map((row) => values(row, '0020000D')?.[0]).sort()).toEqual(['1.1', '1.2']);
        expect(await catalogue.totals()).toMatchObject({ studies: 2, series: 2, instances: 2, conflicts: 0 });
        expect(await catalogue.studyOf({ sopInstanceUID: '6.6' })).toBe('1.2');
        expect(await catalogue.studyOf({ seriesInstanceUID: '5.5' })).toBe('1.2');
        expect(await catalogue.studyOf({ sopInstanceUID: '9.9' })).toBeNull();
      });

      it('moves a study to its new place when a newer instance corrects name and date', async () => {
        await catalogue.apply([study(1, { name: 'Wrong^Name' }), study(2)]);
        await catalogue.apply([
          study(1, {
            sop: '1.2.1.1.2',
            name: 'Right^Name',
            receivedAt: '2026-05-01T00:00:00.000Z',
            attributes: { '00080020': text('DA', '20270101') },
          }),
        ]);
        expect(await found('wrong')).toEqual([]);
        expect(await found('right')).toEqual(['1.2.1']);
        expect(await studyUIDs([])).toEqual(['1.2.1', '1.2.2']);
        expect(await studyUIDs([key('00080020', '20270101')])).toEqual(['1.2.1']);
      });

      it('keeps a hostile name, NUL bytes and lone surrogates without harm', async () => {
        await catalogue.apply([
          study(1, {
            name: `<script>'");drop table study;--\\^A\0\ud800`,
            attributes: { '00100020': text('LO', `'" OR 1=1 * ( \0`) },
          }),
        ]);
        expect(await found('<script>')).toEqual(['1.2.1']);
        expect(await found(`'") OR * NEAR(`)).toEqual([]);
        expect(await found('"or" 1=1')).toEqual(['1.2.1']);
      });
    });

    describe('QIDO matching', () => {
      beforeEach(() =>
        catalogue.apply([
          study(1, {
            name: 'Smith^John',
            attributes: {
              '00080020': text('DA', '20240105'),
              '00080030': text('TM', '093000.5'),
              '00080050': text('SH', 'ACC[1]'),
              '00100020': text('LO', 'ID_100%'),
            },
          }),
          study(2, {
            name: 'MÜLLER^ZOË^^^',
            attributes: {
              '00080020': text('DA', '20240106'),
              '00080030': text('TM', '2300'),
              '00080060': text('CS', 'MR'),
              '00100020': text('LO', 'id_100x'),
            },
          }),
          study(3, {
            name: 'Yamada^Tarou=山田^太郎=やまだ^たろう',
            attributes: {
              '00080020': text('DA', '20240107'),
              '00080030': text('TM', '08'),
              '00400275': text('SQ', { '00400009': text('SH', 'SPS7'), '00401001': text('SH', 'RP7') }),
              '00081032': text('SQ', { '00080100': text('SH', 'CTCHEST') }),
            },
          }),
          study(4, { name: 'Иванов^Иван', attributes: { '00080020': { vr: 'DA' }, '00080030': { vr: 'TM' } } }),
        ]),
      );

      it.each<[string, MatchingKey[], string[]]>([
        ['universal', [key('00100010', ''), key('00100020', '*')], ['3', '2', '1', '4']],
        ['UID list with comma', [key('0020000D', '1.2.1,1.2.3')], ['3', '1']],
        ['UID list with backslash', [key('0020000D', '1.2.1\\1.2.3')], ['3', '1']],
        ['name without regard to case', [key('00100010', 'sMITH^john')], ['1']],
        ['name without accents', [key('00100010', 'muller^zoe')], ['2']],
        ['name is not a prefix by itself', [key('00100010', 'Smith')], []],
        ['name with *', [key('00100010', 'smi*')], ['1']],
        ['name with ?', [key('00100010', 'sm?th*')], ['1']],
        ['name with * in front', [key('00100010', '*^JOHN')], ['1']],
        ['ideographic group', [key('00100010', '山田*')], ['3']],
        ['phonetic group', [key('00100010', 'やまだ^たろう')], ['3']],
        ['groups together', [key('00100010', 'Yamada*=山田*')], ['3']],
        ['Cyrillic name alone, not every non-Latin one', [key('00100010', 'иван*')], ['4']],
        ['referring physician', [key('00080090', 'house^*'), key('0020000D', '1.2.1')], ['1']],
        ['identifier with _ and % as they are', [key('00100020', 'ID_100%')], ['1']],
        ['identifier case-sensitive', [key('00100020', 'ID_*')], ['1']],
        ['[ ] are no wildcards', [key('00080050', 'ACC[1]*')], ['1']],
        ['one date', [key('00080020', '20240106')], ['2']],
        ['dates from-to', [key('00080020', '20240105-20240106')], ['2', '1']],
        ['dates to', [key('00080020', '-20240106')], ['2', '1']],
        ['dates from', [key('00080020', '20240106-')], ['3', '2']],
        ['hour alone', [key('00080030', '09')], ['1']],
        ['times', [key('00080030', '0800-0930')], ['3', '1']],
        ['date and time each', [key('00080020', '20240106'), key('00080030', '2200-2359')], ['2']],
        ['date and time combined', [key('00080020', '20240105-20240107'), key('00080030', '1200-1000')], ['3', '2']],
        ['modalities in study', [key('00080061', 'MR')], ['2']],
        ['several modalities', [key('00080061', 'MR\\CT')], ['3', '2', '1', '4']],
        ['modality with wildcard', [key('00080061', 'M*')], ['2']],
        ['modality at study level', [key('00080060', 'MR')], ['2']],
        ['number of instances', [key('00201208', '1'), key('00080061', 'MR')], ['2']],
        ['SOP classes in study', [key('00080062', '1.2.840.10008.5.1.4.1.1.2'), key('00080061', 'MR')], ['2']],
        ['stored attribute without a column', [key('00081032', 'CTCHEST')], ['3']],
        ['an empty list finds nothing', [key('00080061', ',')], []],
        ['a wrong date finds nothing', [key('00080020', 'yesterday')], []],
      ])('%s', async (_, keys, expected) => {
        expect(await studyUIDs(keys)).toEqual(expected.map((n) => `1.2.${n}`));
      });

      it('finds names fuzzily by the beginning of every typed part, in any order and script', async () => {
        const fuzzy = (value: string) => studyUIDs([key('00100010', value)], { fuzzy: true });
        expect(await fuzzy('john smi')).toEqual(['1.2.1']);
        expect(await fuzzy('zoe^mul')).toEqual(['1.2.2']);
        expect(await fuzzy('太郎')).toEqual(['1.2.3']);
        expect(await fuzzy('Иван')).toEqual(['1.2.4']);
        expect(await fuzzy('thorax')).toEqual([]);
      });

      it('matches series and instance keys and answers with the levels above', async () => {
        const series = await catalogue.query({
          level: 'series',
          keys: [key('00400275.00400009', 'SPS7'), key('00401001', 'RP*'), key('00080060', 'CT')],
          ...PAGE,
        });
        expect(series.rows).toHaveLength(1);
        expect(values(series.rows[0]!, '0020000D')).toEqual(['1.2.3']);
        expect(values(series.rows[0]!, '00201209')).toEqual([1]);
        expect(values(series.rows[0]!, '00100020')).toEqual(['P0001']);
        const instances = await catalogue.query({
          level: 'instance',
          keys: [key('0020000D', '1.2.1'), key('00200013', '1'), key('00280010', '512')],
          ...PAGE,
        });
        expect(instances.rows.map((row) => values(row, '00080018'))).toEqual([['1.2.1.1.1']]);
      });

      it('answers studies with counts, availability and every attribute of the level', async () => {
        const { rows } = await catalogue.query({ level: 'study', keys: [key('0020000D', '1.2.3')], ...PAGE });
        expect(rows[0]).toMatchObject({
          '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
          '00080056': { Value: ['ONLINE'] },
          '00080061': { Value: ['CT'] },
          '00201206': { Value: [1] },
          '00201208': { Value: [1] },
          '00100010': { Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }] },
        });
        expect(rows[0]).not.toHaveProperty('0020000E');
      });

      it('says which keys it left out of account', async () => {
        const answer = await catalogue.query({
          level: 'study',
          keys: [key('00080018', '1.2'), key('00081199.00081150', 'x')],
          ...PAGE,
        });
        expect(answer.ignoredKeys).toEqual(['00080018', '00081199.00081150']);
        expect(answer.rows).toHaveLength(4);
      });
    });

    describe('worklist', () => {
      const people = ['Smith^John', 'Smithers^Anna', 'Öberg^Åsa', 'حسن^محمد', '王^小东', "O'Brien^Pat", 'Петров^Олег'];
      const entries = (): InstanceEntry[] =>
        people.map((name, i) =>
          study(i, {
            name,
            callingAE: i % 2 ? 'MR 1' : 'CT1',
            size: 1000 - i,
            attributes: {
              '00080020': text('DA', `2024010${i + 1}`),
              '00080050': text('SH', `2024-00${i}7`),
              '00080060': text('CS', i % 2 ? 'MR' : 'CT'),
              '00100020': text('LO', `MRN-0010${i}`),
            },
          }),
        );
      beforeEach(() => catalogue.apply(entries()));

      it.each<[string, number[]]>([
        ['smith', [1, 0]],
        ['SMITH an', [1]],
        ['oberg', [2]],
        ['åsa öb', [2]],
        ['محمد', [3]],
        ['小东', [4]],
        ['王小', [4]],
        ['obrien', [5]],
        ["o'brien", [5]],
        ['петр', [6]],
        ['MRN-00102', [2]],
        ['00102', [2]],
        ['102', [2]],
        ['2024-0037', [3]],
        ['smith mrn-00100', [0]],
        ['thorax smithers', [1]],
        ['nobody', []],
        ['   ', [6, 5, 4, 3, 2, 1, 0]],
      ])('finds %s', async (search, expected) => {
        expect(await found(search)).toEqual(expected.map((n) => `1.2.${n}`));
      });

      it('filters by modality, sender and date', async () => {
        const uids = async (query: object) =>
          (await catalogue.worklist({ ...PAGE, ...query })).rows.map((row) => row.studyInstanceUID.slice(4));
        expect(await uids({ modalities: ['MR'] })).toEqual(['5', '3', '1']);
        expect(await uids({ modalities: ['MR', 'CT'], callingAE: 'CT1' })).toEqual(['6', '4', '2', '0']);
        expect(await uids({ callingAE: 'ct1' })).toEqual([]);
        expect(await uids({ dateFrom: '20240102', dateTo: '20240104' })).toEqual(['3', '2', '1']);
        expect(await uids({ dateTo: '20240102', modalities: ['CT'] })).toEqual(['0']);
        expect(await uids({ search: 'smith', dateFrom: '20240102' })).toEqual(['1']);
      });

      it('sorts by any column, both ways, and pages without gaps or repeats', async () => {
        const all = async (sort: string, search?: string) => {
          const uids: string[] = [];
          for (let offset = 0; ; offset += 2) {
            const { rows, more, count } = await catalogue.worklist({ sort, search, limit: 2, offset });
            uids.push(...rows.map((row) => row.studyInstanceUID));
            expect(more).toBe(offset + 2 < count);
            if (!more) return uids.map((uid) => uid.slice(4)).join('');
          }
        };
        expect(await all('-bytes')).toBe('0123456');
        expect(await all('bytes')).toBe('6543210');
        expect(await all('studyDate')).toBe('0123456');
        expect(await all('patientID')).toBe('0123456');
        expect(await all('-accessionNumber')).toBe('6543210');
        expect((await all('patientName')).slice(0, 4)).toBe('5201');
        expect(await all('-patientName', 'smith')).toBe('10');
        expect(await all('callingAEs')).toBe('0246135');
        await expect(all('drop table')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      });
    });

    it('pages through more than 5,000 studies with a total order', async () => {
      const many = Array.from({ length: 5300 }, (_, i) => study(i));
      await catalogue.apply(many);
      const seen = new Set<unknown>();
      for (let offset = 0; ; offset += 1000) {
        const { rows, more } = await catalogue.query({ level: 'study', keys: [], limit: 1000, offset });
        for (const row of rows) seen.add(values(row, '0020000D')?.[0]);
        if (!more) break;
      }
      expect(seen.size).toBe(5300);
      expect(await catalogue.worklist({ limit: 1, offset: 5299 })).toMatchObject({ count: 5300, more: false });
    });

    it('answers reads while a large commit runs', async () => {
      await catalogue.apply([study(1)]);
      const commit = catalogue.apply(Array.from({ length: 4000 }, (_, i) => study(100 + i)));
      let committed = false;
      void commit.then(() => {
        committed = true;
      });
      const before = await catalogue.worklist(PAGE);
      expect(committed).toBe(false);
      expect(before.count).toBe(1);
      await commit;
      expect((await catalogue.worklist(PAGE)).count).toBe(4001);
    });
  });
}
