import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryBudget } from '../../router/dicomweb/memory-budget.ts';
import { writeTo } from '../../router/dicomweb/multipart-writer.ts';

const staying = { signal: new AbortController().signal };

/** Work that lasts until it is told to end. */
function held() {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, work: () => ended };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the memory that all conversions share', () => {
  it('lets in what fits, the rest in order of arrival as memory becomes free', async () => {
    const memory = new MemoryBudget(100);
    const [first, second] = [held(), held()];
    const order: string[] = [];
    const runs = [
      memory.run(60, staying, first.work),
      memory.run(60, staying, async () => {
        order.push('second');
        await second.work();
      }),
      memory.run(10, staying, async () => void order.push('third')),
    ];
    await settled();
    expect(order).toEqual([]);
    expect(memory.held).toBe(60);
    first.end();
    await settled();
    expect(order).toEqual(['second', 'third']);
    second.end();
    await Promise.all(runs);
    expect(memory.held).toBe(0);
  });

  it('frees what failed work held', async () => {
    const memory = new MemoryBudget(100);
    await expect(memory.run(100, staying, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(memory.held).toBe(0);
  });

  it('refuses at once what can never fit, with what to ask for instead', async () => {
    await expect(new MemoryBudget(100).run(101, staying, async () => undefined)).rejects.toMatchObject({
      code: 'NOT_ACCEPTABLE',
      message: expect.stringContaining('transfer-syntax=*'),
    });
  });

  it('answers busy when the queue is full, but not to somebody whose answer has begun', async () => {
    const memory = new MemoryBudget(100, 1);
    const first = held();
    const runs = [memory.run(100, staying, first.work), memory.run(1, staying, async () => undefined)];
    await expect(memory.run(1, staying, async () => undefined)).rejects.toMatchObject({ code: 'BUSY', http: 503 });
    runs.push(memory.run(1, { ...staying, begun: true }, async () => undefined));
    first.end();
    await Promise.all(runs);
  });

  it('a client that gives up while it waits frees its place in the queue', async () => {
    const memory = new MemoryBudget(100, 1);
    const first = held();
    const running = memory.run(100, staying, first.work);
    const leaving = new AbortController();
    const waiting = memory.run(1, { signal: leaving.signal }, async () => undefined);
    leaving.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORT_ERR' });
    const next = memory.run(1, staying, async () => 'done');
    first.end();
    await running;
    expect(await next).toBe('done');
  });

  describe('with the clock in hand', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('answers busy to who waited too long, and lets the next one in', async () => {
      const memory = new MemoryBudget(100, 10, 5_000);
      const first = held();
      const running = memory.run(60, staying, first.work);
      const tooBig = memory.run(90, staying, async () => undefined);
      const behind = memory.run(40, { ...staying, begun: true }, async () => 'done');
      const refused = expect(tooBig).rejects.toMatchObject({ code: 'BUSY' });
      await vi.advanceTimersByTimeAsync(5_000);
      await refused;
      expect(await behind).toBe('done');
      first.end();
      await running;
    });

    it('closes the connection of a client that takes nothing any more', async () => {
      const deaf = new Writable({ highWaterMark: 1, write: () => undefined });
      const writing = expect(writeTo(deaf, Buffer.alloc(1_000), 60_000)).rejects.toMatchObject({ code: 'EPIPE' });
      await vi.advanceTimersByTimeAsync(60_000);
      await writing;
      expect(deaf.destroyed).toBe(true);
    });
  });
});
