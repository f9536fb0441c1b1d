import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { PacsStatus } from '../contract/api.ts';
import type { MassChangeAlert } from '../contract/retention.ts';
import type { Archive } from '../storage/archive-types.ts';
import type { AccessControl } from './access/access-types.ts';
import type { History } from './backfill/history.ts';
import type { Commitments } from './commitment/commitments.ts';
import type { Confirmations } from './commitment/confirmations.ts';
import type { Config } from './config.ts';
import type { Corrections } from './corrections/corrections.ts';
import type { Forwarding } from './forward/forwarding.ts';
import type { NotifyEvent } from './notify/outbox.ts';
import type { OutageLedger } from './outage/ledger.ts';
import type { Reconciliation } from './reconcile/reconciliation.ts';
import type { Renditions } from './renditions.ts';
import type { Replica } from './replica.ts';
import type { Ris } from './worklist/ris.ts';

/** What every part of the running router is given; built once in router/serve.ts. */
export interface RouterContext {
  readonly config: Config;
  readonly archive: Archive;
  readonly access: AccessControl;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Aborted when the router ends: from then on nothing waits for a store that is away. */
  readonly ending: AbortSignal;
  /** Set by the PACS watch when one is configured. */
  pacsStatus?: () => PacsStatus;
  /** The alert of images that vanish which nobody has looked into yet. */
  massChange?: () => MassChangeAlert | null;
  /** Set when there is a second store. */
  replica?: Replica;
  /** Lossless renditions for slow lines. */
  renditions?: Renditions;
  /** Storage commitment for those who send here. */
  commitments?: Commitments;
  /** What those to whom we pass on have committed to. */
  confirmations?: Confirmations;
  /** Set when there are destinations to forward to. */
  forwarding?: Forwarding;
  /** Set when a main PACS is watched. */
  outages?: OutageLedger;
  /** Tells IT by webhook and e-mail, where these are set; no names of patients. */
  notify?: (event: NotifyEvent) => void;
  /** Patients corrected by a person. */
  corrections?: Corrections;
  /** Comparison with the PACS, after outages and when asked for. */
  reconciliation?: Reconciliation;
  /** The worklist as last known, and what scanners report. */
  ris?: Ris;
  /** What is fetched of the history, and how much of it is here. */
  history?: History;
}
