import { createHash } from 'node:crypto';
import { FINDING_KINDS, type Finding, type FindingPatient, severityOf } from '../../storage/verify-types.ts';
import { table } from './terminal.ts';

/** One line for a finding: its kind, where, whose study, and a sentence. */
export function findingLine({ kind, key, studyInstanceUID, sopInstanceUID, text }: Finding): string {
  const image = sopInstanceUID ? `, image ${sopInstanceUID}` : '';
  const where = studyInstanceUID ? `(study ${studyInstanceUID}${image})` : '';
  return `${[kind.toUpperCase(), key, where].filter(Boolean).join(' ')}: ${text}`;
}

interface PatientRow {
  patient: FindingPatient | undefined;
  studyInstanceUID: string;
  kinds: Map<string, number>;
}

/** Collects findings by study, so that somebody who does not think in UIDs sees whose images are concerned. */
export class FindingsByPatient {
  readonly #rows = new Map<string, PatientRow>();

  add({ kind, patient, studyInstanceUID, key }: Finding): void {
    if (severityOf(kind) === 'note') return;
    const id = studyInstanceUID ?? createHash('sha256').update(key).digest('hex');
    const row = this.#rows.get(id) ?? { patient, studyInstanceUID: studyInstanceUID ?? '', kinds: new Map() };
    row.patient ??= patient;
    row.kinds.set(kind, (row.kinds.get(kind) ?? 0) + 1);
    this.#rows.set(id, row);
  }

  /** '' when there is nothing to tell. */
  text(): string {
    if (this.#rows.size === 0) return '';
    const rows = [...this.#rows.values()].map(({ patient, studyInstanceUID, kinds }) => [
      patient?.patientID || '(unknown)',
      patient?.patientName || '(unknown)',
      patient?.studyDate ?? '',
      patient?.studyDescription ?? '',
      [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', '),
      studyInstanceUID,
    ]);
    rows.sort((a, b) => (a[0]! < b[0]! ? -1 : 1));
    return table(['PATIENT ID', 'NAME', 'STUDY DATE', 'DESCRIPTION', 'FOUND', 'STUDY'], rows);
  }
}

/** Every kind with what it means, for `--help`. */
export function kindsHelp(): string {
  const width = Math.max(...Object.keys(FINDING_KINDS).map((kind) => kind.length));
  return Object.entries(FINDING_KINDS)
    .map(([kind, { meaning }]) => `  ${kind.padEnd(width)}  ${meaning}`)
    .join('\n');
}
