/** Any interleaving of writers that publish, merge, rebuild and are killed: each study is found once, with every segment. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import { type IndexRow, indexPath } from '../../storage/format/lifeboat-index-row.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { PieceRemover } from '../../storage/lifeboat/remove-pieces.ts';
import { sourceOf } from '../../storage/lifeboat/row-stream.ts';
import { FileStore } from '../../storage/stores/file-store.ts';

const NAMES = ['Smith^John', 'Müller^Eva', 'Yamada^Tarou=山田^太郎=やまだ^たろう', 'Иванов^Иван', 'Smith-Jones^Ann'];

function rowOf(study: number, version: number): IndexRow {
  const uid = `1.2.${study}`;
  return {
    path: indexPath(uid),
    studyInstanceUID: uid,
    patientName: NAMES[study % NAMES.length]!,
    patientID: `P${study % 4}`,
    issuerOfPatientID: 'HOSPITAL',
    patientBirthDate: '19700101',
    patientSex: 'F',
    accessionNumber: `A${study}`,
    studyDate: `202601${String(1 + (study % 28)).padStart(2, '0')}`,
    studyTime: '101500',
    studyDescription: 'CT',
    modalities: study % 2 ? ['CT'] : ['CT', 'MR'],
    series: 1,
    instances: version,
    receivedAt: `2026-02-01T00:00:${String(version).padStart(2, '0')}.000Z`,
    segments: [`S${version}`],
  };
}

class Killed extends Error {}

type Act =
  | { kind: 'publish'; writer: number; studies: number[]; version: number; dieAt: number }
  | { kind: 'merge'; writer: number; whole: boolean; dieAt: number }
  | { kind: 'piece'; writer: number; studies: number[]; version: number; dieAt: number }
  | { kind: 'tidy'; writer: number };

const writer = fc.nat(2);
const studies = fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 6 });
const version = fc.integer({ min: 1, max: 30 });
/** 0: it lives; else it dies after so many steps. */
const dieAt = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('publish' as const), writer, studies, version, dieAt }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('piece' as const), writer, studies, version, dieAt }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge' as const), writer, whole: fc.boolean(), dieAt }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tidy' as const), writer }) },
);

test('writers killed anywhere lose nothing that was published', { timeout: 180_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
      async (rounds) => {
        const dir = mkdtempSync(join(tmpdir(), 'lifeboat-index-'));
        const store = await FileStore.open(join(dir, 'store'));
        const writers = new Map<number, IndexWriter>();
        const left = new Map<number, number>();
        const removers = [0, 1, 2].map(() => new PieceRemover(store, 0));
        const open = async (number: number) => {
          const known = writers.get(number);
          if (known) return known;
          const opened = await IndexWriter.open({
            store,
            writer: `w${number}`,
            workDir: join(dir, `work-${number}`),
            recentRows: 3,
            onProblem: (error) => {
              throw error;
            },
            onStep: () => {
              const steps = left.get(number) ?? 0;
              if (steps > 0) left.set(number, steps - 1);
              if (steps === 1) throw new Killed();
            },
          });
          writers.set(number, opened);
          return opened;
        };
        const model = new Map<number, Set<string>>();
        const note = ({ studies: list, version: number }: { studies: number[]; version: number }) => {
          for (const study of list) model.set(study, (model.get(study) ?? new Set()).add(`S${number}`));
        };
        const play = async (step: Act) => {
          const one = await open(step.writer);
          if (step.kind === 'tidy') {
            await removers[step.writer]!.run(one.heads);
            return;
          }
          left.set(step.writer, step.dieAt);
          const rows = step.kind === 'merge' ? [] : step.studies.map((study) => rowOf(study, step.version));
          try {
            if (step.kind === 'publish') await one.publish(rows);
            else if (step.kind === 'piece') await one.publishPiece(rows);
            else await one.merge(step.whole);
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
            writers.delete(step.writer);
            left.set(step.writer, 0);
            // as the comparison with the manifests does after a restart
            if (step.kind !== 'merge') await (await open(step.writer)).publish(rows);
          }
          if (step.kind !== 'merge') note(step);
        };
        try {
          for (const round of rounds) {
            // an hour lies between the last use of a piece and its end, so that nobody is between piece and head then
            const tidying = round.filter(({ kind }) => kind === 'tidy');
            const byWriter = Map.groupBy(round, ({ writer: number }) => number);
            await Promise.all(
              [...byWriter.values()].map(async (steps) => {
                for (const step of steps) if (step.kind !== 'tidy') await play(step);
              }),
            );
            for (const step of tidying) await play(step);
          }
          await (await open(0)).heal();
          const source = sourceOf(store);
          for (const each of [source, { get: source.get }]) {
            const index = await openLifeboatIndex(each);
            const found = new Map<string, string[]>();
            let after: string | undefined;
            do {
              const page = await index.search({ limit: 5, ...(after !== undefined && { after }) });
              expect(page.problems).toEqual([]);
              for (const hit of page.hits) {
                expect(found.has(hit.studyInstanceUID)).toBe(false);
                found.set(hit.studyInstanceUID, hit.segments);
              }
              after = page.next;
            } while (after !== undefined);
            expect([...found.keys()].sort()).toEqual([...model.keys()].map((study) => `1.2.${study}`).sort());
            for (const [study, names] of model) {
              const { path } = rowOf(study, 1);
              const keys = [...names].map((name) => `manifests/${path}/${name}.ndjson.gz`).sort();
              expect(found.get(`1.2.${study}`)).toEqual(keys);
              expect((await index.study(`1.2.${study}`))?.segments).toEqual(keys);
              const byAccession = await index.search({ accessionNumber: `A${study}`, limit: 5 });
              expect(byAccession.hits.map((hit) => hit.segments)).toEqual([keys]);
            }
          }
        } finally {
          await store.close();
          rmSync(dir, { recursive: true, force: true });
        }
      },
    ),
    { numRuns: process.env.LIFEBOAT_LONG ? 400 : 40 },
  );
});
