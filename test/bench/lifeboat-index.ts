/**
 * Searching an archive of 1,000,000 studies with nothing but nginx and a folder: requests, bytes and time to the first page of
 * each kind of search, the opening of the index included.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { unlist } from '../../storage/catalogue/values.ts';
import { type LifeboatSearch, type LifeboatSource, openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import { type IndexRow, indexPath } from '../../storage/format/lifeboat-index-row.ts';
import { ulid } from '../../storage/keys.ts';
import { INDEX_THREAD_LIMITS } from '../../storage/lifeboat/index-thread.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { FileStore } from '../../storage/stores/file-store.ts';
import { type BenchRow, median } from './rows.ts';

const STUDIES = Number(process.env.LIFEBOAT_BENCH_STUDIES ?? 1_000_000);
const ROUNDS = 12;
const MOST_REQUESTS = 10;
const MOST_BYTES = 1 << 20;
const MOST_MS = 1000;
const PAGE = 50;

const any = <T>(values: T[], round: number) => values[round % values.length]!;
const SEARCHES: Record<string, (round: number) => Omit<LifeboatSearch, 'limit'>> = {
  'first page': () => ({}),
  'patient ID': (i) => ({ patientID: `MRN${String(1000 + i * 7919).padStart(7, '0')}` }),
  'accession number': (i) => ({ accessionNumber: `ACC${String(i * 45_007).padStart(8, '0')}` }),
  'family name': (i) => ({
    familyName: any(['smith', 'muller', 'kowalski', 'иванов', '山田', '王', 'حسن', 'kabere'], i),
  }),
  'two letters': (i) => ({ familyName: any(['sm', 'jo', 'mü', 'ka', 'be', 'ро', 'Ив', 'ya'], i) }),
  'name, given name': (i) => ({ familyName: any(['smith john', 'weber anna', 'иванов ольга', 'garcía m'], i) }),
  'one day': (i) => ({ studyDate: { from: `202406${10 + i}`, to: `202406${10 + i}` } }),
  'a month, CT': (i) => ({ studyDate: { from: `20${12 + i}0301`, to: `20${12 + i}0331` }, modality: 'CT' }),
  'a year, NM': (i) => ({ studyDate: { from: `20${12 + i}0101`, to: `20${12 + i}1231` }, modality: 'NM' }),
  'until a day': (i) => ({ studyDate: { to: `20${13 + i}0615` } }),
  'name in a month': (i) => ({
    familyName: any(['smith', 'jones'], i),
    studyDate: { from: '20230301', to: '20230331' },
  }),
  'nothing found': (i) => ({ familyName: `qqxq${i}` }),
};

function* studies(catalogue: string): Generator<IndexRow> {
  const db = new DatabaseSync(catalogue, { readOnly: true });
  const texts = (row: Record<string, unknown>, name: string) => String(row[name] ?? '');
  for (const row of db.prepare('select * from study').iterate() as Iterable<Record<string, unknown>>) {
    const uid = texts(row, 'uid');
    const receivedAt = texts(row, 'last_received');
    yield {
      path: indexPath(uid),
      studyInstanceUID: uid,
      patientName: texts(row, 'name'),
      patientID: texts(row, 'patient_id'),
      issuerOfPatientID: texts(row, 'issuer'),
      patientBirthDate: texts(row, 'birth_date'),
      patientSex: texts(row, 'sex'),
      accessionNumber: texts(row, 'accession'),
      studyDate: texts(row, 'study_date'),
      studyTime: texts(row, 'study_time'),
      studyDescription: texts(row, 'description'),
      modalities: unlist(texts(row, 'modalities')),
      series: Number(row['series_count']),
      instances: Number(row['instance_count']),
      receivedAt,
      segments: [ulid(Date.parse(receivedAt)), ulid(Date.parse(receivedAt) + 1000)],
    };
  }
  db.close();
}

/** One large piece and what a router adds: a middle one, a small one, fresh rows in the head. In a thread, as in a router. */
async function fill(folder: string, catalogue: string): Promise<void> {
  const store = await FileStore.open(folder);
  const writer = await IndexWriter.open({
    store,
    writer: 'bench',
    workDir: `${folder}-work`,
    onProblem: (error) => {
      throw error;
    },
  });
  const all = studies(catalogue);
  const take = function* (count: number): Generator<IndexRow> {
    for (let i = 0; i < count; i++) {
      const next = all.next();
      if (next.done) return;
      yield next.value;
    }
  };
  const [small, middle] = [Math.ceil(STUDIES * 0.001), Math.ceil(STUDIES * 0.02)];
  await writer.publishPiece(take(STUDIES - small - middle - 100));
  await writer.publishPiece(take(middle));
  await writer.publishPiece(take(small));
  await writer.publish(take(100));
  all.return(undefined);
  await store.close();
}

/** Of this process, the thread's included: as a router would grow by it, and what an idle Node needs besides. */
async function build(folder: string, catalogue: string): Promise<{ seconds: number; megabytes: number }> {
  const began = performance.now();
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 100);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { folder, catalogue },
    resourceLimits: INDEX_THREAD_LIMITS,
  });
  const [code] = (await once(worker, 'exit')) as [number];
  clearInterval(look);
  if (code !== 0) throw new Error(`the thread that builds the index ended with ${code}`);
  return { seconds: (performance.now() - began) / 1000, megabytes: peak / 2 ** 20 };
}

if (!isMainThread && workerData?.catalogue) await fill(workerData.folder, workerData.catalogue);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

async function nginx(root: string): Promise<{ base: string; stop(): void }> {
  const port = await freePort();
  const folder = `${root}-nginx`;
  mkdirSync(folder, { recursive: true });
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `pid ${folder}/pid; error_log ${folder}/error.log; daemon off; worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events {} http { access_log off; ${paths.join(' ')} server { listen 127.0.0.1:${port}; root ${root}; } }`,
  );
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  const base = `http://127.0.0.1:${port}/`;
  for (let i = 0; i < 100; i++) {
    if (
      await fetch(base).then(
        () => true,
        () => false,
      )
    )
      break;
    await sleep(50);
  }
  return {
    base,
    stop: () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function counting(base: string): LifeboatSource & { requests: number; bytes: number } {
  const source = {
    requests: 0,
    bytes: 0,
    async get(key: string, range?: { first: number; last: number }): Promise<Uint8Array> {
      source.requests++;
      const response = await fetch(base + key, {
        headers: range ? { range: `bytes=${range.first}-${range.last}` } : {},
      });
      const body = new Uint8Array(await response.arrayBuffer());
      source.bytes += body.length;
      if (response.status !== (range ? 206 : 200) && key !== 'lifeboat/archive.json')
        throw new Error(`${key}: ${response.status}`);
      return body;
    },
  };
  return source;
}

export async function run(): Promise<BenchRow[]> {
  const catalogue = join(tmpdir(), `lifeboat-bench-${STUDIES}-index.sqlite`);
  const folder = join(tmpdir(), `lifeboat-bench-index-${process.pid}`);
  if (!existsSync(catalogue)) {
    // in a process of its own: what that takes of memory is not what the index takes
    const code = `(await import(${JSON.stringify(join(import.meta.dirname, 'million-studies.ts'))})).generateCatalogue(${JSON.stringify(`${catalogue}.new`)}, ${STUDIES})`;
    spawnSync(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
    renameSync(`${catalogue}.new`, catalogue);
  }
  const rows: BenchRow[] = [];
  try {
    const built = await build(folder, catalogue);

    rows.push({ name: `index of ${STUDIES} studies built`, value: built.seconds, unit: 's', target: '', ok: null });
    rows.push({
      name: 'memory while it was built',
      value: built.megabytes,
      unit: 'MiB',
      target: '< 300',
      ok: built.megabytes < 300,
    });
    const server = await nginx(folder);
    try {
      for (const [name, make] of Object.entries(SEARCHES)) rows.push(...(await measure(server.base, name, make)));
    } finally {
      server.stop();
    }
  } finally {
    for (const each of [folder, `${folder}-work`, catalogue]) rmSync(each, { recursive: true, force: true });
  }
  return rows;
}

async function measure(
  base: string,
  name: string,
  make: (round: number) => Omit<LifeboatSearch, 'limit'>,
): Promise<BenchRow[]> {
  const times: number[] = [];
  let requests = 0;
  let bytes = 0;
  let hits = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const source = counting(base);
    const began = performance.now();
    const index = await openLifeboatIndex(source);
    const result = await index.search({ ...make(i), limit: PAGE });
    times.push(performance.now() - began);
    if (!result.complete) throw new Error(`${name}: ${result.problems.join(' ')}`);
    requests = Math.max(requests, source.requests);
    bytes = Math.max(bytes, source.bytes);
    hits += result.hits.length;
  }
  const slowest = Math.max(...times);
  const note = `median ${median(times).toFixed(0)} ms, ${(hits / ROUNDS).toFixed(0)} hits on average`;
  return [
    {
      name: `${name}: requests`,
      value: requests,
      unit: '',
      target: `<= ${MOST_REQUESTS}`,
      ok: requests <= MOST_REQUESTS,
    },
    { name: `${name}: bytes`, value: bytes / 1024, unit: 'KiB', target: '<= 1024', ok: bytes <= MOST_BYTES },
    { name: `${name}: slowest`, value: slowest, unit: 'ms', target: `<= ${MOST_MS}`, ok: slowest <= MOST_MS, note },
  ];
}
