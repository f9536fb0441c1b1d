import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Client } from 'minio';
import { afterEach, describe, expect, test } from 'vitest';
import { createPresigner } from '../../storage/stores/presign.ts';
import { S3Store } from '../../storage/stores/s3-store.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
const open: { server?: Server; stores: S3Store[] } = { stores: [] };

/** A server that misbehaves as told; every answer is made by the test. */
async function storeBehind(answer: Answer, timeouts = {}): Promise<S3Store> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      answer(request, response, Buffer.concat(chunks));
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.server = server;
  const { port } = server.address() as { port: number };
  const store = new S3Store(
    { bucket: 'bucket', endpoint: `http://127.0.0.1:${port}`, accessKey: 'A', secretKey: 'S', region: 'us-east-1' },
    { delays: [5, 5, 5], ...timeouts },
  );
  open.stores.push(store);
  return store;
}

afterEach(async () => {
  for (const store of open.stores.splice(0)) await store.close();
  open.server?.closeAllConnections();
  await new Promise((resolve) => (open.server ? open.server.close(resolve) : resolve(null)));
  open.server = undefined;
});

const body = randomBytes(50_000);
const whole = (response: ServerResponse) => response.writeHead(200, { 'content-length': body.length }).end(body);
function error(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
}
function isBucket(request: IncomingMessage): boolean {
  return /^\/bucket\/?(\?|$)/.test(request.url ?? '');
}

describe('reading from an S3 that misbehaves', () => {
  test('a body that breaks off is fetched again, never handed on short', async () => {
    let asked = 0;
    const store = await storeBehind((_request, response) => {
      asked++;
      if (asked > 2) return whole(response);
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 20_000), () => response.destroy());
    });
    expect((await store.get('k')).equals(body)).toBe(true);
    expect(asked).toBe(3);
  });

  test('a stream that breaks off ends with an error', async () => {
    const store = await storeBehind((_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 20_000), () => setTimeout(() => response.destroy(), 20));
    });
    const { body: stream } = await store.stream('k');
    const read = (async () => {
      for await (const _ of stream);
    })();
    await expect(read).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('a range answered with something else is refused', async () => {
    const store = await storeBehind((_request, response) => whole(response));
    await expect(store.get('k', { start: 5, end: 10 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('a range shorter than asked, though honestly labelled, is refused', async () => {
    const store = await storeBehind((_request, response) => {
      response.writeHead(206, { 'content-length': 3, 'content-range': `bytes 5-7/${body.length}` });
      response.end(body.subarray(5, 8));
    });
    await expect(store.get('k', { start: 5, end: 10 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('resets and 503 are tried again', async () => {
    let asked = 0;
    const store = await storeBehind((_request, response) => {
      asked++;
      if (asked === 1) response.destroy();
      else if (asked === 2) error(response, 503, 'SlowDown');
      else whole(response);
    });
    expect((await store.get('k')).equals(body)).toBe(true);
  });

  test('an answer that does not come is no missing object', async () => {
    const store = await storeBehind(() => undefined, { idleMs: 60 });
    await expect(store.head('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.get('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('a refused key is no missing object, and is not asked for again', async () => {
    let asked = 0;
    const store = await storeBehind((_request, response) => {
      asked++;
      error(response, 403, 'AccessDenied');
    });
    await expect(store.get('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(asked).toBe(1);
  });

  test('404 for the whole bucket is no missing object', async () => {
    const store = await storeBehind((request, response) => {
      if (request.method === 'PUT' || request.method === 'GET') error(response, 404, 'NoSuchBucket');
      else response.writeHead(404).end();
    });
    await expect(store.head('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('404 for the object, in a bucket that is there, is a missing object', async () => {
    const store = await storeBehind((request, response) => {
      response.writeHead(isBucket(request) ? 200 : 404).end();
    });
    expect(await store.head('k')).toBeNull();
  });

  test('a list that breaks between pages goes on after the last key', async () => {
    const page = (keys: string[], next: boolean) =>
      `<ListBucketResult><Name>bucket</Name><KeyCount>${keys.length}</KeyCount><IsTruncated>${next}</IsTruncated>${
        next ? '<NextContinuationToken>t</NextContinuationToken>' : ''
      }${keys.map((k) => `<Contents><Key>${k}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`).join('')}</ListBucketResult>`;
    const store = await storeBehind((request, response) => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      if (request.method === 'HEAD' || !query.has('list-type')) response.writeHead(200).end();
      else if (query.get('continuation-token')) response.destroy();
      else if (query.get('start-after') === 'p/2') response.end(page(['p/3'], false));
      else response.end(page(['p/1', 'p/2'], true));
    });
    const keys: string[] = [];
    for await (const { key } of store.list('p/')) keys.push(key);
    expect(keys).toEqual(['p/1', 'p/2', 'p/3']);
  });
});

test('a bucket that takes no CORS rule works, with a warning for IT', async () => {
  const store = await storeBehind((request, response) => {
    if (/[?&]cors/.test(request.url ?? '')) return error(response, 501, 'NotImplemented');
    response.writeHead(200, { etag: '"x"' }).end();
  });
  expect(store.warning).toBeUndefined();
  await store.put('k', body);
  expect(store.warning).toContain('CORS');
});

describe('presigned addresses', () => {
  const target = { bucket: 'images', region: 'eu-central-1', accessKey: 'AK/1', secretKey: 'secret' };
  const key = 'objects/1f/1.2.840.1/2.3/4.5.00ff00ff00ff00ff00ff00ff00ff00ff.dcm';

  test.each(['http://127.0.0.1:9000', 'https://s3.hospital.example', 'https://s3.hospital.example:8443'])(
    'are those of the minio client for %s',
    async (endpoint) => {
      const url = new URL(endpoint);
      const client = new Client({
        endPoint: url.hostname,
        port: Number(url.port) || 443,
        useSSL: url.protocol === 'https:',
        accessKey: target.accessKey,
        secretKey: target.secretKey,
        region: target.region,
      });
      const presign = createPresigner({ ...target, endpoint });
      for (const day of ['2026-02-03T04:05:06Z', '2026-02-04T00:00:00Z']) {
        const now = new Date(day);
        const theirs = await client.presignedGetObject(target.bucket, key, 900, {}, now);
        expect(presign(key, now.getTime() + 900_000, now.getTime())).toBe(theirs);
      }
    },
  );

  test('never live longer than asked, nor than a week', () => {
    const presign = createPresigner({ ...target, endpoint: 'http://h' });
    const life = (ms: number) => new URL(presign(key, ms, 0)).searchParams.get('X-Amz-Expires');
    expect(life(59_999)).toBe('59');
    expect(life(90 * 86_400_000)).toBe('604800');
  });
});
