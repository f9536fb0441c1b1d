import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startRouter } from '../support/router.ts';
import { writeCtSeries } from './ct-slices.ts';
import { freePort } from './receivers.ts';

interface BenchRow {
  name: string;
  value: number | null;
  unit: string;
  target: string;
  ok: boolean | null;
  note?: string;
}

const SLICES = 500;
const ROUNDS = 5;
const TIMES_FASTER = 10;
const STUDY = 4711;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

interface Server {
  /** DICOMweb root. */
  root: string;
  headers: Record<string, string>;
  stop(): Promise<void>;
}

async function startOrthanc(folder: string): Promise<Server> {
  mkdirSync(folder, { recursive: true });
  const httpPort = await freePort();
  const file = join(folder, 'orthanc.json');
  writeFileSync(
    file,
    JSON.stringify({
      DicomPort: await freePort(),
      HttpPort: httpPort,
      AuthenticationEnabled: false,
      StorageDirectory: join(folder, 'storage'),
      IndexDirectory: join(folder, 'storage'),
      Plugins: ['/usr/share/orthanc/plugins'],
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
    }),
  );
  const child = spawn('Orthanc', [file], { stdio: 'ignore', env: { ...process.env, TCP_NODELAY: '1' } });
  const root = `http://127.0.0.1:${httpPort}/dicom-web`;
  for (let i = 0; i < 100; i++) {
    await wait(200);
    const answer = await fetch(`${root}/studies`).catch(() => null);
    if (answer?.ok) break;
  }
  return {
    root,
    headers: {},
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}

async function startOurs(): Promise<Server & { flush(): Promise<void> }> {
  const router = await startRouter();
  return {
    root: `${router.url}/dicom-web`,
    headers: { Authorization: router.basic },
    flush: () => router.router.context.archive.flush(),
    stop: () => router.close(),
  };
}

async function store({ root, headers }: Server, paths: readonly string[]): Promise<void> {
  for (let i = 0; i < paths.length; i += 50) {
    const parts = paths
      .slice(i, i + 50)
      .flatMap((path) => [
        Buffer.from('--b\r\nContent-Type: application/dicom\r\n\r\n'),
        readFileSync(path),
        Buffer.from('\r\n'),
      ]);
    const answer = await fetch(`${root}/studies`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'multipart/related; type="application/dicom"; boundary=b' },
      body: Buffer.concat([...parts, Buffer.from('--b--\r\n')]),
    });
    if (!answer.ok) throw new Error(`storing into ${root} answered ${answer.status}`);
    await answer.arrayBuffer();
  }
}

/** Milliseconds until the last byte of the metadata of the study is there, and the instances in it. */
async function metadata({ root, headers }: Server, study: string): Promise<{ ms: number; instances: number }> {
  const begin = performance.now();
  const answer = await fetch(`${root}/studies/${study}/metadata`, {
    headers: { ...headers, Accept: 'application/dicom+json' },
  });
  const text = await answer.text();
  const ms = performance.now() - begin;
  if (!answer.ok) throw new Error(`metadata of ${root} answered ${answer.status}`);
  return { ms, instances: (JSON.parse(text) as unknown[]).length };
}

/** WADO-RS metadata of a study of 500 instances, Lifeboat and Orthanc in turn, the first answer (nothing cached) apart. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-bench-metadata-'));
  const orthanc = await startOrthanc(join(folder, 'orthanc'));
  const ours = await startOurs();
  try {
    const paths = writeCtSeries(join(folder, 'slices'), SLICES, STUDY);
    await store(ours, paths);
    await ours.flush();
    await store(orthanc, paths);
    const [row] = (await (await fetch(`${orthanc.root}/studies`)).json()) as Record<string, { Value: string[] }>[];
    const study = row!['0020000D']!.Value[0]!;
    const first = { ours: await metadata(ours, study), orthanc: await metadata(orthanc, study) };
    if (first.ours.instances !== SLICES || first.orthanc.instances !== SLICES) {
      throw new Error(
        `metadata of ${first.ours.instances} and ${first.orthanc.instances} instead of ${SLICES} instances`,
      );
    }
    const mine: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      mine.push((await metadata(ours, study)).ms);
      theirs.push((await metadata(orthanc, study)).ms);
    }
    const ratio = median(theirs) / median(mine);
    return [
      {
        name: `metadata of ${SLICES} instances, Lifeboat`,
        value: Math.round(median(mine)),
        unit: 'ms',
        target: 'under 140',
        ok: median(mine) < 140,
        note: `first answer ${Math.round(first.ours.ms)} ms`,
      },
      {
        name: `metadata of ${SLICES} instances, Orthanc`,
        value: Math.round(median(theirs)),
        unit: 'ms',
        target: '-',
        ok: null,
        note: `first answer ${Math.round(first.orthanc.ms)} ms`,
      },
      {
        name: 'metadata, Orthanc / Lifeboat',
        value: Number(ratio.toFixed(1)),
        unit: 'x',
        target: `at least ${TIMES_FASTER}`,
        ok: ratio >= TIMES_FASTER,
      },
    ];
  } finally {
    await ours.stop();
    await orthanc.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
