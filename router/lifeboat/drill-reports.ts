import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { DrillReport } from '../../contract/lifeboat.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

export const DRILLS = 'lifeboat/drills/';
/** Looked through for the last one that passed. */
const MOST_READ = 50;

const outcome = z.enum(['passed', 'failed', 'not-checked']);
const drillReport: z.ZodType<DrillReport> = z.object({
  lifeboat: z.literal('drill'),
  formatVersion: z.literal(1),
  startedAt: z.string(),
  endedAt: z.string(),
  by: z.string(),
  store: z.string(),
  outcome,
  steps: z.array(z.object({ name: z.string(), outcome, detail: z.string() })),
  studies: z.array(
    z.object({
      studyInstanceUID: z.string(),
      instances: z.number(),
      frames: z.number(),
      bytes: z.number(),
      problems: z.array(z.string()),
    }),
  ),
});

/** Keys sort by time. */
export async function keepReport(store: ObjectStore, report: DrillReport): Promise<string> {
  const time = report.startedAt.replace(/[-:]/g, '').replace(/\..*/, 'Z');
  const key = `${DRILLS}${time}-${randomBytes(4).toString('hex')}.json`;
  await store.put(key, Buffer.from(`${JSON.stringify(report, null, 2)}\n`), { contentType: 'application/json' });
  return key;
}

/** The newest report, and when the last one that passed was. One that cannot be read is passed over: it proves nothing. */
export async function lastDrills(
  store: ObjectStore,
): Promise<{ lastDrill: DrillReport | null; lastPassedAt: string | null }> {
  const keys: string[] = [];
  for await (const { key } of store.list(DRILLS)) keys.push(key);
  let lastDrill: DrillReport | null = null;
  for (const key of keys.reverse().slice(0, MOST_READ)) {
    let report: DrillReport;
    try {
      report = drillReport.parse(JSON.parse((await store.get(key)).toString()));
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof z.ZodError) continue;
      throw error;
    }
    lastDrill ??= report;
    if (report.outcome === 'passed') return { lastDrill, lastPassedAt: report.endedAt };
  }
  return { lastDrill, lastPassedAt: null };
}
