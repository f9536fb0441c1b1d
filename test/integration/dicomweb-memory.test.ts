import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXPLICIT_BE } from '../../phantoms/part10-writer.ts';
import { imageFile } from '../support/image-file.ts';
import { type RouterProcess, startRouterProcess } from '../support/router.ts';

const SIDE = 4096;
const FRAME_BYTES = SIDE * SIDE * 2;
const MIB = 1024 * 1024;

/** Resident memory of a process, bytes. */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

// Resident memory is read from /proc.
describe.skipIf(process.platform !== 'linux')('memory of many large conversions at once', () => {
  let dataDir: string;
  let router: RouterProcess;
  let frameUrl: string;
  const hashes: string[] = [];

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'lifeboat-memory-'));
    router = await startRouterProcess({ dataDir });
    const words = new Uint16Array((FRAME_BYTES / 2) * 2);
    for (let i = 0; i < words.length; i++) words[i] = (i * 7 + (i >> 12)) & 0xffff;
    for (const frame of [0, 1]) {
      const bytes = Buffer.from(words.buffer, frame * FRAME_BYTES, FRAME_BYTES);
      hashes.push(createHash('sha256').update(bytes).digest('hex'));
    }
    const file = imageFile({ rows: SIDE, columns: SIDE, pixels: words, frames: 2 }, EXPLICIT_BE);
    const stored = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { Authorization: router.basic, 'Content-Type': 'application/dicom' },
      body: Buffer.from(file),
    });
    expect(stored.status).toBe(200);
    const answer = (await stored.json()) as Record<string, { Value: Record<string, { Value: string[] }>[] }>;
    const sop = answer['00081199']!.Value[0]!['00081155']!.Value[0];
    frameUrl = `${router.url}/dicom-web/studies/1.2.3/series/1.2.3.4/instances/${sop}/frames`;
    for (let tries = 0; (await frame(1)).status === 404 && tries < 100; tries++) await wait(50);
  }, 60_000);
  afterAll(async () => {
    await router?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const headers = () => ({
    Authorization: router.basic,
    Accept: 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1',
  });
  /** Reads a frame, holding nothing of it. */
  async function frame(number: number): Promise<{ status: number; sha256: string; retryAfter: string | null }> {
    const answer = await fetch(`${frameUrl}/${number}`, { headers: headers() });
    const hash = createHash('sha256');
    for await (const chunk of answer.body!) hash.update(chunk);
    return { status: answer.status, sha256: hash.digest('hex'), retryAfter: answer.headers.get('retry-after') };
  }
  /** A client that asks and never reads the answer. */
  function deafClient(number: number): Socket {
    const { hostname, port, pathname } = new URL(`${frameUrl}/${number}`);
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.on('error', () => undefined);
    const lines = Object.entries(headers()).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('')}\r\n`);
    return socket;
  }

  it('stays bounded with 60 requests for frames of 32 MiB; each is answered right, or 503 with when to come again', async () => {
    const { pid } = router.process;
    const before = resident(pid!);
    let highest = 0;
    const watch = setInterval(() => {
      highest = Math.max(highest, resident(pid!));
    }, 20);
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => frame((i % 2) + 1)));
    clearInterval(watch);
    for (const [i, { status, sha256, retryAfter }] of answers.entries()) {
      if (status === 503) expect(Number(retryAfter)).toBeGreaterThan(0);
      else expect([status, sha256]).toEqual([200, hashes[i % 2]]);
    }
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5);
    expect((highest - before) / MIB).toBeLessThan(800);
  }, 120_000);

  it('clients that ask and do not read hold their place only until they go away', async () => {
    const deaf = Array.from({ length: 6 }, () => deafClient(1));
    await wait(3_000);
    const waiting = frame(2);
    const early = await Promise.race([waiting, wait(1_000)]);
    expect(early, 'the limit was not reached: the test says nothing').toBeUndefined();
    for (const socket of deaf) socket.destroy();
    expect(await waiting).toMatchObject({ status: 200, sha256: hashes[1] });
  }, 60_000);
});
