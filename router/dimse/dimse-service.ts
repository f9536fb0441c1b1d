import type { CommandSet } from './command-set.ts';
import type { PresentationContext } from './dimse-message.ts';

/** One request of a service beyond storage and verification, its data set read as a whole. */
export interface ServiceRequest {
  context: PresentationContext;
  command: CommandSet;
  /** Encoded in the context's transfer syntax; absent when none was announced. */
  dataSet?: Buffer;
  callingAE: string;
  /** Remote address without port. */
  address: string;
  /** Fires on C-CANCEL and when the association is over. */
  signal: AbortSignal;
}

/** One response: what the service says; the association adds what every response has. */
export interface ServiceResponse {
  status: number;
  errorComment?: string;
  fields?: Partial<CommandSet>;
  dataSet?: Buffer;
}

/** A service that answers requests with one or more responses, the last of which is not pending. */
export interface DimseService {
  /** Abstract syntaxes it serves. */
  readonly abstractSyntaxes: readonly string[];
  /** Never throws for what a peer does wrong: that becomes a status. */
  serve(request: ServiceRequest): AsyncIterable<ServiceResponse>;
}
