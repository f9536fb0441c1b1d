import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../router/config.ts';
import { serve } from '../../router/serve.ts';
import { FaultPeer } from '../support/fault-peer.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';
import { freePort } from './receivers.ts';
import type { BenchRow } from './rows.ts';

const ROUNDS = 5;
const MOST = { hard: 10, hang: 30, forward: 5 };

async function until(condition: () => boolean): Promise<number> {
  const deadline = Date.now() + 120_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come true in two minutes');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Date.now();
}

/** Takes connections and says nothing, as a PACS does whose process is stopped. */
async function hanging(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}

/** How soon a dead and a hanging PACS are declared down, and how soon images go out once it is declared up. Worst of all rounds. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-bench-outage-'));
  const port = await freePort();
  const address = `PACS@127.0.0.1:${port}`;
  let pacs = await FaultPeer.start({}, port);
  const env = {
    LIFEBOAT_DATA: folder,
    LIFEBOAT_HTTP_PORT: '0',
    LIFEBOAT_DICOM_PORT: '0',
    LIFEBOAT_PACS: address,
    LIFEBOAT_FORWARD_TO: address,
    LIFEBOAT_SPOOL_MIN_FREE_MB: '16',
    LIFEBOAT_LOG_LEVEL: 'fatal',
  };
  const router = await serve(loadConfig({ cwd: folder, env }));
  const state = () => router.context.pacsStatus!().state;
  const worst = { hard: 0, hang: 0, forward: 0 };
  try {
    await until(() => state() === 'up');
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of ['hard', 'hang'] as const) {
        // At whatever moment between two probes.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3_000));
        const from = Date.now();
        await pacs.stop();
        const end = kind === 'hang' ? await hanging(port) : async () => undefined;
        worst[kind] = Math.max(worst[kind], ((await until(() => state() === 'down')) - from) / 1000);
        await keepFiles(router.context.archive, smallStudy(`1.2.826.0.9.${round}.${kind.length + round}`, 5));
        await end();
        pacs = await FaultPeer.start({}, port);
        await until(() => state() === 'up');
        const up = Date.parse(router.context.pacsStatus!().since);
        worst.forward = Math.max(worst.forward, ((await until(() => pacs.stored.length > 0)) - up) / 1000);
      }
    }
  } finally {
    await router.close();
    await pacs.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const row = (name: string, key: keyof typeof worst): BenchRow => ({
    name,
    value: worst[key],
    unit: 's',
    target: `<= ${MOST[key]} s`,
    ok: worst[key] <= MOST[key],
    note: `worst of ${key === 'forward' ? 2 * ROUNDS : ROUNDS}`,
  });
  return [
    row('a dead PACS is declared down', 'hard'),
    row('a hanging PACS is declared down', 'hang'),
    row('first image goes out after the PACS is declared up', 'forward'),
  ];
}

if (import.meta.main) console.table(await run(), ['name', 'value', 'unit', 'target', 'ok', 'note']);
