import { createServer, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import type { PacsStatus } from '../../contract/api.ts';
import { type PacsWatch, startPacsWatch } from '../../router/pacs-watch.ts';
import { freePort } from '../bench/receivers.ts';
import { type TestServer, testServer } from '../support/dimse.ts';
import { until } from '../support/raw-dimse.ts';

const stops: Array<() => unknown> = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function watch(port: number, aeTitle = 'LIFEBOAT', intervalMs = 60): { watch: PacsWatch; changes: PacsStatus[] } {
  const changes: PacsStatus[] = [];
  const watching = startPacsWatch({
    pacs: { aeTitle: 'PACS', host: '127.0.0.1', port },
    aeTitle,
    log: pino({ level: 'silent' }),
    intervalMs,
    probeTimeoutMs: 250,
    trafficMs: 300,
  });
  watching.on('change', (status) => changes.push(status));
  stops.push(() => watching.close());
  return { watch: watching, changes };
}

async function pacs(port: number): Promise<TestServer> {
  const server = await testServer({ dicomPort: port, aeTitle: 'PACS' });
  let stopped = false;
  const stop = server.stop;
  server.stop = async () => {
    if (!stopped) await stop();
    stopped = true;
  };
  stops.push(() => server.stop());
  return server;
}

it('up, then stopped: degraded, down with evidence; back: up only after two good answers', async () => {
  const port = await freePort();
  const server = await pacs(port);
  const { watch: watching, changes } = watch(port);
  await until(() => watching.status().state === 'up', 'up');
  expect(watching.status()).toMatchObject({ name: 'PACS', address: `PACS@127.0.0.1:${port}`, queued: 0 });
  expect(watching.status().evidence).toMatch(/^C-ECHO answered in \d+ ms$/);
  await server.stop();
  await until(() => watching.status().state === 'down', 'down');
  expect(watching.status().evidence).toMatch(/^C-ECHO: connection refused, \d+ times in \d+ s$/);
  const downSince = watching.status().since;
  await pacs(port);
  await until(() => /1 of 2 good answers/.test(watching.status().evidence), 'one good answer is not enough');
  expect(watching.status()).toMatchObject({ state: 'down', since: downSince });
  await until(() => watching.status().state === 'up', 'up again');
  expect(changes.map((c) => c.state)).toEqual(['up', 'degraded', 'down', 'up']);
});

it('a PACS that takes the connection and hangs is down, and the evidence says it did not answer', async () => {
  const sockets = new Set<Socket>();
  const hanging: Server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    hanging.close();
  });
  const { watch: watching } = watch((hanging.address() as { port: number }).port);
  await until(() => watching.status().state === 'down', 'down');
  expect(watching.status().evidence).toMatch(/^C-ECHO: No answer within 0\.25 s, 3 times in \d+ s$/);
});

it('a PACS that does not know us is degraded with its reason, never down: it is alive', async () => {
  const server = await pacs(await freePort());
  const { watch: watching, changes } = watch(server.port, 'STRANGER');
  await until(() => server.refusals.length >= 5, 'five probes');
  expect(watching.status().state).toBe('degraded');
  expect(watching.status().evidence).toMatch(/calling AE title not recognized/);
  expect(changes.map((c) => c.state)).toEqual(['degraded']);
});

it('one lost answer does not make an outage', async () => {
  const port = await freePort();
  const server = await pacs(port);
  const { watch: watching, changes } = watch(port, 'LIFEBOAT', 700);
  await until(() => watching.status().state === 'up', 'up');
  await server.stop();
  await until(() => watching.status().state === 'degraded', 'degraded');
  await pacs(port);
  await until(() => watching.status().state === 'up', 'up again');
  expect(changes.map((c) => c.state)).not.toContain('down');
});

it('a PACS that answers but takes no image is degraded with the reason, until it takes one', async () => {
  const server = await pacs(await freePort());
  const { watch: watching } = watch(server.port);
  await until(() => watching.status().state === 'up', 'up');
  const sending = setInterval(() => watching.traffic('Out of resources (0xA700)'), 50);
  stops.push(() => clearInterval(sending));
  await until(() => watching.status().state === 'degraded', 'degraded');
  expect(watching.status().evidence).toMatch(
    /^C-ECHO answered in \d+ ms, but no image was taken for \d+ s: Out of resources \(0xA700\)$/,
  );
  clearInterval(sending);
  watching.traffic(undefined);
  await until(() => watching.status().state === 'up', 'up again');
});
