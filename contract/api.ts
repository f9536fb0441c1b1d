/**
 * The router's own HTTP API for the viewer (DICOMweb is documented by the standard). Types only. Every answer is JSON;
 * an error answers `ApiError` with the status of contract/errors.ts. Requests that change something carry the header
 * `X-Lifeboat-CSRF` with the token of `SessionInfo` (session cookie clients).
 *
 * GET    /api/session                → SessionInfo (200) or 401
 * POST   /api/session                LoginRequest → SessionInfo; sets the cookie `lifeboat_session`
 * DELETE /api/session                → 204
 * POST   /api/session/password       {current, next} → 204 and a new cookie (ask for the session again: its CSRF token is new);
 *                                    all other sessions end. While `mustChangePassword` everything else answers 403
 *                                    PASSWORD_CHANGE_REQUIRED, pages carry no ViewerBoot
 * GET    /api/session/all            → OwnSession[]: one's own living sessions
 * DELETE /api/session/others         → 204: all of them but this one end
 * GET    /api/status                 → Status (any signed-in user; polled every 5 s; drives the banner)
 * POST   /api/worklist              WorklistQuery → WorklistAnswer: names and IDs stay out of addresses, histories and logs
 * GET    /api/worklist?search=&from=&to=&modality=CT,MR&ae=&conflicts=1&sort=-studyDate&limit=50&offset=0 → WorklistAnswer
 * GET    /api/events                 text/event-stream: `event: committed` data {studyInstanceUIDs}, `event: status` data Status
 * GET    /api/studies/UID/manifest   → StudyManifest (storage/format/manifest.ts) with signed urls
 * GET    /api/studies/UID/zip?series=    → ZIP of the objects as received, with DICOMDIR and SHA256SUMS
 * GET    /api/studies/UID/teaching?series= → ZIP of de-identified pictures (PS3.15 Annex E basic profile) and what to look at
 * GET    /objects/KEY?e=…&s=…        the signed urls of the embedded store: no cookie needed, Range, HEAD, ETag; with S3 the
 *                                    urls are presigned and go to the store itself
 * GET    any page                    index.html; for a signed-in user with <script type="application/json" id="lifeboat-boot">
 *                                    holding a ViewerBoot, so that the page asks for pixels without a round trip
 * GET/PUT /api/preferences           → PreferencesAnswer / own Preferences → 204; PUT /api/preferences/site (admin) → 204 (contract/preferences.ts)
 * GET    /api/arrivals?hours=24      → ArrivalsAnswer (roles modality, admin)
 * admin only:
 * GET/POST /api/users, PATCH/DELETE /api/users/NAME   → UserRow[] / UserRow (UserCreate, UserPatch)
 * GET/POST /api/tokens, DELETE /api/tokens/ID         → TokenRow[] / TokenCreated (TokenCreate)
 * GET/POST /api/aes, DELETE /api/aes/TITLE            → AeRow[]; POST {title, note?, host?, port?} allows a sender and says where it takes reports of storage commitment
 * GET    /api/forwarding             → ForwardingStatus; POST ForwardingAction → ForwardingStatus
 * GET/PUT /api/forwarding/rules       → ForwardingRules; PUT {text}: in force for what comes from then on
 * POST   /api/forwarding/try         {studyInstanceUID, text?} → ForwardingTrial: nothing is sent or saved
 * GET    /api/outages                → OutageAnswer; GET /api/outages/csv; POST /api/outages/planned {from, to, note}, DELETE /api/outages/planned/ID → OutageAnswer
 * GET    /api/audit?from=&to=&user=&action=&limit=&offset= → AuditAnswer
 * GET    /api/refusals?limit=        → RefusalRow[] (what was refused lately: DIMSE and HTTP)
 */

export type Role = 'radiologist' | 'modality' | 'admin';
/** Machine token scopes. */
export type Scope = 'dicomweb:read' | 'dicomweb:write' | 'metrics';

export interface ApiError {
  code: string;
  message: string;
}

export interface LoginRequest {
  user: string;
  password: string;
}

export interface SessionInfo {
  user: string;
  role: Role;
  csrf: string;
  /** UTC ISO. */
  expiresAt: string;
  /** True until a password that an administrator or the first start has set is replaced by one's own. */
  mustChangePassword?: boolean;
}

export interface OwnSession {
  /** UTC ISO. */
  begunAt: string;
  usedAt: string;
  address: string;
  /** User-Agent, shortened; empty when unknown. */
  browser: string;
  /** The one that asks. */
  current: boolean;
}

export interface PacsStatus {
  name: string;
  /** 'AE@host:port' */
  address: string;
  state: 'up' | 'degraded' | 'down' | 'unknown';
  /** UTC ISO of the last change of state. */
  since: string;
  /** One sentence of evidence, e.g. 'C-ECHO: connection refused, 3 times in 6 s'. */
  evidence: string;
  /** Everything kept is passed on to it. */
  forwards: boolean;
  /** Instances waiting to be forwarded. */
  queued: number;
}

export interface Status {
  version: string;
  aeTitle: string;
  dicomPort: number;
  /**
   * `warning`: what works but should be put right, such as a bucket that browsers may not read from. `lost`: manifest segments
   * that were in the store and are not any more, and how many studies they belong to.
   */
  store: {
    description: string;
    available: boolean;
    since?: string;
    message?: string;
    warning?: string;
    lost?: { segments: number; studies: number; since: string };
  };
  /**
   * Away: searching and the worklist wait for it; receiving goes on. `filling`: it was found empty or incomplete and is being
   * filled from the store; `share` of it is done (0 to 1).
   */
  catalogue?: {
    description: string;
    available: boolean;
    message?: string;
    filling?: { share: number; segments: number; instances: number; since: string };
  };
  spool: {
    entries: number;
    bytes: number;
    oldest: string | null;
    freeBytes: number;
    /** Recovery is incomplete: files found at the start that cannot be read, each perhaps an acknowledged image. Times are UTC ISO. */
    unread?: { files: number; since: string; triedAt: string; nextTryAt: string; reason: string };
  };
  /** Present where a second store is configured: what it lacks, and why it waits where it does. */
  replica?: Pick<import('./integrity.ts').ReplicaStatus, 'description' | 'state' | 'reason' | 'lag'>;
  /** Images vanish or are written over in the store, and nobody has looked into it yet. */
  massChange?: { since: string; count: number };
  /** null: none configured. */
  pacs: PacsStatus | null;
  totals: { studies: number; instances: number; bytes: number; conflicts: number };
  /** Unknown senders waiting for IT. */
  pendingAEs: number;
  /** True in demo mode: everything is SAMPLE data. */
  demo: boolean;
}

/** Frame 1 of the image to show first: one Range GET of `bytes` on `url` (deflated: the whole object). */
export interface BootImage {
  seriesInstanceUID: string;
  sopInstanceUID: string;
  url: string;
  /** First and one-past-last byte of the frame's pixel bytes in the object; absent: fetch the whole object. */
  bytes?: [start: number, end: number];
}

/** What a page finds in `#lifeboat-boot` when somebody is signed in; absent: show the sign-in. */
export interface ViewerBoot {
  session: SessionInfo;
  status: Status;
  /** How the person likes to read; present for those who may. */
  preferences?: import('./preferences.ts').PreferencesAnswer;
  /** On /viewer?StudyInstanceUIDs=UID (the first UID, when the archive knows it). */
  study?: {
    studyInstanceUID: string;
    /**
     * `complete`: the same as /api/studies/UID/manifest. Otherwise only the series of the first image, cut to its first
     * instances: enough to paint; ask the API for the rest.
     */
    manifest: import('../storage/format/manifest.ts').StudyManifest;
    complete: boolean;
    /** null: the study has nothing with pixel data. */
    firstImage: BootImage | null;
  };
}

export interface WorklistQuery {
  /** Part of a name, patient ID or accession number. */
  search?: string;
  /** Study date, YYYYMMDD. */
  from?: string;
  to?: string;
  /** Comma list. */
  modality?: string;
  ae?: string;
  conflicts?: boolean;
  /** A column, with - in front for descending. */
  sort?: string;
  limit?: number;
  offset?: number;
}

export interface WorklistAnswer {
  rows: import('../storage/catalogue/catalogue-types.ts').WorklistRow[];
  more: boolean;
  /** Exact up to 10,000; 10001 means 'more than 10,000'. */
  count: number;
}

export interface ArrivalSeries {
  seriesInstanceUID: string;
  modality: string;
  description: string;
  /** Kept in the store. */
  stored: number;
  /** Acknowledged, still in the spool. */
  inSpool: number;
}
/** What Lifeboat committed to keep for whoever sent. */
export interface ArrivalCommitment {
  requester: string;
  /** UTC ISO. */
  requestedAt: string;
  confirmed: number;
  failed: number;
  /** The sender has taken the answer. */
  told: boolean;
}
export interface ArrivalRow {
  studyInstanceUID: string;
  patientName: string;
  patientID: string;
  callingAE: string;
  firstReceivedAt: string;
  lastReceivedAt: string;
  series: ArrivalSeries[];
  /** Passed on: images owed to each destination, of these those that it took, and those that it committed to keep, where it is asked. */
  forwarded: { destination: string; owed: number; sent: number; committed?: number }[];
  /** Storage commitment asked for by the scanner, the newest request that names this study; absent: none. */
  commitment?: ArrivalCommitment;
  /** What the scanner itself reported of the study (MPPS); absent: nothing. */
  performed?: import('./ris.ts').PerformedStep[];
}
/** An image that was refused, in the words its sender was told. */
export interface ArrivalRefusal {
  /** UTC ISO. */
  at: string;
  callingAE: string;
  message: string;
  /** '' when the data set was too broken to tell. */
  sopInstanceUID: string;
  /** It was sent again and is kept now. */
  cameLater: boolean;
}
export interface ArrivalsAnswer {
  /** Newest first. */
  rows: ArrivalRow[];
  /** There are more studies in this time than rows. */
  more: boolean;
  /** Newest first. */
  refusals: ArrivalRefusal[];
}

/** An instance that a destination has not taken so far. */
export interface ForwardingProblem {
  id: number;
  /** `person`: the destination will not take it as it is. `waiting`: it is tried again. */
  state: string;
  attempts: number;
  /** The destination's DIMSE status, where it answered. */
  status: number | null;
  message: string;
  patientName: string;
  patientID: string;
  studyInstanceUID: string;
  sopInstanceUID: string;
  receivedAt: string;
}
/** What a destination has committed to keep. */
export interface ForwardingCommitment {
  /** To be asked for, or without an answer so far. */
  open: number;
  confirmed: number;
  /** It said that it does not have them: sent again. */
  refused: number;
  /** That happened too often. */
  person: number;
  /** Why it cannot be asked; '' when all is well. */
  trouble: string;
}
export interface ForwardingDestination {
  /** `AE@host:port` */
  name: string;
  waiting: number;
  /** Of these: tried in vain at least once. */
  retrying: number;
  /** A person has to decide. */
  person: number;
  sent: number;
  skipped: number;
  /** Given to an association just now. */
  sending: number;
  /** UTC ISO of the oldest that waits. */
  oldest: string | null;
  lastSentAt: string | null;
  paused: boolean;
  /** Why nothing can be sent now; '' when all is well. */
  trouble: string;
  /** Present when it is asked for storage commitment of what it took. */
  commitment?: ForwardingCommitment;
  /** The newest first, not all when there are many. */
  problems: ForwardingProblem[];
}
/** `skip` and `retry`: one instance, those of a study, or all that were tried in vain. `prioritise`: what waits of a study. */
export interface ForwardingAction {
  destination: string;
  action: 'pause' | 'resume' | 'retry' | 'skip' | 'prioritise';
  id?: number;
  studyInstanceUID?: string;
  priority?: 'stat' | 'normal' | 'low';
}
/** The forwarding file (YAML, router/README.md) as it is in force. */
export interface ForwardingRules {
  file: string;
  text: string;
  /** Names of all destinations, those of LIFEBOAT_FORWARD_TO too. */
  destinations: string[];
  rules: string[];
}
/** What would become of the images of a study: one row for each way that some of them would go. */
export interface ForwardingTrial {
  images: number;
  /** Images that would go nowhere. */
  nowhere: number;
  ways: {
    destination: string;
    images: number;
    priority: string;
    /** Empty: without a rule. */
    rules: string[];
    changes: { tag: string; keyword: string; before: string; after: string }[];
  }[];
}
export interface ForwardingStatus {
  destinations: ForwardingDestination[];
}

/** The ledger of outages of the main PACS. Times are UTC ISO. */
export interface OutageRow {
  id: number;
  pacs: string;
  from: string;
  /** null: it goes on. */
  to: string | null;
  /** Note of the planned downtime in which it began; null: not planned. */
  planned: string | null;
  evidence: { at: string; state: string; words: string }[];
  /** Kept meanwhile, by where it came from. */
  received: { source: string; instances: number; bytes: number }[];
  /** What waits for each destination; of one that is over: what waited when it ended. */
  owed: { destination: string; instances: number }[];
  /** Who looked at images meanwhile, and how often. */
  looks: { user: string; count: number }[];
}
export interface OutageAnswer {
  /** Newest first. */
  outages: OutageRow[];
  planned: { id: number; from: string; to: string; note: string; by: string }[];
  /** What those have said that are asked for storage commitment of what they took. */
  commitments: (ForwardingCommitment & { destination: string })[];
}

export interface UserRow {
  name: string;
  role: Role;
  disabled: boolean;
  lockedUntil: string | null;
  createdAt: string;
  lastLoginAt: string | null;
}
export interface UserCreate {
  name: string;
  role: Role;
  password: string;
}
export interface UserPatch {
  role?: Role;
  disabled?: boolean;
  password?: string;
  /** Lifts a lock-out. */
  unlock?: true;
}
export interface TokenCreate {
  name: string;
  scopes: Scope[];
  /** UTC ISO; absent or null: does not expire. */
  expiresAt?: string | null;
}
export interface TokenRow {
  id: string;
  name: string;
  scopes: Scope[];
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}
export interface TokenCreated extends TokenRow {
  /** Shown once. */
  secret: string;
}
export interface AeRow {
  title: string;
  allowed: boolean;
  /** 'config' rows come from LIFEBOAT_ACCEPT_AE and cannot be removed here. */
  origin: 'config' | 'admin' | 'seen';
  note: string;
  lastAddress: string | null;
  lastSeenAt: string | null;
  /** Associations rejected because the title was not allowed. */
  rejected: number;
  /** Where it takes reports of storage commitment; without a host: where it last called from. null: not known. */
  host: string | null;
  port: number | null;
  /** Reports of storage commitment that it has not taken so far, and why; absent: none. */
  reports?: { waiting: number; message: string };
}
export interface AuditRow {
  id: number;
  at: string;
  user: string;
  address: string;
  /** login, login-refused, logout, query, view, upload, export, refusal, user-change, token-change, ae-change … */
  action: string;
  /** Study UID, AE title, user name … */
  object: string;
  detail: string;
  outcome: 'ok' | 'refused' | 'error';
}
export interface AuditAnswer {
  rows: AuditRow[];
  more: boolean;
}
export interface RefusalRow {
  at: string;
  /** 'DIMSE' or 'HTTP' */
  channel: string;
  peer: string;
  code: string;
  message: string;
  sopInstanceUID?: string;
}
