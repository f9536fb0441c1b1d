import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { ObjectStore } from './object-store.ts';
import type { StoreConfig } from './stores/open-store.ts';

/**
 * - `error`: something is not as it was recorded
 * - `not-checked`: no answer; neither right nor wrong, but the pass is not a clean one
 * - `note`: right, and worth knowing
 */
export type Severity = 'error' | 'not-checked' | 'note';

/** Everything `verify` can find, with what it means. */
export const FINDING_KINDS = {
  flipped: { severity: 'error', meaning: 'right size, other bytes' },
  truncated: { severity: 'error', meaning: 'an object shorter than recorded' },
  grown: { severity: 'error', meaning: 'an object longer than recorded' },
  missing: { severity: 'error', meaning: 'the store says that an object is not there' },
  swapped: { severity: 'error', meaning: 'an object holds the bytes of another one' },
  'wrong-key': { severity: 'error', meaning: 'a content lies under a key that is not its own' },
  stray: { severity: 'error', meaning: 'an object that no readable manifest names' },
  'segment-missing': { severity: 'error', meaning: 'a manifest segment is gone; its metadata segment is there' },
  'segment-damaged': { severity: 'error', meaning: 'a manifest segment cannot be read' },
  'segment-truncated': { severity: 'error', meaning: 'a manifest segment is cut off' },
  'segment-misplaced': { severity: 'error', meaning: 'a manifest segment lies in the folder of another study' },
  'segment-hides': { severity: 'error', meaning: 'a manifest segment replaces another one and lacks lines of it' },
  'metadata-missing': { severity: 'error', meaning: 'the metadata segment of a manifest segment is gone' },
  'metadata-damaged': { severity: 'error', meaning: 'a metadata segment cannot be read' },
  'metadata-disagrees': { severity: 'error', meaning: 'a metadata segment tells of other instances than its manifest' },
  'catalogue-only': { severity: 'error', meaning: 'the catalogue shows what the store does not have' },
  'store-only': { severity: 'error', meaning: 'the catalogue lacks what the store has' },
  'catalogue-differs': { severity: 'error', meaning: 'the catalogue names another object, size or hash' },
  'two-contents': { severity: 'note', meaning: 'one SOP Instance UID was received with two contents; both are kept' },
  'seal-key': { severity: 'error', meaning: 'the public key is not the expected one, or is not that of the seals' },
  'seal-missing': { severity: 'error', meaning: 'a seal was removed' },
  'seal-signature': { severity: 'error', meaning: 'a seal is not signed by its key' },
  'seal-chain': { severity: 'error', meaning: 'a seal does not follow from the one before' },
  'seal-damaged': {
    severity: 'error',
    meaning: 'a seal or its list of leaves cannot be read or does not give its root',
  },
  'sealed-missing': { severity: 'error', meaning: 'what was sealed is named by no manifest any more' },
  'sealed-changed': { severity: 'error', meaning: 'a manifest says something else than what was sealed' },
  'seal-back-dated': { severity: 'error', meaning: 'it claims to have been kept before a seal that does not have it' },
  'sealed-removed': {
    severity: 'note',
    meaning: 'sealed, and removed since by a rule of retention; a signed record says so',
  },
  'seal-late': {
    severity: 'note',
    meaning: 'it was received before a seal that does not have it: it came into the archive late',
  },
  'seal-clock': { severity: 'note', meaning: 'the clock was set back between two seals' },
  'seal-old': { severity: 'note', meaning: 'the newest seal is older than two days' },
  'not-checked': { severity: 'not-checked', meaning: 'no answer, also after tries' },
} as const satisfies Record<string, { severity: Severity; meaning: string }>;

export type FindingKind = keyof typeof FINDING_KINDS;

/** Whose images a finding concerns, as the newest readable source tells it. */
export interface FindingPatient {
  patientID: string;
  issuerOfPatientID: string;
  /** PN as in the data set, first group. */
  patientName: string;
  /** DA */
  studyDate: string;
  studyDescription: string;
}

export interface Finding {
  kind: FindingKind;
  /** Key in the store; '' where the finding is about the catalogue alone. */
  key: string;
  studyInstanceUID?: string;
  sopInstanceUID?: string;
  patient?: FindingPatient;
  /** One sentence. */
  text: string;
}

export interface VerifySummary {
  studies: number;
  segments: number;
  /** Objects that were read whole and are as recorded. */
  sound: number;
  /** Bytes read. */
  bytes: number;
  findings: Partial<Record<FindingKind, number>>;
}

export interface VerifyOptions {
  store: ObjectStore;
  /** Compared with the store where given. */
  catalogue?: Catalogue;
  /** What is younger than this may still be in the middle of its commit and is no stray. Default 10 minutes. */
  strayAgeMs?: number;
  /** Threads that read; default one for each core. A store that is no folder is read in threads only with `storeConfig`. */
  threads?: number;
  storeConfig?: StoreConfig;
  signal?: AbortSignal;
  /** Called after each study. */
  onProgress?(summary: VerifySummary): void;
}

export interface Verification extends AsyncIterable<Finding> {
  /** Counts so far; final when the iteration ends. */
  readonly summary: VerifySummary;
}

export function severityOf(kind: FindingKind): Severity {
  return FINDING_KINDS[kind].severity;
}

/** How many findings of a severity a pass had. */
export function countOf(summary: Pick<VerifySummary, 'findings'>, severity: Severity): number {
  let count = 0;
  for (const [kind, n] of Object.entries(summary.findings))
    if (severityOf(kind as FindingKind) === severity) count += n;
  return count;
}

/** A clean pass: nothing wrong, and nothing that could not be asked for. */
export function isClean(summary: Pick<VerifySummary, 'findings'>): boolean {
  return countOf(summary, 'error') === 0 && countOf(summary, 'not-checked') === 0;
}
