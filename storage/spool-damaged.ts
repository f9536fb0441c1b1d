import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DamagedReport } from './spool-types.ts';

const REPORT_SUFFIX = '.report.json';

/** Moves a file that is no entry out of the way, with `ID.report.json` beside it. */
export async function moveToDamaged(
  path: string,
  folder: string,
  id: string,
  reason: string,
  expected?: DamagedReport['expected'],
): Promise<DamagedReport> {
  const actualSize = (await stat(path)).size;
  const report: DamagedReport = {
    file: basename(path),
    reason,
    at: new Date().toISOString(),
    ...(expected ? { expected } : {}),
    actualSize,
  };
  await writeFile(join(folder, `${id}${REPORT_SUFFIX}`), `${JSON.stringify(report, null, 2)}\n`);
  await rename(path, join(folder, basename(path)));
  return report;
}

export async function readReports(folder: string): Promise<DamagedReport[]> {
  const names = (await readdir(folder)).filter((n) => n.endsWith(REPORT_SUFFIX)).sort();
  return Promise.all(names.map(async (n) => JSON.parse(await readFile(join(folder, n), 'utf8')) as DamagedReport));
}
