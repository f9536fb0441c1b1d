import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, storeRequest } from '../support/dicomweb.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const files = realFiles()
  .filter((file) => /(CT_small|MR_small)\.dcm$/.test(file.name))
  .slice(0, 2);

describe.skipIf(files.length < 2)('STOW-RS and broken, lying or hostile senders', () => {
  let router: TestRouter;
  let stored: Buffer[];
  let headers: Record<string, string>;

  beforeAll(async () => {
    router = await startRouter();
    stored = await contents(files.map((file) => file.path));
    headers = { Authorization: router.basic };
  });
  afterAll(() => router?.close());

  /** Sends raw bytes, waits a little or until the router closes, cuts the connection; what the router answered until then. */
  async function raw(lines: string[], body: Uint8Array, cutAfterMs: number): Promise<string> {
    const { hostname, port } = new URL(router.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    const head = [
      'POST /dicom-web/studies HTTP/1.1',
      `Host: ${hostname}:${port}`,
      `Authorization: ${router.basic}`,
      ...lines,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(body);
    await Promise.race([wait(cutAfterMs), new Promise((resolve) => socket.once('close', resolve))]);
    socket.destroy();
    return answer;
  }
  const instances = async () => {
    await router.router.context.archive.flush();
    return (await router.router.context.archive.catalogue.totals()).instances;
  };
  const spoolIsClean = () => router.router.context.archive.spool().entries;

  it('keeps nothing of an unfinished instance when the connection breaks, and a neighbour completes meanwhile', async () => {
    const { body, contentType } = storeRequest([stored[0]!]);
    const lie = raw(
      [`Content-Type: ${contentType}`, 'Content-Length: 10737418240'],
      body.subarray(0, body.length / 2),
      1_000,
    );
    const neighbour = storeRequest([stored[1]!]);
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': neighbour.contentType },
      body: neighbour.body,
    });
    expect(answer.status).toBe(200);
    await lie;
    await wait(300);
    expect(await instances()).toBe(1);
    expect(spoolIsClean()).toBe(0);
  });

  it('keeps whole instances that came before the break', async () => {
    const { body, contentType } = storeRequest([stored[0]!, stored[1]!]);
    await raw(
      [`Content-Type: ${contentType}`, 'Content-Length: 10737418240'],
      body.subarray(0, body.length - 500),
      1_000,
    );
    await wait(300);
    expect(await instances()).toBe(2);
  });

  it('refuses a part that ends too early though the request is whole', async () => {
    const { body, contentType } = storeRequest([stored[0]!]);
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': contentType },
      body: body.subarray(0, body.length - 40),
    });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain('DATASET_TRUNCATED');
  });

  it('says what is wrong with the beginning of a large request before all of it has come', async () => {
    const type = 'multipart/related; type="application/dicom+json"; boundary=b';
    const part = '--b\r\nContent-Type: application/octet-stream\r\nContent-Location: x\r\n\r\n';
    const answer = await raw([`Content-Type: ${type}`, 'Content-Length: 100000000'], Buffer.from(part), 20_000);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/dicom+json');
  });

  it('answers Expect: 100-continue and goes on', async () => {
    const { body, contentType } = storeRequest([stored[0]!]);
    const answer = await raw(
      [`Content-Type: ${contentType}`, `Content-Length: ${body.length}`, 'Expect: 100-continue'],
      body,
      1_500,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  });

  it.each([
    ['an encoded body', { 'Content-Type': 'application/dicom', 'Content-Encoding': 'gzip' }, 415],
    [
      'metadata in XML with bulk data apart',
      { 'Content-Type': 'multipart/related; type="application/dicom+xml"; boundary=b' },
      415,
    ],
    ['no boundary', { 'Content-Type': 'multipart/related; type="application/dicom"' }, 400],
    [
      'a boundary that is not in the body',
      { 'Content-Type': 'multipart/related; type="application/dicom"; boundary=zzz' },
      400,
    ],
    ['an answer nobody can write', { 'Content-Type': 'application/dicom', Accept: 'text/html' }, 406],
  ])('refuses %s with a reason', async (_what, more, status) => {
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { ...headers, ...(more as Record<string, string>) },
      body: 'no matter what',
    });
    expect(answer.status).toBe(status);
    const { code, message } = (await answer.json()) as { code: string; message: string };
    expect(code).toMatch(/^[A-Z_]+$/);
    expect(message.length).toBeGreaterThan(20);
  });

  it('puts no path, markup or line break of a request into its answers', async () => {
    const attack = encodeURIComponent('<script>alert(1)</script>"\r\nX-Evil: 1');
    const ignored = await fetch(`${router.url}/dicom-web/studies?${attack}=1`, { headers });
    expect(ignored.status).toBe(200);
    expect(ignored.headers.get('x-evil')).toBeNull();
    expect(ignored.headers.get('content-type')).toBe('application/dicom+json');
    for (const uid of ['..%2F..%2Fetc', 'a', '1'.repeat(65), '%00']) {
      const answer = await fetch(`${router.url}/dicom-web/studies/${uid}`, { headers });
      expect(answer.status, uid).toBe(400);
    }
    // Odd, but receiving accepts it: an address must be able to name it.
    const odd = await fetch(`${router.url}/dicom-web/studies/1..2`, { headers: { Authorization: router.basic } });
    expect(odd.status).toBe(404);
  });
});
