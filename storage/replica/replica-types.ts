import type { LifeboatError } from '../../contract/errors.ts';
import type { StoreConfig } from '../stores/open-store.ts';

export type { ReplicaComparison, ReplicaLag, ReplicaProblem, ReplicaStatus } from '../../contract/integrity.ts';

export interface ReplicaOptions {
  source: StoreConfig;
  replica: StoreConfig;
  /** SQLite file with what is still to be copied. */
  stateFile: string;
  /** For what does not fit in memory; emptied at the start. */
  scratchDir: string;
  /** Public keys in PEM whose removal records are carried over; absent: those that lie in the first store. */
  removalKeys?: string[];
  /** At most so much is read in a second; while images come in, an eighth of it. */
  bytesPerSecond: number;
  /** Between the ends of two comparisons of both stores, ms. Default one day. */
  compareMs?: number;
  /** How long to wait where nothing is to be done, ms. Default 1,000. */
  idleMs?: number;
  onProblem(error: LifeboatError): void;
}

/** What was just stored in the first store, from whoever stored it. */
export interface FreshStudy {
  studyInstanceUID: string;
  instances: number;
  bytes: number;
}
