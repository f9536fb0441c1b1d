import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { reuseReadBuffer } from '../../router/dimse/read-buffer.ts';

it('reads into one buffer, stops when told to, goes on at resume, and sees the end', async () => {
  const lengths: number[] = [];
  const buffers = new Set<ArrayBufferLike>();
  let hold = true;
  let reading: Socket | undefined;
  let ended = false;
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    reading = reuseReadBuffer(accepted, (chunk) => {
      lengths.push(chunk.length);
      buffers.add(chunk.buffer);
      return !hold;
    });
    reading?.on('end', () => {
      ended = true;
    });
    reading?.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  peer.write(Buffer.alloc(1_000_000, 1));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(reading, 'this Node can do it').toBeDefined();
  expect(lengths).toHaveLength(1);
  hold = false;
  reading!.resume();
  peer.end();
  const closed = new Promise((resolve) => reading!.on('close', resolve));
  await closed;
  expect(lengths.reduce((sum, n) => sum + n, 0)).toBe(1_000_000);
  expect(buffers.size).toBe(1);
  expect(ended).toBe(true);
  server.close();
});
