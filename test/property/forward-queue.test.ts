import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ForwardedInstance, Priority } from '../../router/forward/forward-types.ts';
import { PRIORITIES } from '../../router/forward/forward-types.ts';
import { ForwardQueue } from '../../router/forward/queue.ts';

const long = Boolean(process.env['LIFEBOAT_LONG']);

function instance(n: number): ForwardedInstance {
  return {
    patientName: 'A^B',
    patientID: 'P',
    key: `objects/${n}`,
    size: 100,
    dataSetOffset: 10,
    dataSetSha256: String(n),
    studyInstanceUID: `1.${n % 3}`,
    seriesInstanceUID: '1.2',
    sopInstanceUID: `1.2.${n}`,
    sopClassUID: '1',
    transferSyntaxUID: '1',
    receivedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString(),
  };
}

interface Row {
  n: number;
  order: number;
  priority: number;
  state: 'waiting' | 'sent' | 'person' | 'skipped';
  attempts: number;
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('add' as const), n: fc.nat(20), p: fc.constantFrom(...PRIORITIES) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      to: fc.constantFrom('sent' as const, 'person' as const, 'again' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retry' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skip' as const), study: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('prioritise' as const),
      study: fc.nat(2),
      p: fc.constantFrom(...PRIORITIES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);

it('the queue does what a plain list would: nothing owed is forgotten, order and counts hold, also after it was closed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const folder = mkdtempSync(join(tmpdir(), 'lifeboat-queue-'));
      const file = join(folder, 'forward.sqlite');
      let queue = new ForwardQueue(file);
      const model = new Map<number, Row>();
      let pruned = 0;
      let order = 0;
      const waiting = () =>
        [...model.values()]
          .filter(({ state }) => state === 'waiting')
          .sort((a, b) => a.priority - b.priority || a.order - b.order);
      try {
        for (const one of steps) {
          if (one.do === 'add') {
            await queue.add([
              { destination: 'D', instance: instance(one.n), priority: one.p as Priority, changes: [] },
            ]);
            const known = model.get(one.n);
            if (!known)
              model.set(one.n, {
                n: one.n,
                order: order++,
                priority: PRIORITIES.indexOf(one.p),
                state: 'waiting',
                attempts: 0,
              });
            else if (known.state === 'person') Object.assign(known, { state: 'waiting', attempts: 0 });
          } else if (one.do === 'settle') {
            const [job] = queue.due('D', 1, 1, new Set());
            const next = waiting()[0];
            expect(job?.instance.sopInstanceUID).toBe(next && `1.2.${next.n}`);
            if (!job || !next) continue;
            const state = one.to === 'again' ? 'waiting' : one.to;
            queue.settle(job, state, { attempts: job.attempts + 1, dueMs: 0, message: one.to });
            Object.assign(next, { state, attempts: next.attempts + 1 });
          } else if (one.do === 'retry') {
            queue.retry('D');
            for (const row of model.values())
              if (row.state === 'person' || (row.state === 'waiting' && row.attempts > 0))
                Object.assign(row, { state: 'waiting', attempts: 0 });
          } else if (one.do === 'skip') {
            queue.skip('D', { studyInstanceUID: `1.${one.study}` });
            for (const row of model.values())
              if (row.n % 3 === one.study && (row.state === 'person' || (row.state === 'waiting' && row.attempts > 0)))
                row.state = 'skipped';
          } else if (one.do === 'prioritise') {
            queue.prioritise('D', `1.${one.study}`, one.p);
            for (const row of model.values())
              if (row.n % 3 === one.study && row.state === 'waiting') row.priority = PRIORITIES.indexOf(one.p);
          } else if (one.do === 'prune') {
            queue.prune('2100');
            for (const row of [...model.values()])
              if (row.state === 'sent') {
                pruned++;
                model.delete(row.n);
              }
          } else {
            await queue.close();
            queue = new ForwardQueue(file);
          }
          const rows = [...model.values()];
          const count = (state: Row['state']) => rows.filter((row) => row.state === state).length;
          const oldest = waiting().reduce<number | null>((min, { n }) => (min === null || n < min ? n : min), null);
          expect(queue.counts('D')).toEqual({
            waiting: count('waiting'),
            retrying: rows.filter(({ state, attempts }) => state === 'waiting' && attempts > 0).length,
            person: count('person'),
            sent: count('sent') + pruned,
            skipped: count('skipped'),
            oldest: oldest === null ? null : instance(oldest).receivedAt,
          });
          expect(queue.waiting('D')).toBe(count('waiting'));
        }
      } finally {
        await queue.close();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: long ? 500 : 60, seed: Number(process.env['LIFEBOAT_TEST_SEED'] ?? 20261125) },
  );
}, 120_000);
