import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { CanaryIntake, fetchCanary } from '../../router/outage/image-canary.ts';
import { startPacsWatch } from '../../router/pacs-watch.ts';
import { freePort } from '../bench/receivers.ts';
import { startRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.94';
const IMAGE = { studyInstanceUID: STUDY, seriesInstanceUID: `${STUDY}.1`, sopInstanceUID: `${STUDY}.1.1` };
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

it('a PACS that answers C-ECHO and C-FIND and gives no image by C-MOVE is degraded, and up again when it does', async () => {
  const ours = await freePort();
  const pacs = await startRouter({
    env: { LIFEBOAT_AE_TITLE: 'PACS', LIFEBOAT_WORKSTATIONS: `LIFEBOAT@127.0.0.1:${ours}` },
  });
  stops.push(() => pacs.close());
  await keepFiles(pacs.router.context.archive, smallStudy(STUDY, 1));
  const test = await startRouter({
    env: {
      LIFEBOAT_DICOM_PORT: String(ours),
      LIFEBOAT_PACS: `PACS@127.0.0.1:${pacs.dicomPort}`,
      LIFEBOAT_PACS_CANARY: STUDY,
    },
    config: { pacsCanaryImage: { ...IMAGE, everyMs: 300 } },
  });
  stops.push(() => test.close());
  const { archive, pacsStatus } = test.router.context;
  const state = () => `${pacsStatus!().state}: ${pacsStatus!().evidence}`;
  await expect.poll(state, { timeout: 15_000 }).toMatch(/^up/);
  // We lack it: kept, once.
  await expect.poll(async () => (await archive.entries(STUDY)).length, { timeout: 15_000 }).toBe(1);
  const [entry] = await pacs.router.context.archive.entries(STUDY);
  const object = join(pacs.dataDir, 'store', entry!.key);
  const bytes = await readFile(object);
  await rm(object);
  await expect
    .poll(state, { timeout: 20_000 })
    .toMatch(/^degraded: C-ECHO answered in \d+ ms, but no image: a known image: /);
  await writeFile(object, bytes);
  await expect.poll(state, { timeout: 20_000 }).toMatch(/^up: /);
  await archive.flush();
  expect(await archive.entries(STUDY)).toHaveLength(1);
  expect(archive.spool().entries).toBe(0);
}, 90_000);

it('by WADO-RS, a service that answers without an image, or never, is degraded as well; a hanging image does not hold up C-ECHO', async () => {
  let fault: 'none' | 500 | 'hangs' = 'none';
  const server = createServer((_, res) => {
    if (fault === 'hangs') return;
    if (fault === 500) return void res.writeHead(500).end();
    res.writeHead(200, { 'Content-Type': 'multipart/related; type="application/dicom"; boundary=b' });
    res.end('--b\r\nContent-Type: application/dicom\r\n\r\nan image\r\n--b--');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const pacs = await startRouter({ env: { LIFEBOAT_AE_TITLE: 'PACS' } });
  stops.push(() => pacs.close());
  const peer = { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.dicomPort };
  const pacsWeb = { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/dw` };
  const intake = new CanaryIntake(pacs.router.context.archive);
  let asked = 0;
  const watch = startPacsWatch({
    pacs: peer,
    aeTitle: 'LIFEBOAT',
    log: pino({ level: 'silent' }),
    intervalMs: 50,
    imageCanaryMs: 50,
    imageCanary: () => {
      asked++;
      return fetchCanary({ pacs: peer, pacsWeb, aeTitle: 'LIFEBOAT' }, IMAGE, intake);
    },
  });
  stops.push(() => watch.close());
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(3);
  expect(watch.status().state).toBe('up');
  fault = 500;
  await expect
    .poll(() => watch.status().evidence, { timeout: 10_000 })
    .toMatch(/no image: a known image: .*WADO-RS status 500/);
  expect(watch.status().state).toBe('degraded');
  fault = 'none';
  await expect.poll(() => watch.status().state, { timeout: 10_000 }).toBe('up');
  fault = 'hangs';
  await new Promise((resolve) => setTimeout(resolve, 300));
  await pacs.close();
  await expect.poll(() => watch.status().state, { timeout: 10_000 }).toBe('down');
}, 60_000);
