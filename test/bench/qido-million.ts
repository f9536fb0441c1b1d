/** Every query the worklist makes, and the usual QIDO-RS ones, over a catalogue of 1,000,000 studies: p95 under 50 ms. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import type { Catalogue, Query, WorklistQuery } from '../../storage/catalogue/catalogue-types.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { postgresPrograms, startPostgres } from '../support/postgres.ts';
import { generateCatalogue } from './million-studies.ts';
import { copyToPostgres } from './postgres-copy.ts';
import type { BenchRow } from './rows.ts';

const STUDIES = Number(process.env.LIFEBOAT_BENCH_STUDIES ?? 1_000_000);
const ROUNDS = 20;
const TARGET_MS = 50;

const page = { limit: 50, offset: 0 };
const any = <T>(values: T[], round: number) => values[round % values.length]!;

/** Each makes the query of one round: other words, other dates, so that nothing is answered from the round before. */
const WORKLIST: Record<string, (round: number) => WorklistQuery> = {
  'first page': () => page,
  'one day': (i) => ({ ...page, dateFrom: `202406${10 + i}`, dateTo: `202406${10 + i}` }),
  'one month': (i) => ({ ...page, dateFrom: `20${12 + (i % 13)}0301`, dateTo: `20${12 + (i % 13)}0331` }),
  'since a year': (i) => ({ ...page, dateFrom: `20${15 + (i % 10)}0101` }),
  'modality CT': () => ({ ...page, modalities: ['CT'] }),
  'modalities MG, NM': () => ({ ...page, modalities: ['MG', 'NM'] }),
  'modality NM by name': () => ({ ...page, modalities: ['NM'], sort: 'patientName' }),
  'one sender': (i) => ({ ...page, callingAE: any(['CT1', 'MR2', 'US3', 'MG4'], i) }),
  'conflicts only': () => ({ ...page, conflicts: true }),
  'one letter': (i) => ({ ...page, search: any([...'smajkrbt'], i) }),
  'two letters': (i) => ({ ...page, search: any(['sm', 'jo', 'mü', 'ka', 'be', 'ро', 'Ив', 'ya'], i) }),
  'a name': (i) => ({
    ...page,
    search: any(['smith', 'muller', 'kowalski', 'иванов', '山田', '王小东', 'حسن', 'kabere'], i),
  }),
  'two words': (i) => ({ ...page, search: any(['smith john', 'jo smi', 'weber anna', 'ива ольга', 'garcia m'], i) }),
  'two letters apart': (i) => ({ ...page, search: any(['s j', 'm a', 'k b', 'b c'], i) }),
  'word and modality': (i) => ({ ...page, search: any(['smith', 's', 'jones'], i), modalities: ['CT'] }),
  'word in a month': (i) => ({
    ...page,
    search: any(['smith', 's', 'jo'], i),
    dateFrom: '20230301',
    dateTo: '20230331',
  }),
  'patient ID': (i) => ({ ...page, search: `MRN${String(1000 + i * 7919).padStart(7, '0')}` }),
  'accession number': (i) => ({ ...page, search: `acc${String(i * 45_007).padStart(8, '0')}` }),
  'nothing found': (i) => ({ ...page, search: `qqxq${i}` }),
  'by name': () => ({ ...page, sort: 'patientName' }),
  'by name, descending': () => ({ ...page, sort: '-patientName' }),
  'by size, descending': () => ({ ...page, sort: '-bytes' }),
  'by arrival, descending': () => ({ ...page, sort: '-lastReceivedAt' }),
  'by date, oldest first': () => ({ ...page, sort: 'studyDate' }),
  'by description': () => ({ ...page, sort: 'studyDescription' }),
  'one letter by name': (i) => ({ ...page, search: any([...'smajkrbt'], i), sort: 'patientName' }),
  'one letter by size': (i) => ({ ...page, search: any([...'smajkrbt'], i), sort: '-bytes' }),
  'a name by arrival': (i) => ({
    ...page,
    search: any(['smith', 'muller', 'rossi', 'kim'], i),
    sort: '-lastReceivedAt',
  }),
  'CT since a year by name': (i) => ({
    ...page,
    modalities: ['CT'],
    dateFrom: `20${18 + (i % 5)}0101`,
    sort: 'patientName',
  }),
  'page at 50,000': () => ({ limit: 50, offset: 50_000 }),
  'page at 50,000 by name': () => ({ limit: 50, offset: 50_000, sort: 'patientName' }),
  'page at 50,000 of CT': () => ({ limit: 50, offset: 50_000, modalities: ['CT'] }),
};

const key = (tag: string, value: string) => ({ tag, value });
const study = (...keys: Query['keys']): Query => ({ level: 'study', keys, limit: 101, offset: 0 });
const QIDO: Record<string, (round: number) => Query> = {
  'QIDO no key': () => study(),
  'QIDO PatientID': (i) => study(key('00100020', `MRN${String(1000 + i * 7919).padStart(7, '0')}`)),
  'QIDO AccessionNumber': (i) => study(key('00080050', `ACC${String(i * 45_007).padStart(8, '0')}`)),
  'QIDO PatientName prefix*': (i) => study(key('00100010', any(['SMITH*', 'Müller^J*', '山田*', 'kab*'], i))),
  'QIDO PatientName fuzzy': (i) => ({ ...study(key('00100010', any(['john smi', 'tarou', 'иван'], i))), fuzzy: true }),
  'QIDO StudyDate and modality': (i) => study(key('00080020', `2024061${i % 10}-20240630`), key('00080061', 'MR')),
};

/** The quotient below which so many of the values lie. */
export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
}

export async function measure(catalogue: Catalogue): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const time = async (name: string, once: (round: number) => Promise<unknown>) => {
    await once(0);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      await once(round);
      times.push(performance.now() - start);
    }
    const value = Math.round(percentile(times, 0.95) * 10) / 10;
    rows.push({ name, value, unit: 'ms (p95)', target: `< ${TARGET_MS}`, ok: value < TARGET_MS });
  };
  for (const [name, make] of Object.entries(WORKLIST)) await time(name, (round) => catalogue.worklist(make(round)));
  for (const [name, make] of Object.entries(QIDO)) await time(name, (round) => catalogue.query(make(round)));
  return rows;
}

/** A generated catalogue of this code's tables, kept between runs in the system's temporary folder. */
export function generatedCatalogue(count: number): string {
  const sources = ['../../storage/catalogue/schema.ts', '../../storage/catalogue/terms.ts', './million-studies.ts'];
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(new URL(source, import.meta.url)));
  const file = join(tmpdir(), `lifeboat-bench-${count}-${hash.digest('hex').slice(0, 12)}.sqlite`);
  if (!existsSync(file)) {
    const part = `${file}.${process.pid}`;
    rmSync(part, { force: true });
    generateCatalogue(part, count);
    renameSync(part, file);
  }
  return file;
}

/** @returns rows for SQLite and, with LIFEBOAT_BENCH_POSTGRES=1, for a private PostgreSQL server (some minutes to load) */
export async function run(): Promise<BenchRow[]> {
  const start = performance.now();
  const file = generatedCatalogue(STUDIES);
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const catalogue = await openCatalogue({ kind: 'sqlite', file });
  try {
    const rows = await measure(catalogue);
    return [
      { name: `catalogue of ${STUDIES} studies ready`, value: seconds, unit: 's', target: '', ok: true },
      ...rows.map((row) => ({ ...row, name: `SQLite: ${row.name}` })),
      ...(process.env.LIFEBOAT_BENCH_POSTGRES === '1' && postgresPrograms() ? await runPostgres(file) : []),
    ];
  } finally {
    await catalogue.close();
  }
}

async function runPostgres(file: string): Promise<BenchRow[]> {
  const server = await startPostgres();
  try {
    await copyToPostgres(file, server.url);
    const catalogue = await openCatalogue({ kind: 'postgres', url: server.url });
    try {
      const rows = await measure(catalogue);
      return rows.map((row) => ({ ...row, name: `PostgreSQL: ${row.name}` }));
    } finally {
      await catalogue.close();
    }
  } finally {
    await server.stop();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.table(await run());
