import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import {
  type AssociateAccept,
  ContextResult,
  type ExtendedNegotiation,
  encodeAssociateRQ,
  type ProposedContext,
  type RoleSelection,
} from './acse.ts';
import { Association, type AssociationEnd, type AssociationTimers } from './association.ts';
import { CommandField, type CommandSet, NO_DATA_SET, RESPONSE_BIT } from './command-set.ts';
import {
  type DataSetSink,
  encodeCommandMessage,
  encodeMessage,
  MessageAssembler,
  type PresentationContext,
} from './dimse-message.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAXIMUM_LENGTH } from './implementation.ts';
import { ProtocolViolation } from './pdu.ts';
import { sendDataSet } from './send-data-set.ts';

/** Whom to call, as whom, and how long to wait. */
export interface PeerAddress {
  host: string;
  port: number;
  calledAE: string;
  callingAE: string;
  /** For the TCP connection, ms; default 10 s. */
  connectTimeoutMs?: number;
  /** For the association and release answers, ms; default 30 s. */
  artimTimeoutMs?: number;
  /** For a response, or for the peer to take more bytes, ms; default 60 s. */
  idleTimeoutMs?: number;
  /** DICOM over TLS (PS3.15 B.12): how to check the peer and what to show it. */
  tls?: ConnectionOptions;
}

/** A context without its number. */
export type ContextProposal = Omit<ProposedContext, 'id'>;
export const MAX_CONTEXTS = 128;

export interface RequestorOptions {
  /** Roles other than SCU alone (PS3.7 D.3.3.4). */
  roles?: readonly RoleSelection[];
  extended?: readonly ExtendedNegotiation[];
  /** Takes requests of the peer: C-STORE sub-operations of a C-GET, event reports. Absent: there are none. */
  serve?(
    context: PresentationContext,
    command: CommandSet,
    hasDataSet: boolean,
    answer: (response: CommandSet) => void | Promise<void>,
  ): DataSetSink | void | Promise<void>;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_TIMERS: AssociationTimers = { artimTimeoutMs: 30_000, idleTimeoutMs: 60_000 };

/** Longest PDU we send whatever the peer allows: longer ones gain nothing, and many peers allow any length. */
const MAX_SENT_PDU = 128 * 1024;
/** A peer that allows less than this cannot mean it. */
const MIN_SENT_PDU = 256;
const PDV_OVERHEAD = 6;

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host name unknown',
  EAI_AGAIN: 'host name cannot be resolved',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  ECONNRESET: 'connection reset',
};

/** One of the responses to a request that has several. */
export interface PartialResponse {
  command: CommandSet;
  dataSet?: Buffer;
}

/** A response's data set beyond this is no identifier. */
const MOST_RESPONSE_BYTES = 1024 * 1024;
/** Responses kept while whoever asked is slower than the peer. */
const MOST_UNREAD = 200;
/** After a C-CANCEL so many responses may still come. */
const MOST_AFTER_CANCEL = 10_000;

/** Statuses of a response after which more follow. */
const isPending = (status: number | undefined): boolean => status === 0xff00 || status === 0xff01;

/** Responses on their way from the line to whoever asked. */
class Responses {
  readonly #messageID: number;
  readonly #unread: PartialResponse[] = [];
  #news = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();
  #error: LifeboatError | undefined;

  constructor(messageID: number) {
    this.#messageID = messageID;
  }

  belongs(command: CommandSet): boolean {
    return command.messageIDBeingRespondedTo === this.#messageID;
  }

  fail(error: LifeboatError): void {
    this.#error = error;
    this.#news.resolve();
    this.#room.resolve();
  }

  /** A promise holds the peer back. */
  push(response: PartialResponse): void | Promise<void> {
    this.#unread.push(response);
    this.#news.resolve();
    if (this.#unread.length < MOST_UNREAD || !isPending(response.command.status)) return;
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  async next(): Promise<PartialResponse> {
    for (;;) {
      const response = this.#unread.shift();
      if (response) {
        this.#room.resolve();
        return response;
      }
      if (this.#error) throw this.#error;
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
  }
}

interface Waiting {
  resolve(response: CommandSet): void;
  reject(error: LifeboatError): void;
}

/** Opens the TCP connection. Throws PEER_UNREACHABLE with the reason in words. */
function openSocket(peer: PeerAddress): Promise<Socket> {
  const timeoutMs = peer.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const socket = peer.tls
      ? connectTls({ ...peer.tls, host: peer.host, port: peer.port })
      : connect({ host: peer.host, port: peer.port, noDelay: true });
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new LifeboatError('PEER_UNREACHABLE', `: ${reason}.`, { cause }));
    };
    const timer = setTimeout(() => fail(`no connection within ${timeoutMs / 1000} s`), timeoutMs);
    const onError = (error: NodeJS.ErrnoException) => fail(REASONS[error.code ?? ''] ?? error.message, error);
    socket.once('error', onError);
    socket.once(peer.tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

/**
 * An association that we ask for (SCU side). One operation at a time. However it ends, whoever waits for a response gets
 * the reason as an error; a response that did not come is never a success.
 */
export class AssociationRequestor {
  readonly #association: Association;
  readonly #ended: Promise<AssociationEnd>;
  #end: AssociationEnd | undefined;
  #contexts = new Map<number, PresentationContext>();
  #assembler: MessageAssembler;
  #maxPayload = MIN_SENT_PDU;
  #extended: readonly ExtendedNegotiation[] = [];
  #nextMessageID = 1;
  #waiting: Waiting | undefined;
  #responses: Responses | undefined;
  readonly #serve: RequestorOptions['serve'];
  #associated: { resolve(accept: AssociateAccept): void; reject(error: LifeboatError): void } | undefined;

  private constructor(socket: Socket, timers: AssociationTimers, serve: RequestorOptions['serve']) {
    this.#serve = serve;
    this.#assembler = new MessageAssembler(this.#contexts, (context, command, hasDataSet) =>
      this.#message(context, command, hasDataSet),
    );
    let tell: (end: AssociationEnd) => void = () => {};
    this.#ended = new Promise((resolve) => {
      tell = resolve;
    });
    this.#association = new Association(
      socket,
      'requestor',
      {
        associateAccept: (accept) => this.#associated?.resolve(accept),
        pdv: (contextId, control, piece, endOfPdv) => this.#assembler.pdv(contextId, control, piece, endOfPdv),
        ended: (end) => {
          this.#end = end;
          const error = end.error ?? new LifeboatError('DIMSE_CONNECTION_LOST', end.message);
          this.#associated?.reject(error);
          this.#waiting?.reject(error);
          this.#waiting = undefined;
          this.#responses?.fail(error);
          tell(end);
        },
      },
      timers,
      MAXIMUM_LENGTH,
    );
  }

  /**
   * Connects and associates.
   * @param proposals at most MAX_CONTEXTS
   * @throws PEER_UNREACHABLE, PEER_REJECTED, PEER_ABORTED, DIMSE_TIMEOUT, DIMSE_CONNECTION_LOST, DIMSE_PROTOCOL
   */
  static async open(
    peer: PeerAddress,
    proposals: readonly ContextProposal[],
    options: RequestorOptions = {},
  ): Promise<AssociationRequestor> {
    const socket = await openSocket(peer);
    const timers = {
      artimTimeoutMs: peer.artimTimeoutMs ?? DEFAULT_TIMERS.artimTimeoutMs,
      idleTimeoutMs: peer.idleTimeoutMs ?? DEFAULT_TIMERS.idleTimeoutMs,
    };
    const requestor = new AssociationRequestor(socket, timers, options.serve);
    await requestor.#associate(peer, proposals, options);
    return requestor;
  }

  async #associate(
    peer: PeerAddress,
    proposals: readonly ContextProposal[],
    { roles, extended }: RequestorOptions,
  ): Promise<void> {
    const contexts = proposals.map((proposal, i) => ({ ...proposal, id: 2 * i + 1 }));
    const accepted = new Promise<AssociateAccept>((resolve, reject) => {
      this.#associated = { resolve, reject };
    });
    this.#association.request(
      encodeAssociateRQ({
        calledAE: peer.calledAE,
        callingAE: peer.callingAE,
        contexts,
        user: {
          maximumLength: MAXIMUM_LENGTH,
          implementationClassUID: IMPLEMENTATION_CLASS_UID,
          implementationVersionName: IMPLEMENTATION_VERSION_NAME,
          ...(roles && { roles: [...roles] }),
          ...(extended && { extended: [...extended] }),
        },
      }),
    );
    const accept = await accepted;
    this.#associated = undefined;
    this.#extended = accept.user.extended ?? [];
    const { maximumLength } = accept.user;
    const pdu = maximumLength === 0 ? MAX_SENT_PDU : Math.min(maximumLength, MAX_SENT_PDU);
    // Fragments have even lengths (PS3.8 E.2).
    this.#maxPayload = (Math.max(pdu, MIN_SENT_PDU) - PDV_OVERHEAD) & ~1;
    for (const answer of accept.contexts) {
      const proposed = contexts.find((context) => context.id === answer.id);
      if (answer.result !== ContextResult.Acceptance || !proposed) continue;
      const { id, abstractSyntax } = proposed;
      this.#contexts.set(id, { id, abstractSyntax, transferSyntax: answer.transferSyntax });
    }
  }

  /** The accepted context for an abstract syntax and, where given, exactly this transfer syntax. */
  contextFor(abstractSyntax: string, transferSyntax?: string): PresentationContext | undefined {
    for (const context of this.#contexts.values()) {
      if (context.abstractSyntax !== abstractSyntax) continue;
      if (transferSyntax === undefined || context.transferSyntax === transferSyntax) return context;
    }
    return undefined;
  }

  /** What the peer agreed to by extended negotiation. */
  extended(sopClass: string): Buffer | undefined {
    return this.#extended.find((each) => each.sopClass === sopClass)?.information;
  }

  get over(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Sends one request and waits for its response.
   * @param dataSet encoded in the context's transfer syntax; streamed, held back at the peer's pace. When reading it
   *   fails midway the association is aborted, for a data set cannot be taken back, and that error is thrown.
   */
  async invoke(
    context: PresentationContext,
    command: Omit<CommandSet, 'messageID' | 'commandDataSetType'>,
    dataSet?: AsyncIterable<Uint8Array>,
  ): Promise<CommandSet> {
    if (this.#end) throw this.#end.error ?? new LifeboatError('DIMSE_CONNECTION_LOST', this.#end.message);
    const messageID = this.#nextMessageID;
    this.#nextMessageID = (this.#nextMessageID % 0xffff) + 1;
    const response = new Promise<CommandSet>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    // It is awaited below, after the data set went out; it may be rejected before.
    response.catch(() => {});
    const commandDataSetType = dataSet ? 0x0001 : NO_DATA_SET;
    await this.#association.send(encodeCommandMessage(context.id, { ...command, messageID, commandDataSetType }));
    if (dataSet) await this.#sendDataSet(context.id, dataSet);
    const answer = await response;
    if (answer.messageIDBeingRespondedTo !== messageID) {
      const error = new ProtocolViolation('The response belongs to another request.');
      this.#association.abort(error);
      throw error;
    }
    return answer;
  }

  async #sendDataSet(contextId: number, dataSet: AsyncIterable<Uint8Array>): Promise<void> {
    const line = { send: (pdus: Buffer) => this.#association.send(pdus), over: () => this.#end !== undefined };
    try {
      await sendDataSet(line, contextId, dataSet, this.#maxPayload);
    } catch (cause) {
      const error = asLifeboatError(cause);
      this.abort(error);
      throw error;
    }
  }

  /**
   * Sends one request that has several responses and yields them, the last one included (PS3.7 9.1.2 C-FIND, 9.1.4 C-MOVE).
   * Who stops reading, or aborts `signal`, cancels it at the peer (C-CANCEL).
   * @param identifier in the context's transfer syntax
   */
  async *operate(
    context: PresentationContext,
    command: Omit<CommandSet, 'messageID' | 'commandDataSetType'>,
    identifier: Buffer,
    signal?: AbortSignal,
  ): AsyncGenerator<PartialResponse> {
    if (this.#end) throw this.#end.error ?? new LifeboatError('DIMSE_CONNECTION_LOST', this.#end.message);
    const messageID = this.#nextMessageID;
    this.#nextMessageID = (this.#nextMessageID % 0xffff) + 1;
    const responses = new Responses(messageID);
    this.#responses = responses;
    const cancel = () => {
      const cancellation = {
        commandField: CommandField.CCancelRQ,
        messageIDBeingRespondedTo: messageID,
        commandDataSetType: NO_DATA_SET,
      };
      void this.#association.send(encodeCommandMessage(context.id, cancellation));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    let over = false;
    try {
      const request = { ...command, messageID, commandDataSetType: 0x0001 };
      await this.#association.send(encodeMessage(context.id, request, identifier, this.#maxPayload));
      if (signal?.aborted) cancel();
      while (!over) {
        const response = await responses.next();
        over = !isPending(response.command.status);
        yield response;
      }
    } finally {
      signal?.removeEventListener('abort', cancel);
      if (!over && !this.#end) await this.#cancelled(responses, cancel);
      this.#responses = undefined;
    }
  }

  /** Cancels and reads on to the last response, so that the association can be used again. */
  async #cancelled(responses: Responses, cancel: () => void): Promise<void> {
    cancel();
    try {
      for (let n = 0; n < MOST_AFTER_CANCEL; n++) {
        if (!isPending((await responses.next()).command.status)) return;
      }
      this.abort();
    } catch {
      // The association is over, which is what was wanted; the next request on it says why.
    }
  }

  #partial(responses: Responses, command: CommandSet, hasDataSet: boolean): DataSetSink | void | Promise<void> {
    if (!responses.belongs(command)) throw new ProtocolViolation('The response belongs to another request.');
    if (!hasDataSet) return responses.push({ command });
    const pieces: Buffer[] = [];
    let length = 0;
    return {
      write: (piece) => {
        length += piece.length;
        if (length > MOST_RESPONSE_BYTES) {
          this.abort(new LifeboatError('DIMSE_PROTOCOL', 'A response of the peer has no end.'));
          return;
        }
        pieces.push(Buffer.from(piece));
      },
      end: () => responses.push({ command, dataSet: Buffer.concat(pieces) }),
      abort: () => {},
    };
  }

  #message(context: PresentationContext, command: CommandSet, hasDataSet: boolean): DataSetSink | void | Promise<void> {
    if (command.commandField & RESPONSE_BIT || !this.#serve || command.commandField === CommandField.CCancelRQ)
      return this.#response(command, hasDataSet);
    return this.#serve(context, command, hasDataSet, (response) =>
      this.#association.send(encodeCommandMessage(context.id, response)),
    );
  }

  #response(command: CommandSet, hasDataSet: boolean): DataSetSink | void | Promise<void> {
    if (this.#responses && command.commandField & RESPONSE_BIT && command.status !== undefined) {
      return this.#partial(this.#responses, command, hasDataSet);
    }
    const waiting = this.#waiting;
    if (!(command.commandField & RESPONSE_BIT) || command.status === undefined || !waiting) {
      throw new ProtocolViolation('The peer sent something that is no response to a request of ours.');
    }
    this.#waiting = undefined;
    waiting.resolve(command);
  }

  /** Releases and waits for the end; a peer that does not answer is cut after the ARTIM time. Never throws. */
  async release(): Promise<void> {
    this.#association.release();
    await this.#ended;
  }

  abort(error = new LifeboatError('DIMSE_CONNECTION_LOST', 'The association was aborted by us.')): void {
    this.#association.abort(error);
  }
}
