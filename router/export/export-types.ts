import type { ErrorCode } from '../../contract/errors.ts';

import type { Corrected } from './corrected-files.ts';

export interface ExportOptions {
  /** Only this series. */
  seriesInstanceUID?: string;
  /** Also the older contents of a SOP Instance UID received several times. */
  allContents?: boolean;
  /** Replace what is there. Without it an existing ZIP file or a folder that is not empty is CONFLICT. */
  overwrite?: boolean;
  /** How long to wait for instances that are acknowledged but still in the spool; default 15,000 ms. */
  waitForSpoolMs?: number;
  /** Corrections of the patient that go out with the files. */
  corrections?: Corrected | undefined;
  onProgress?(progress: { done: number; total: number; bytes: number; totalBytes: number }): void;
}

/** An instance that is not in the export, and why. */
export interface MissingInstance {
  sopInstanceUID: string;
  key: string;
  code: ErrorCode;
  reason: string;
}

/** What was written. Complete only when `missing` is empty and `spoolWaiting` is 0. */
export interface ExportResult {
  target: string;
  /** Instances that should be in the export. */
  instances: number;
  /** Written, read back, and found equal to the recorded size and SHA-256. */
  written: number;
  bytes: number;
  missing: MissingInstance[];
  /** Files that carry a corrected patient. */
  corrected: number;
  /** Files that should and could not, with the reason. */
  notCorrected: string[];
  /** Instances still in the spool: some may belong to this study. */
  spoolWaiting: number;
}

/** One file on its way into an export. */
export interface ExportItem {
  /** Path within the export, `/` between folders. */
  name: string;
  size: number;
  sha256: string;
  body: AsyncIterable<Uint8Array>;
}

/** A folder or a ZIP file being written. Nothing of it has its final name before `finish`. */
export interface ExportTarget {
  /** Writes one file; leaves nothing of it behind when it throws. */
  add(item: ExportItem): Promise<void>;
  addText(name: string, text: string): Promise<void>;
  /** Bytes of a file as they lie in the target now. */
  readBack(name: string): AsyncIterable<Uint8Array>;
  finish(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}
