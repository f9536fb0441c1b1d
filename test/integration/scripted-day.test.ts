import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type DayResult, playFullDay } from '../../demo/full-day.ts';
import { hasOrthanc } from '../support/orthanc.ts';

const LONG = process.env['LIFEBOAT_LONG'] === '1';

let day: DayResult | undefined;
let folder: string;
afterEach(async () => {
  await day?.close();
  day = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function played(history: number, instances: number, seed: number): Promise<DayResult> {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-day-'));
  const say = process.env['LIFEBOAT_TEST_LOG'] ? console.log : undefined;
  day = await playFullDay({ folder, history, instances, seed, password: 'a day with an outage', ...(say && { say }) });
  return day;
}

/** What a hospital wants to be true in the evening, whatever happened at noon. */
function judge(result: DayResult, history: number, instances: number): void {
  const { acknowledged, inPacs, inLifeboat, run, faults } = result;
  expect(result.historyHere).toBe(history);
  expect(acknowledged.size).toBeGreaterThanOrEqual(instances);
  expect(faults.refused).toBeGreaterThan(0);
  // Both have every image, and each of them once.
  expect(inLifeboat).toEqual([...new Set(inLifeboat)]);
  expect(inLifeboat).toHaveLength(history + acknowledged.size);
  expect(inPacs).toEqual(inLifeboat);
  expect(faults.passes).toBeGreaterThanOrEqual(acknowledged.size);
  // Meanwhile nobody had to do without.
  expect(result.foundStudies).toBe(8);
  expect(result.fetched).toBe(history + Math.ceil(instances / 4));
  expect(result.worklist).toContain('SAMPLE-N1');
  expect(result.committedToScanner).toBe(Math.max(6, Math.ceil(instances / 40)));
  // And there is a paper that says so.
  const received = acknowledged.size;
  expect(run).toMatchObject({ received, delivered: received, committed: received, open: 0, signedBy: 'admin' });
  expect(result.csv).toContain(`"${received}","${received}","${received}","${received}","open 0"`);
  expect(result.pdf.toString('latin1', 0, 5)).toBe('%PDF-');
}

describe.skipIf(!hasOrthanc)('a day on which the main PACS fails', () => {
  it('ends with both sides agreeing on every image', async () => {
    judge(await played(8, 24, 7), 8, 24);
  }, 180_000);

  it.skipIf(!LONG)(
    '[long] ends so with 2,000 images too',
    async () => {
      judge(await played(200, 2_000, 11), 200, 2_000);
    },
    3_600_000,
  );
});
