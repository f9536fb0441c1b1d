import type { ErrorCode } from '../../contract/errors.ts';
import type { ReceivedInstance } from '../../storage/receive-types.ts';

export type ImportOutcome =
  /** Now in the archive. */
  | 'kept'
  /** The archive had the same content already. */
  | 'already'
  /** Done by an earlier run; not read again. */
  | 'skipped'
  /** Could not be kept; `code` and `reason` say why. */
  | 'refused'
  /** No DICOM file: left alone, no failure. */
  | 'not-dicom'
  /** A ZIP within a ZIP: not opened. */
  | 'nested-zip'
  /** A DICOMDIR: read for its references, not kept. */
  | 'dicomdir'
  /** Named on the command line or in a DICOMDIR, but not there. */
  | 'missing';

/** What became of one file, and how far the import is. */
export interface ImportProgress {
  /** Path of the file; for a file in a ZIP `archive.zip!path/in/it`. */
  path: string;
  outcome: ImportOutcome;
  code?: ErrorCode;
  reason?: string;
  /** Present for `kept` and `already`. */
  received?: ReceivedInstance;
  /** Bytes of the file. */
  bytes: number;
  /** Files finished, this one included. */
  done: number;
  /** Files found so far; grows while `searching`. */
  found: number;
  searching: boolean;
}

export interface ImportOptions {
  /** Who imports, for the manifest and the audit trail. */
  user?: string;
  /** File that remembers what was imported, so that a second run goes on where the first stopped. None: nothing is remembered. */
  stateFile?: string;
  /** Import also what an earlier run has done. */
  again?: boolean;
  /** Files on their way at once; default 8: they share the fsync. */
  concurrency?: number;
  /** Tells whether the archive had this content before the import began. */
  wasKept?(received: ReceivedInstance): Promise<boolean>;
}

/** Outcomes after which a command must not exit with 0. */
export function isFailure(outcome: ImportOutcome): boolean {
  return outcome === 'refused' || outcome === 'missing';
}
