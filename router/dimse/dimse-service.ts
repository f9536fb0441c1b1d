import type { OwnRequest } from './acceptor-line.ts';
import type { CommandSet } from './command-set.ts';
import type { PresentationContext } from './dimse-message.ts';

/** The association of a request, for what we ask for on it ourselves. */
export interface ServedAssociation {
  readonly over: boolean;
  /** An accepted context for which the peer is SCP (role selection, PS3.7 D.3.3.4). */
  contextFor(abstractSyntax: string, transferSyntax: string): PresentationContext | undefined;
  /** What was agreed on by extended negotiation (PS3.7 D.3.3.5); undefined: nothing. */
  extended(sopClass: string): Buffer | undefined;
  /** @see AcceptorLine.invoke */
  invoke(context: PresentationContext, request: OwnRequest, dataSet?: AsyncIterable<Uint8Array>): Promise<CommandSet>;
}

/** One request of a service beyond storage and verification, its data set read as a whole. */
export interface ServiceRequest {
  context: PresentationContext;
  command: CommandSet;
  /** Encoded in the context's transfer syntax; absent when none was announced, or it was longer than the service takes. */
  dataSet?: Buffer;
  callingAE: string;
  /** Remote address without port. */
  address: string;
  /** Fires on C-CANCEL and when the association is over. */
  signal: AbortSignal;
  association: ServedAssociation;
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
  /** Longest data set of a request, bytes; default 256 KiB. */
  readonly mostDataSetBytes?: number;
  /** Whether a peer that proposes one of these abstract syntaxes may be SCP of `sopClass` on its association (PS3.7 D.3.3.4). */
  peerMayServe?(sopClass: string): boolean;
  /** The answer to a SOP class extended negotiation; undefined: none (PS3.7 D.3.3.5). */
  extended?(sopClass: string, information: Buffer): Buffer | undefined;
  /** Never throws for what a peer does wrong: that becomes a status. */
  serve(request: ServiceRequest): AsyncIterable<ServiceResponse>;
}
