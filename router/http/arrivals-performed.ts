import type { ArrivalRow } from '../../contract/api.ts';
import type { ReportedStep } from '../mpps/performed-steps.ts';
import type { Ris } from '../worklist/ris.ts';

/**
 * Adds what scanners say of their work (MPPS) to the studies it belongs to, and studies of which a scanner says that it made
 * them while nothing of them is here: the worst of all.
 * @param keptBy SOP Instance UIDs kept, by study
 * @param since UTC ISO
 */
export function tellPerformed(
  rows: ArrivalRow[],
  keptBy: ReadonlyMap<string, ReadonlySet<string>>,
  ris: Ris | undefined,
  since: string,
): void {
  if (!ris) return;
  const known = new Map(rows.map((row) => [row.studyInstanceUID, row]));
  for (const step of ris.steps.since(since)) {
    for (const studyInstanceUID of step.studyInstanceUIDs) {
      if (known.has(studyInstanceUID)) continue;
      const row = onlyReported(studyInstanceUID, step);
      known.set(studyInstanceUID, row);
      rows.push(row);
    }
  }
  for (const row of rows) {
    const steps = ris.steps.ofStudy(row.studyInstanceUID);
    if (steps.length === 0) continue;
    const kept = keptBy.get(row.studyInstanceUID);
    let inSpool = row.series.reduce((sum, series) => sum + series.inSpool, 0);
    row.performed = steps.map(({ status, callingAE, at, references }) => {
      const notKept = references.filter((uid) => !kept?.has(uid)).length;
      const missing = Math.max(0, notKept - inSpool);
      inSpool = Math.max(0, inSpool - notKept);
      return { status, callingAE, at, images: references.length, missing };
    });
  }
}

function onlyReported(studyInstanceUID: string, step: ReportedStep): ArrivalRow {
  const { patientName, patientID, callingAE, at } = step;
  return {
    studyInstanceUID,
    patientName,
    patientID,
    callingAE,
    firstReceivedAt: at,
    lastReceivedAt: at,
    series: [],
    forwarded: [],
  };
}
