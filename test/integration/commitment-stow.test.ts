import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ForwardingStatus, OutageAnswer } from '../../contract/api.ts';
import { keepFiles } from '../support/keep-files.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.93';
const CT = '1.2.840.10008.5.1.4.1.1.2';
const stops: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-stow-commitment-'));
  stops.push(() => rmSync(folder, { recursive: true }));
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A router that passes on to `url` and asks it soon. */
async function router(url: string): Promise<TestRouter> {
  writeFileSync(join(folder, 'password'), ADMIN_PASSWORD);
  writeFileSync(
    join(folder, 'forwarding.yaml'),
    `destinations: [{name: cloud, stow: "${url}", commitment: true, basic: {user: admin, passwordFile: password}}]`,
  );
  const test = await startRouter({
    env: { LIFEBOAT_FORWARDING: join(folder, 'forwarding.yaml') },
    config: { confirmationTimes: { quiet: 100, sameAssociation: 1_500, answer: 1_000, pause: 200 } },
  });
  stops.push(() => test.close());
  return test;
}
const cloud = async (test: TestRouter) =>
  (await (await test.login()).json<ForwardingStatus>('/api/forwarding')).destinations[0]!;

/** A service that takes everything; `commitment` says what it answers to a request or a question for its result. */
async function service(commitment: (method: string, uid: string, body: string) => [number, unknown?]) {
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (chunk: Buffer) => parts.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(parts).toString('latin1');
      const [, uid] = /\/commitment-requests\/([\d.]+)$/.exec(req.url ?? '') ?? [];
      if (uid === undefined) {
        const uids = [...new Set(body.match(new RegExp(`${STUDY}\\.1\\.\\d+`, 'g')))];
        res.writeHead(200, { 'Content-Type': 'application/dicom+json' });
        res.end(JSON.stringify({ '00081199': { vr: 'SQ', Value: uids.map(item) } }));
        return;
      }
      const [status, answer] = commitment(req.method ?? '', uid, body);
      res.writeHead(status, { 'Content-Type': 'application/dicom+json' });
      res.end(answer === undefined ? undefined : JSON.stringify(answer));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  stops.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/dw`;
}
const item = (uid: string) => ({ '00081150': { vr: 'UI', Value: [CT] }, '00081155': { vr: 'UI', Value: [uid] } });
const uidsIn = (body: string) => [...new Set(body.match(new RegExp(`${STUDY}\\.1\\.\\d+`, 'g')))];

describe('a STOW-RS destination is asked for storage commitment', () => {
  it('another Lifeboat commits to each image, and the outage page says so', async () => {
    const other = await startRouter();
    stops.push(() => other.close());
    const test = await router(`${other.url}/dicom-web`);
    const { archive, confirmations } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 3));
    const confirmed = () => confirmations!.confirmedByPacs(STUDY).filter((one) => one.confirmed).length;
    await expect.poll(confirmed, { timeout: 20_000 }).toBe(3);
    expect(confirmations!.proof('cloud', await archive.entries(STUDY))?.size).toBe(3);
    const { commitments } = await (await test.login()).json<OutageAnswer>('/api/outages');
    expect(commitments).toMatchObject([{ destination: 'cloud', confirmed: 3, open: 0, refused: 0, trouble: '' }]);
  }, 60_000);

  it('what it does not have is sent again, and a slow answer is asked for instead of asking anew', async () => {
    const asked = new Map<string, { uids: string[]; looks: number }>();
    const sent: string[] = [];
    const url = await service((method, uid, body) => {
      const known = asked.get(uid);
      if (method === 'POST') {
        asked.set(uid, { uids: uidsIn(body), looks: 0 });
        sent.push(uid);
        return [202];
      }
      if (!known) return [404];
      // Longer than one question waits: it is looked at again when the answer is due.
      if (known.looks++ < 3) return [202];
      const lost = sent[0] === uid ? [`${STUDY}.1.2`] : [];
      return [
        200,
        [
          {
            '00081199': { vr: 'SQ', Value: known.uids.filter((one) => !lost.includes(one)).map(item) },
            ...(lost.length > 0 && {
              '00081198': {
                vr: 'SQ',
                Value: lost.map((one) => ({ ...item(one), '00081197': { vr: 'US', Value: [0x0112] } })),
              },
            }),
          },
        ],
      ];
    });
    const test = await router(url);
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 3));
    await expect
      .poll(async () => (await cloud(test)).commitment, { timeout: 30_000 })
      .toMatchObject({ confirmed: 3, open: 0, refused: 0 });
    // One for the three, one for the one that was sent again.
    expect([...asked.values()].map(({ uids }) => uids.length).sort()).toEqual([1, 3]);
  }, 60_000);

  it('a service that offers none is said to, and nothing counts as committed', async () => {
    const url = await service(() => [404]);
    const test = await router(url);
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 2));
    await expect
      .poll(async () => (await cloud(test)).commitment, { timeout: 20_000 })
      .toMatchObject({
        confirmed: 0,
        open: 2,
        trouble: expect.stringMatching(/offers no storage commitment \(HTTP 404\)/),
      });
    expect((await cloud(test)).sent).toBe(2);
  }, 60_000);
});
