import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { fetchRange } from '../../viewer/src/features/reading/frames/range-fetch.ts';

const object = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
let server: Server | undefined;

/** A store that answers as `listener` says. @returns its address and how often it was asked */
async function store(listener: RequestListener): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  server = createServer((request, response) => {
    asked += 1;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/object`, asked: () => asked };
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

it('ends in words when the store takes the question and says nothing', async () => {
  const { url, asked } = await store(() => undefined);
  await expect(fetchRange(url, 10, 20, 1000, { stallMs: 50 })).rejects.toThrow(/has sent nothing for/);
  expect(asked()).toBe(2);
});

it('ends in words when the store stops in the middle of the bytes', async () => {
  const { url } = await store((_, response) => {
    response.writeHead(206, { 'content-length': '10' });
    response.write(object.subarray(10, 14));
  });
  await expect(fetchRange(url, 10, 20, 1000, { stallMs: 50 })).rejects.toThrow(/has sent nothing for/);
});

it('waits for a slow store as long as bytes come', async () => {
  const { url, asked } = await store(async (_, response) => {
    response.writeHead(206, { 'content-length': '10' });
    for (let at = 10; at < 20; at += 1) {
      response.write(object.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    response.end();
  });
  expect(await fetchRange(url, 10, 20, 1000, { stallMs: 300 })).toEqual(object.subarray(10, 20));
  expect(asked()).toBe(1);
});

it('asks again after a short answer and never gives it out', async () => {
  let times = 0;
  const { url, asked } = await store((_, response) => {
    times += 1;
    response.writeHead(206).end(object.subarray(10, times < 3 ? 15 : 20));
  });
  expect(await fetchRange(url, 10, 20, 1000)).toEqual(object.subarray(10, 20));
  expect(asked()).toBe(3);
});

it('refuses an answer that stays short or is too long', async () => {
  const short = await store((_, response) => response.writeHead(206).end(object.subarray(10, 15)));
  await expect(fetchRange(short.url, 10, 20, 1000)).rejects.toThrow('only 5 of the 10 bytes');
  server?.close();
  const long = await store((_, response) => response.writeHead(206).end(object));
  await expect(fetchRange(long.url, 10, 20, 1000)).rejects.toThrow('more than the 10 bytes');
});

it('cuts the range out of a whole object where the store knows no ranges', async () => {
  const { url } = await store((_, response) => response.writeHead(200).end(object));
  expect(await fetchRange(url, 10, 20, 1000)).toEqual(object.subarray(10, 20));
});

it('does not ask twice where the address has expired', async () => {
  const { url, asked } = await store((_, response) => response.writeHead(403).end());
  await expect(fetchRange(url, 10, 20, 1000)).rejects.toMatchObject({ status: 403 });
  expect(asked()).toBe(1);
});
