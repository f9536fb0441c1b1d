import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { TagChange } from '../forward/forward-types.ts';

export const SYSTEM = 'LIFEBOAT';

export const correctionsFile = (dataDir: string): string => join(dataDir, 'corrections.sqlite');

/** A corrected patient, as far as images need it on their way out. */
export interface CorrectedPatient {
  patientName: string;
  patientID: string;
  accessionNumber: string | null;
  /** UTC ISO. */
  at: string;
}

/** What a correction changes on the way out, with the record of what was there before. */
export function changesOf({ patientName, patientID, accessionNumber, at }: CorrectedPatient): TagChange[] {
  return [
    ...(accessionNumber === null ? [] : [{ tag: '00080050', set: accessionNumber }]),
    { tag: '00100010', set: patientName },
    { tag: '00100020', set: patientID },
    { tag: '04000561', record: { at, system: SYSTEM } },
  ];
}

/** Corrections as they are now, for a command beside the router; undefined: there are none. */
export function readCorrections(dataDir: string): ((entry: InstanceEntry) => TagChange[]) | undefined {
  const file = correctionsFile(dataDir);
  if (!existsSync(file)) return undefined;
  const db = new DatabaseSync(file, { timeout: 5000 });
  try {
    const rows = db.prepare('SELECT study, patient_name, patient_id, accession, at FROM corrections').all();
    const known = new Map(
      rows.map((row) => [
        String(row['study']),
        changesOf({
          patientName: String(row['patient_name']),
          patientID: String(row['patient_id']),
          accessionNumber: row['accession'] as string | null,
          at: String(row['at']),
        }),
      ]),
    );
    return ({ studyInstanceUID }) => known.get(studyInstanceUID) ?? [];
  } finally {
    db.close();
  }
}
