import { cpSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { randomNumbers } from '../../phantoms/drawing.ts';
import { createReceiver } from '../../storage/receive.ts';
import { Spool } from '../../storage/spool.ts';
import { SEGMENT_BYTES } from '../../storage/spool-log-format.ts';
import { ctDataSet } from '../support/build-data-set.ts';
import { temporaryFolder } from '../support/receiving.ts';

const ROUNDS = process.env['LIFEBOAT_LONG'] ? 200 : 2;
const SEED = Number(process.env['LIFEBOAT_SEED'] ?? 20261125);
const LANES = 6;
const PER_LANE = 25;
const EXPLICIT = '1.2.840.10008.1.2.1';

/** Mostly small, at times at the borders of pages and blocks, at times too large for the log. */
function sizeOf(next: () => number): number {
  const kind = next();
  const around = kind < 0.2 ? 4096 : kind < 0.4 ? 131_072 : kind < 0.9 ? 600_000 : 6_000_000;
  return 2 * Math.floor(next() * around) + 2;
}

const dataSet = (sopInstanceUID: string, bytes: number) =>
  ctDataSet({ sopInstanceUID, rows: 1, columns: 1, pixels: Buffer.alloc(bytes, sopInstanceUID) });

describe(`the log of the spool under ${LANES} senders (seed ${SEED})`, () => {
  it(
    `${ROUNDS} rounds: what was acknowledged comes out bit for bit and once, now or after a crash, and nothing else`,
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const next = randomNumbers(SEED + round);
        const dir = temporaryFolder();
        const spool = await Spool.open(dir, {
          minFreeBytes: 0,
          logBytes: (2 + Math.floor(next() * 6)) * SEGMENT_BYTES,
        });
        const receiver = createReceiver(spool);
        const acknowledged = new Map<string, number>();
        const lane = async (number: number) => {
          for (let i = 0; i < PER_LANE; i++) {
            const uid = `1.2.${round + 1}.${number + 1}.${i + 1}`;
            const size = sizeOf(next);
            const bytes = dataSet(uid, size);
            const step = 1 + Math.floor(next() * 200_000);
            const breaksOffAt = next() < 0.2 ? next() * bytes.length : Number.POSITIVE_INFINITY;
            const reception = receiver.beginDataSet({ via: 'c-store' }, { transferSyntaxUID: EXPLICIT });
            let at = 0;
            for (; at < bytes.length && at < breaksOffAt; at += step)
              await reception.write(bytes.subarray(at, at + step));
            if (at < bytes.length || breaksOffAt < Number.POSITIVE_INFINITY) {
              reception.abort();
              continue;
            }
            await reception.finish();
            acknowledged.set(uid, size);
            if (next() < 0.05) await spool.unpacked();
          }
        };
        await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
        expect(spool.status().entries).toBe(acknowledged.size);
        const copy = temporaryFolder();
        cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('lock') });
        await spool.unpacked();
        const again = await Spool.open(copy, { minFreeBytes: 0, logBytes: SEGMENT_BYTES });
        expect(await again.recovered).toMatchObject({ damaged: [], unread: 0 });
        for (const each of [spool, again]) {
          const uids = each.entries().map((entry) => entry.sopInstanceUID);
          expect(uids.sort()).toEqual([...acknowledged.keys()].sort());
          for (const entry of each.entries()) {
            const expected = dataSet(entry.sopInstanceUID, acknowledged.get(entry.sopInstanceUID)!);
            const kept = readFileSync(entry.path).subarray(entry.dataSetOffset);
            expect(kept.equals(expected), entry.sopInstanceUID).toBe(true);
          }
          await each.close();
        }
        rmSync(dir, { recursive: true });
        rmSync(copy, { recursive: true });
      }
    },
    ROUNDS * 60_000,
  );
});
