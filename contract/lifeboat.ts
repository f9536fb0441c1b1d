/**
 * Lifeboat mode: what lies in the store for it, and what /api/lifeboat answers to administrators. Types only; times are UTC ISO.
 *
 * GET /api/lifeboat → LifeboatStatus
 */

/** What the published index.html carries in `#lifeboat-bucket`; its presence is what switches lifeboat mode on. */
export interface BucketBoot {
  /** Of the viewer. */
  version: string;
  publishedAt: string;
  /** Of the store, for signing requests. */
  region: string;
  /** A session on which nothing is done ends. */
  idleMinutes: number;
  /** Every session ends after this. */
  maxHours: number;
}

/** `lifeboat/break-glass/<ulid>.json`: what somebody did in lifeboat mode, as their browser says it. */
export interface BreakGlassEvent {
  lifeboat: 'break-glass-event';
  formatVersion: 1;
  /** A ULID, the name of the file. */
  id: string;
  /** The same for everything between sign-in and sign-out; the store's access log has it as `x-lifeboat-visit`. */
  visit: string;
  at: string;
  action: 'sign-in' | 'query' | 'view' | 'sign-out';
  /** As typed at the sign-in. */
  person: string;
  reason: string;
  /** How they got in: `envelope NAME`, or `access key ID`. */
  credential: string;
  /** Study Instance UID for `view`, what was searched for with `query`. */
  object?: string;
}

export interface DrillStudy {
  studyInstanceUID: string;
  instances: number;
  frames: number;
  bytes: number;
  /** Sentences; empty when everything was right. */
  problems: string[];
}

/** `lifeboat/drills/<time>-<id>.json`: what `lifeboat drill` found. */
export interface DrillReport {
  lifeboat: 'drill';
  formatVersion: 1;
  startedAt: string;
  endedAt: string;
  /** Machine and version of the program. */
  by: string;
  store: string;
  /**
   * `passed`: everything asked for was right. `failed`: something was wrong. `not-checked`: nothing was wrong, but not everything
   * answered.
   */
  outcome: 'passed' | 'failed' | 'not-checked';
  /** Each step in words, in the order done. */
  steps: { name: string; outcome: 'passed' | 'failed' | 'not-checked'; detail: string }[];
  studies: DrillStudy[];
}

export interface LifeboatStatus {
  viewer: {
    state: 'published' | 'publishing' | 'failed' | 'newer' | 'no-build';
    /** Version in the store, where known. */
    version: string;
    publishedAt: string | null;
    /** Where a browser opens it; null for a folder, which any web server may serve. */
    address: string | null;
    /** Of the store's own folder, for a folder. */
    folder: string | null;
    /** What a browser without a credential meets at the address, in words; '' when all is well or not known. */
    problem: string;
  };
  /** Names of the break-glass envelopes in the store; null where the store does not answer. */
  envelopes: string[] | null;
  /** Break-glass events taken into the audit trail of this router so far. */
  events: number;
  /** The newest drill, and the last that passed; null: none yet. */
  lastDrill: DrillReport | null;
  lastPassedAt: string | null;
}
