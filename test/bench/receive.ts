import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { writeCtSeries, writeMultiFrame } from './ct-slices.ts';
import {
  type RunningReceiver,
  remove,
  startDcmjsDimse,
  startLifeboat,
  startOrthanc,
  startStorescp,
  storescu,
} from './receivers.ts';
import { type BenchRow, median } from './rows.ts';

const SLICES = 500;
const ROUNDS = Number(process.env.LIFEBOAT_BENCH_ROUNDS ?? 5);
const ASSOCIATIONS = 8;
const BIG_FRAMES = 4096;
const MAX_RESIDENT_MIB = 300;

/** What an earlier receiver left unsynced must not be paid for by the next. */
function quiet(): void {
  execFileSync('sync');
}

async function timed(receiver: RunningReceiver, send: () => Promise<number>): Promise<number> {
  quiet();
  const ms = await send();
  await receiver.settled();
  return ms;
}

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length;
}

/**
 * 500 CT slices of 512 KiB into each receiver in turn, a new series each round, so that drifts of the machine hit all
 * alike; then the same over eight associations at once, then one object of 2 GiB.
 */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(process.env.LIFEBOAT_BENCH_DIR ?? tmpdir(), 'lifeboat-bench-receive-'));
  const started: RunningReceiver[] = [];
  const start = async (receiver: Promise<RunningReceiver>) => {
    const running = await receiver;
    started.push(running);
    return running;
  };
  try {
    mkdirSync(join(folder, 'lifeboat'));
    const lifeboat = await start(startLifeboat(join(folder, 'lifeboat')));
    const storescp = await start(startStorescp(join(folder, 'storescp'), false));
    const forking = await start(startStorescp(join(folder, 'storescp-fork'), true));
    const orthanc = await start(startOrthanc(join(folder, 'orthanc'))).catch(() => null);
    const dcmjs = await start(startDcmjsDimse(join(folder, 'dcmjs'))).catch(() => null);

    const receivers = [lifeboat, storescp, ...(orthanc ? [orthanc] : []), ...(dcmjs ? [dcmjs] : [])];
    const times = new Map<RunningReceiver, number[]>(receivers.map((r) => [r, []]));
    const eightTimes = { lifeboat: [] as number[], storescp: [] as number[] };
    // Round 0 warms everything up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      const source = join(folder, 'source');
      writeCtSeries(source, SLICES, 2 * round);
      const order = round % 2 ? [...receivers].reverse() : receivers;
      for (const receiver of order) {
        const ms = await timed(receiver, () => storescu(receiver, source));
        if (round > 0) times.get(receiver)!.push(ms);
      }
      remove(source);
      const paths = writeCtSeries(source, SLICES, 2 * round + 1);
      paths.forEach((path, i) => {
        const part = join(folder, 'eight', String(i % ASSOCIATIONS));
        mkdirSync(part, { recursive: true });
        linkSync(path, join(part, `${i}.dcm`));
      });
      const eight = async (receiver: RunningReceiver) => {
        const begin = performance.now();
        const parts = Array.from({ length: ASSOCIATIONS }, (_, i) => join(folder, 'eight', String(i)));
        await Promise.all(parts.map((part) => storescu(receiver, part)));
        return performance.now() - begin;
      };
      const ours = await timed(lifeboat, () => eight(lifeboat));
      const theirs = await timed(forking, () => eight(forking));
      if (round > 0) {
        eightTimes.lifeboat.push(ours);
        eightTimes.storescp.push(theirs);
      }
      remove(source);
      remove(join(folder, 'eight'));
      for (const name of ['storescp', 'storescp-fork', 'dcmjs']) remove(join(folder, name));
      for (const name of ['storescp', 'storescp-fork', 'dcmjs']) mkdirSync(join(folder, name), { recursive: true });
    }
    const slicesPeak = lifeboat.peakMiB();

    const big = join(folder, 'big.dcm');
    await writeMultiFrame(big, BIG_FRAMES, 99);
    const bigBegin = performance.now();
    const report = await sendInstances({
      host: '127.0.0.1',
      port: lifeboat.port,
      calledAE: lifeboat.calledAE,
      callingAE: 'BENCH',
      files: [big],
    });
    const bigMs = performance.now() - bigBegin;
    await lifeboat.settled();
    const bigPeak = lifeboat.peakMiB();
    const stored = countFiles(join(folder, 'lifeboat', 'data', 'store', 'objects'));
    const expected = 2 * (ROUNDS + 1) * SLICES + 1;

    const seconds = (receiver: RunningReceiver | null) => (receiver ? median(times.get(receiver)!) / 1000 : null);
    const all = (receiver: RunningReceiver) =>
      times
        .get(receiver)!
        .map((ms) => (ms / 1000).toFixed(2))
        .join(' ');
    const [ours, scp, orth, dcm] = [seconds(lifeboat)!, seconds(storescp)!, seconds(orthanc), seconds(dcmjs)];
    const eightOurs = median(eightTimes.lifeboat) / 1000;
    const eightScp = median(eightTimes.storescp) / 1000;
    const rows: BenchRow[] = [
      {
        name: `${SLICES} CT slices of 512 KiB, one association, synced: Lifeboat`,
        value: ours,
        unit: 's',
        target: '',
        ok: null,
        note: all(lifeboat),
      },
      { name: 'the same into storescp, not synced', value: scp, unit: 's', target: '', ok: null, note: all(storescp) },
      {
        name: 'the same into Orthanc',
        value: orth,
        unit: 's',
        target: '',
        ok: null,
        note: orthanc ? all(orthanc) : 'not installed',
      },
      {
        name: 'the same into dcmjs-dimse, streaming, not synced',
        value: dcm,
        unit: 's',
        target: '',
        ok: null,
        note: dcmjs ? all(dcmjs) : 'not installed',
      },
      { name: 'storescp time / Lifeboat time', value: scp / ours, unit: 'x', target: '>= 1', ok: scp / ours >= 1 },
      {
        name: 'Orthanc time / Lifeboat time',
        value: orth && orth / ours,
        unit: 'x',
        target: '>= 3',
        ok: orth ? orth / ours >= 3 : null,
      },
      {
        name: `the same over ${ASSOCIATIONS} associations at once: Lifeboat`,
        value: eightOurs,
        unit: 's',
        target: '',
        ok: null,
        note: `storescp --fork ${eightScp.toFixed(2)} s`,
      },
      {
        name: `${ASSOCIATIONS} associations / one association`,
        value: eightOurs / ours,
        unit: 'x',
        target: '<= 1',
        ok: eightOurs / ours <= 1,
      },
      {
        name: 'one object of 2 GiB into Lifeboat',
        value: bigMs / 1000,
        unit: 's',
        target: 'kept',
        ok: report.sent === 1,
        note: `${(statSync(big).size / bigMs / 1e6).toFixed(2)} GB/s`,
      },
      {
        name: 'peak resident memory of the router, slices',
        value: slicesPeak,
        unit: 'MiB',
        target: `< ${MAX_RESIDENT_MIB}`,
        ok: slicesPeak < MAX_RESIDENT_MIB,
      },
      {
        name: 'peak resident memory of the router, with the 2 GiB object',
        value: bigPeak,
        unit: 'MiB',
        target: `< ${MAX_RESIDENT_MIB}`,
        ok: bigPeak < MAX_RESIDENT_MIB,
      },
      {
        name: 'objects in the store afterwards',
        value: stored,
        unit: '',
        target: `= ${expected}`,
        ok: stored === expected,
      },
    ];
    return rows;
  } finally {
    for (const receiver of started) await receiver.stop();
    remove(folder);
  }
}

if (import.meta.main) console.table(await run(), ['name', 'value', 'unit', 'target', 'ok', 'note']);
