import type { LifeboatError } from '../contract/errors.ts';
import type { ReceiveSource } from './format/manifest.ts';
import type { RawIdentity } from './waiting.ts';

/** One acknowledged instance waiting in the spool: a complete, fsynced Part 10 file and all a committer needs to know of it. */
export interface SpoolEntry {
  /** Unique in this spool, stable over restarts. */
  readonly id: string;
  /** Absolute path of the file; it stays until `Spool.remove`. */
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** SHA-256 of the whole file, lower-case hex. */
  readonly sha256: string;
  /** First byte of the data set in the file. */
  readonly dataSetOffset: number;
  /** SHA-256 of the data set as received, lower-case hex. */
  readonly dataSetSha256: string;
  readonly studyInstanceUID: string;
  readonly seriesInstanceUID: string;
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
  readonly source: ReceiveSource;
  /** UTC, ISO 8601 with milliseconds. */
  readonly receivedAt: string;
  /** Odd but kept, for InstanceEntry.notes; empty when nothing is odd. */
  readonly notes: readonly string[];
  /** For the list of what waits. */
  readonly identity: RawIdentity;
}

export interface SpoolEvents {
  /** A finished entry is on stable storage: just received, or recovered after a restart. */
  entry: [entry: SpoolEntry];
  /** A file was set aside in `damaged/`. */
  damaged: [report: DamagedReport];
  /** Files found at the start cannot be read; they are tried again. */
  unread: [error: LifeboatError];
  /** Instances of the log get no files of their own; it is tried again. */
  unwritten: [error: LifeboatError];
}

/** Files found in the spool at the start that could not be read yet; each may be an acknowledged instance. */
export interface UnreadFiles {
  files: number;
  /** UTC ISO, as the next two. */
  since: string;
  triedAt: string;
  nextTryAt: string;
  /** What the disk said last. */
  reason: string;
}

/** Written beside each file that was set aside, so that IT can see what happened. */
export interface DamagedReport {
  /** File name in `damaged/`. */
  file: string;
  /** One sentence. */
  reason: string;
  /** UTC ISO. */
  at: string;
  /** What the file name promised, where it could be read. */
  expected?: { size: number; dataSetSha256: string; receivedAt: string; source: ReceiveSource };
  actualSize: number;
}

export interface RecoveryReport {
  recovered: number;
  bytes: number;
  /** Receptions that were never acknowledged: their parts are removed. */
  unfinishedRemoved: number;
  damaged: DamagedReport[];
  /** Files that could not be read at the first attempt. */
  unread: number;
}

export interface SpoolOptions {
  /** First pause before files that could not be read are tried again, ms; doubled up to five minutes. Default five seconds. */
  unreadRetryMs?: number;
  /** Size that the log may grow to; small instances are acknowledged out of it (spool-log.ts). Default 0: every instance is acknowledged as a file. */
  logBytes?: number;
  /** Below this many free bytes on the disk nothing new is accepted (SPOOL_FULL). Default 512 MiB. */
  minFreeBytes?: number;
  /** false: `open` returns before old entries are verified; each then arrives by the event `entry` and `recovered` resolves at the end. Default true: `open` waits for them. */
  awaitRecovery?: boolean;
}
