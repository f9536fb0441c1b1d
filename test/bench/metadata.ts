import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRouter } from '../support/router.ts';
import { writeCtSeries } from './ct-slices.ts';
import { startOrthancWeb } from './orthanc-web.ts';
import { type BenchRow, median } from './rows.ts';

const SLICES = 500;
const ROUNDS = 5;
const TIMES_FASTER = 10;
const STUDY = 4711;

interface Server {
  /** DICOMweb root. */
  root: string;
  headers: Record<string, string>;
  stop(): Promise<void>;
}

async function startOrthanc(folder: string): Promise<Server> {
  const { url, stop } = await startOrthancWeb(folder);
  return { root: `${url}/dicom-web`, headers: {}, stop };
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
