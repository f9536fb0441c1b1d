/**
 * What /api/integrity answers, for administrators. Types only; times are UTC ISO.
 *
 * GET  /api/integrity                       → IntegrityAnswer
 * GET  /api/integrity/findings?state=open   → FindingRow[] (open, repaired, gone or all), at most 1,000
 * GET  /api/integrity/repairs               → RepairRow[]
 * GET  /api/integrity/studies/UID           → StudyHashes
 * POST /api/integrity/studies/UID/verify    → StudyHashes, every object read just now
 * POST /api/integrity/pass                  → ScrubState; a pass over everything begins at once
 * POST /api/integrity/findings/ID/repair    → RepairRow
 * POST /api/integrity/seal                  → SealState
 * GET  /api/integrity/report.csv            text/csv, for an auditor
 * GET  /api/integrity/report.pdf            the same to print and sign
 */

/** What a pass over the archive has done and found. */
export interface PassCounts {
  studies: number;
  segments: number;
  /** Objects that are as recorded. */
  sound: number;
  bytes: number;
  errors: number;
  notChecked: number;
  notes: number;
}

export interface PassRow extends PassCounts {
  startedAt: string;
  endedAt: string;
  by: 'scrub' | 'verify';
}

export interface ScrubState {
  state: 'off' | 'waiting' | 'running' | 'held';
  /** One sentence, where it is held: who has precedence, or what does not answer. */
  reason?: string;
  bytesPerSecond: number;
  everyDays: number;
  /** Present while a pass runs, also over restarts. */
  pass?: PassCounts & { startedAt: string /** 0 to 1. */; progress: number };
  /** When the next pass begins. */
  nextAt?: string;
}

export interface SealState {
  keyId: string;
  newest: { sequence: number; day: string; createdAt: string; sha256: string; treeSize: number } | null;
  /** Why the last attempt failed. */
  failure?: { at: string; message: string };
}

export interface GrowthPoint {
  /** YYYY-MM-DD. */
  day: string;
  instances: number;
  bytes: number;
}

/** What the second store still lacks of the first. */
export interface ReplicaLag {
  /** Manifest segments, each with what it names. */
  segments: number;
  instances: number;
  bytes: number;
  /** When the oldest of it was written to the first store, UTC ISO; null when nothing is missing. */
  oldest: string | null;
}

/** Something that cannot be copied as it is; it is tried again now and then. */
export interface ReplicaProblem {
  key: string;
  /** UTC ISO of the last attempt. */
  at: string;
  reason: string;
}

/** What a comparison of the two stores found, object by object. */
export interface ReplicaComparison {
  /** UTC ISO of its end. */
  at: string;
  objects: number;
  /** Objects that the replica has and the first store has not: retention, or destruction. */
  lostAtSource: number;
  /** Objects that the first store has and the replica had no more although it had been given them. */
  lostAtReplica: number;
  /** Of both kinds, a few keys. */
  examples: string[];
}

export interface ReplicaStatus {
  description: string;
  /** held: it waits, `reason` says for what. */
  state: 'starting' | 'copying' | 'level' | 'held';
  reason?: string;
  lag: ReplicaLag;
  /** Since this process began. */
  copied: { instances: number; bytes: number };
  problems: { count: number; newest: ReplicaProblem[] };
  comparing: boolean;
  compared: ReplicaComparison | null;
}

export interface IntegrityAnswer {
  totals: { studies: number; instances: number; bytes: number; conflicts: number };
  scrub: ScrubState;
  /** The last pass that read everything. */
  lastPass: PassRow | null;
  /** The last one that was clean. */
  lastCleanPass: PassRow | null;
  findings: { open: number; notChecked: number; notes: number; repaired: number };
  seal: SealState;
  growth: GrowthPoint[];
  /** null: no second store is configured. */
  replica: ReplicaStatus | null;
  /** null where the store does not tell. */
  space: { freeBytes: number; totalBytes: number; daysUntilFull: number | null } | null;
}

export interface FindingRow {
  id: number;
  kind: string;
  severity: 'error' | 'not-checked' | 'note';
  key: string;
  studyInstanceUID: string;
  sopInstanceUID: string;
  patientID: string;
  patientName: string;
  studyDate: string;
  studyDescription: string;
  text: string;
  foundAt: string;
  seenAt: string;
  state: 'open' | 'repaired' | 'gone';
  resolvedAt: string | null;
}

export interface RepairRow {
  at: string;
  by: string;
  key: string;
  studyInstanceUID: string;
  sopInstanceUID: string;
  kind: string;
  /** Where the right bytes came from. */
  source: string;
  outcome: 'repaired' | 'failed';
  detail: string;
}

export interface InstanceHashes {
  seriesInstanceUID: string;
  sopInstanceUID: string;
  key: string;
  size: number;
  sha256: string;
  dataSetSha256: string;
  receivedAt: string;
  /** Not the newest content of its SOP Instance UID. */
  superseded: boolean;
  /** As just read; absent where it was not read for this answer. */
  check?: 'sound' | 'missing' | 'wrong' | 'not-checked';
  /** Open findings about this object. */
  findings: FindingRow[];
}

export interface StudyHashes {
  studyInstanceUID: string;
  patientID: string;
  patientName: string;
  studyDate: string;
  studyDescription: string;
  instances: InstanceHashes[];
  /** Open findings about the study that are about none of its objects. */
  findings: FindingRow[];
  checkedAt?: string;
}
