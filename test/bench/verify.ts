// `lifeboat verify` beside sha256sum over the same files on as many cores: 1,200 CT slices of 512 KiB; and, for
// comparison only, 4,000 small objects, for each of which we read a manifest line, a metadata document and a catalogue row besides.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Archive } from '../../storage/archive-types.ts';
import { verify } from '../../storage/verify.ts';
import { archiveFolder, receive } from '../support/archive.ts';
import { CT, ctDataSet } from '../support/build-data-set.ts';
import { type BenchRow, median } from './rows.ts';

const ROUNDS = 3;
const cores = availableParallelism();

/** Fills a throw-away archive; every study has 100 images. */
async function fill(archive: Archive, images: number, rows: number): Promise<void> {
  for (let i = 0; i < images; i++) {
    const study = `1.2.826.0.1.77.${Math.floor(i / 100)}`;
    const sop = `${study}.1.${i}`;
    const pixels = Buffer.alloc(rows * rows * 2, i & 0xff);
    pixels.writeUInt32LE(i);
    const bytes = ctDataSet({
      studyInstanceUID: study,
      seriesInstanceUID: `${study}.1`,
      sopInstanceUID: sop,
      sopClassUID: CT,
      rows,
      columns: rows,
      pixels,
    });
    await receive(archive, { sop, bytes });
  }
  await archive.flush();
}

function sha256sum(store: string): number {
  const begun = performance.now();
  const command = `find objects manifests metadata -type f -print0 | xargs -0 -n 32 -P ${cores} sha256sum > /dev/null`;
  const done = spawnSync('sh', ['-c', command], { cwd: store });
  if (done.status !== 0) throw new Error(`sha256sum: ${done.stderr}`);
  return performance.now() - begun;
}

async function verified(archive: Archive, images: number): Promise<{ ms: number; bytes: number }> {
  const begun = performance.now();
  const run = verify({ store: archive.store, catalogue: archive.catalogue });
  for await (const finding of run) throw new Error(`a false alarm: ${finding.kind} ${finding.key}: ${finding.text}`);
  if (run.summary.sound !== images) throw new Error(`${run.summary.sound} of ${images} sound`);
  return { ms: performance.now() - begun, bytes: run.summary.bytes };
}

async function compare(name: string, images: number, rows: number, target: number | null): Promise<BenchRow[]> {
  const folder = archiveFolder();
  const archive = await folder.open();
  try {
    await fill(archive, images, rows);
    const store = join(folder.dir, 'store');
    sha256sum(store);
    const ours: number[] = [];
    const theirs: number[] = [];
    let bytes = 0;
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(sha256sum(store));
      const run = await verified(archive, images);
      ours.push(run.ms);
      bytes = run.bytes;
    }
    const [mine, other] = [median(ours), median(theirs)];
    const rate = (ms: number) => bytes / 1e6 / (ms / 1000);
    const note = `${rate(mine).toFixed(0)} MB/s, ${((images / mine) * 1000).toFixed(0)} objects/s; sha256sum ${rate(other).toFixed(0)} MB/s, ${cores} cores, page cache warm`;
    const ratio = other / mine;
    return [
      {
        name: `verify: rate of sha256sum, ${name}`,
        value: ratio,
        unit: 'x',
        target: target === null ? '' : `>= ${target}`,
        ok: target === null ? null : ratio >= target,
        note,
      },
    ];
  } finally {
    await archive.close();
    folder.remove();
  }
}

export async function run(): Promise<BenchRow[]> {
  return [
    ...(await compare('1,200 slices of 512 KiB', 1200, 512, 0.8)),
    ...(await compare('4,000 objects of 1 KiB', 4000, 16, null)),
  ];
}
