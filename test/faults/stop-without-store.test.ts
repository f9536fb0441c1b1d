import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

/** A container gets 10 seconds between "stop" and being killed. */
const KILLED_AFTER_MS = 10_000;

const away = (port: number) => ({
  LIFEBOAT_STORE: 's3://images',
  LIFEBOAT_S3_ENDPOINT: `http://127.0.0.1:${port}`,
  LIFEBOAT_S3_ACCESS_KEY: 'key',
  LIFEBOAT_S3_SECRET_KEY: 'secret',
});

/** Receives an image, stops, and starts again: how long the stop took, and what waits afterwards. */
async function stopAndStart(port: number): Promise<{ ms: number; waiting: number }> {
  const first = await startRouter({ env: away(port) });
  const reception = first.router.context.archive.beginFile({ via: 'c-store', callingAE: 'MR2' });
  await reception.write(smallImage({ study: '2.25.77', series: '2.25.77.1', sop: '2.25.77.1.1' }));
  await reception.finish();
  const before = performance.now();
  await first.close({ keepData: true });
  const ms = performance.now() - before;
  const second = await startRouter({ env: away(port), dataDir: first.dataDir });
  try {
    const { archive } = second.router.context;
    await expect.poll(() => archive.spool().entries, { timeout: 10_000 }).toBe(1);
    return { ms, waiting: archive.spool().entries };
  } finally {
    await second.close();
  }
}

it('stops in time where the store refuses connections, and keeps what waits', async () => {
  const { ms, waiting } = await stopAndStart(9);
  expect(waiting).toBe(1);
  expect(ms).toBeLessThan(KILLED_AFTER_MS);
});

/** Takes connections and never answers. */
async function hanging(work: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  try {
    await work((silent.address() as { port: number }).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
}

it('stops in time where the store takes connections and never answers, and keeps what waits', async () => {
  await hanging(async (port) => {
    const { ms, waiting } = await stopAndStart(port);
    expect(waiting).toBe(1);
    expect(ms).toBeLessThan(KILLED_AFTER_MS);
  });
});

it('stops in time where the second store never answers', async () => {
  await hanging(async (port) => {
    const env = Object.entries(away(port)).map(([name, value]) => [
      name.replace('LIFEBOAT_', 'LIFEBOAT_REPLICA_'),
      value,
    ]);
    const { LIFEBOAT_REPLICA_STORE, ...others } = Object.fromEntries(env) as Record<string, string>;
    const router = await startRouter({ env: { ...others, LIFEBOAT_REPLICA: LIFEBOAT_REPLICA_STORE! } });
    // its copier and its publisher are at it
    await sleep(1500);
    const before = performance.now();
    await router.close();
    expect(performance.now() - before).toBeLessThan(KILLED_AFTER_MS);
  });
});
