import type { LifeboatError } from '../../contract/errors.ts';
import type { ForwardJob } from './forward-types.ts';

/**
 * What became of one instance. `sent` and `warning`: the peer answered that it has it (a warning may mean that it changed
 * something). Everything else is `failed`, also when no answer came.
 */
export interface Outcome {
  outcome: 'sent' | 'warning' | 'failed';
  /** The peer's status (PS3.4 B.2.3; PS3.18 Table I.2-2), when it answered. */
  status?: number;
  /** For people. */
  message: string;
  error?: LifeboatError;
}

/**
 * Hears what became of a job. false: the rest of the jobs is not to be tried now.
 */
export type Settle = (job: ForwardJob, outcome: Outcome) => boolean;

/** One line to a destination; a forwarder has as many as associations are wished. */
export interface Sender {
  /**
   * Sends the jobs in their order and says of each what became of it; jobs of which it says nothing were not tried. Never
   * throws for what a peer or an object does wrong.
   */
  send(jobs: readonly ForwardJob[], settle: Settle, signal: AbortSignal): Promise<void>;
  /** Nothing more to send for now: lets go of the line. */
  rest(): Promise<void>;
}
