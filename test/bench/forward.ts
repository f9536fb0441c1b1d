import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ForwardingStatus } from '../../contract/api.ts';
import { ADMIN_PASSWORD, type Browser, signIn } from '../support/router.ts';
import { writeCtSeries } from './ct-slices.ts';
import {
  freePort,
  type RunningReceiver,
  remove,
  startLifeboat,
  startOrthanc,
  startStorescp,
  storescu,
} from './receivers.ts';
import { type BenchRow, median } from './rows.ts';

const SLICES = 500;
const ROUNDS = Number(process.env.LIFEBOAT_BENCH_ROUNDS ?? 5);
const MIN_RATE = 0.9;
const MAX_SLOWER = 1.05;
/** Series are told apart by their number; those of the two halves must not meet. */
const RECEIVING_FROM = 1000;

type Lifeboat = Awaited<ReturnType<typeof startLifeboat>>;

/** Takes every line and never answers: a destination that hangs. */
async function hangingPeer(): Promise<{ port: number; close(): void }> {
  const lines = new Set<Socket>();
  const server = createServer((socket) => {
    lines.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => lines.delete(socket));
    socket.resume();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as { port: number }).port,
    close: () => {
      for (const line of lines) line.destroy();
      server.close();
    },
  };
}

function lifeboatTo(folder: string, destination: string | undefined): Promise<Lifeboat> {
  mkdirSync(folder, { recursive: true });
  return startLifeboat(folder, [], {
    LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD,
    LIFEBOAT_SCRUB_MB_PER_S: '0',
    ...(destination && { LIFEBOAT_FORWARD_TO: destination }),
  });
}

const sessionOf = ({ httpPort }: Lifeboat) => signIn(`http://127.0.0.1:${httpPort}`, 'admin', ADMIN_PASSWORD);

async function waiting(session: Browser): Promise<number> {
  const { destinations } = await session.json<ForwardingStatus>('/api/forwarding');
  return destinations.reduce((sum, each) => sum + each.waiting, 0);
}

/** Fills a paused queue, then lets go: ms until the peer has confirmed everything. */
async function drain(lifeboat: Lifeboat, session: Browser, peer: RunningReceiver, source: string): Promise<number> {
  const destination = `${peer.calledAE}@127.0.0.1:${peer.port}`;
  const act = (action: string) => session.send('POST', '/api/forwarding', { destination, action });
  await act('pause');
  await storescu(lifeboat, source);
  await lifeboat.settled();
  while ((await waiting(session)) < SLICES) await wait(50);
  execFileSync('sync');
  const begin = performance.now();
  await act('resume');
  while ((await waiting(session)) > 0) await wait(20);
  return performance.now() - begin;
}

async function direct(peer: RunningReceiver, source: string): Promise<number> {
  execFileSync('sync');
  return storescu(peer, source);
}

async function passingOn(folder: string, peers: RunningReceiver[]): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const peer of peers) {
    const lifeboat = await lifeboatTo(join(folder, `to-${peer.name}`), `${peer.calledAE}@127.0.0.1:${peer.port}`);
    try {
      const session = await sessionOf(lifeboat);
      const ours: number[] = [];
      const theirs: number[] = [];
      // Round 0 warms everything up and does not count.
      for (let round = 0; round <= ROUNDS; round++) {
        const [first, second] = [join(folder, 'first'), join(folder, 'second')];
        writeCtSeries(first, SLICES, 2 * round);
        writeCtSeries(second, SLICES, 2 * round + 1);
        const directFirst = round % 2 === 0;
        const before = directFirst ? await direct(peer, first) : 0;
        const drained = await drain(lifeboat, session, peer, second);
        const taken = directFirst ? before : await direct(peer, first);
        if (round > 0) {
          ours.push(drained);
          theirs.push(taken);
        }
        remove(first);
        remove(second);
      }
      const ratio = median(theirs) / median(ours);
      const seconds = (times: number[]) => times.map((ms) => (ms / 1000).toFixed(2)).join(' ');
      rows.push({
        name: `${SLICES} CT slices passed on to ${peer.name}: rate / rate of storescu +sd into it`,
        value: ratio,
        unit: 'x',
        target: `>= ${MIN_RATE}`,
        ok: ratio >= MIN_RATE,
        note: `Lifeboat ${seconds(ours)} s; storescu ${seconds(theirs)} s`,
      });
    } finally {
      await lifeboat.stop();
      remove(join(folder, `to-${peer.name}`));
    }
  }
  return rows;
}

async function receiving(folder: string): Promise<BenchRow[]> {
  const hanging = await hangingPeer();
  const started: [name: string, lifeboat: Lifeboat][] = [];
  try {
    started.push(['none', await lifeboatTo(join(folder, 'none'), undefined)]);
    started.push(['dead', await lifeboatTo(join(folder, 'dead'), `DEAD@127.0.0.1:${await freePort()}`)]);
    started.push(['hanging', await lifeboatTo(join(folder, 'hanging'), `HANGS@127.0.0.1:${hanging.port}`)]);
    const times = new Map(started.map(([name]) => [name, [] as number[]]));
    for (let round = 0; round <= ROUNDS; round++) {
      const source = join(folder, 'source');
      writeCtSeries(source, SLICES, RECEIVING_FROM + round);
      // Another one begins each round, so that none is always the first.
      const order = started.map((_, i) => started[(i + round) % started.length]!);
      for (const [name, lifeboat] of order) {
        execFileSync('sync');
        const ms = await storescu(lifeboat, source);
        await lifeboat.settled();
        if (round > 0) times.get(name)!.push(ms);
      }
      remove(source);
    }
    const none = median(times.get('none')!);
    return ['dead', 'hanging'].map((name) => {
      const ratio = median(times.get(name)!) / none;
      return {
        name: `receiving ${SLICES} CT slices with a ${name} destination / with none`,
        value: ratio,
        unit: 'x',
        target: `<= ${MAX_SLOWER}`,
        ok: ratio <= MAX_SLOWER,
        note: `${(median(times.get(name)!) / 1000).toFixed(2)} s, ${(none / 1000).toFixed(2)} s`,
      };
    });
  } finally {
    for (const [, lifeboat] of started) await lifeboat.stop();
    hanging.close();
  }
}

/**
 * How fast what was kept goes on to a PACS, compared with DCMTK's storescu sending as much to the same PACS; and what a dead
 * and a hanging destination cost those who send to us.
 */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(process.env.LIFEBOAT_BENCH_DIR ?? tmpdir(), 'lifeboat-bench-forward-'));
  const peers: RunningReceiver[] = [];
  try {
    peers.push(await startStorescp(join(folder, 'storescp'), true));
    const orthanc = await startOrthanc(join(folder, 'orthanc')).catch(() => null);
    if (orthanc) peers.push(orthanc);
    return [...(await passingOn(folder, peers)), ...(await receiving(folder))];
  } finally {
    for (const peer of peers) await peer.stop();
    remove(folder);
  }
}

if (import.meta.main) console.table(await run(), ['name', 'value', 'unit', 'target', 'ok', 'note']);
