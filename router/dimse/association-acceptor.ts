import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import type { AccessControl } from '../access/access-types.ts';
import type { Config } from '../config.ts';
import { AcceptorLine } from './acceptor-line.ts';
import { APPLICATION_CONTEXT, type AssociateRequest, type ExtendedNegotiation, type RoleSelection } from './acse.ts';
import { Association, type AssociationEnd } from './association.ts';
import { CommandField, type CommandSet, errorComment, NO_DATA_SET, RESPONSE_BIT, Status } from './command-set.ts';
import {
  type DataSetSink,
  encodeCommandMessage,
  MessageAssembler,
  type PresentationContext,
  payloadFor,
} from './dimse-message.ts';
import type { DimseMetrics } from './dimse-metrics.ts';
import type { DimseService, ServedAssociation } from './dimse-service.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAXIMUM_LENGTH } from './implementation.ts';
import { ProtocolViolation, type Rejection, Rejections } from './pdu.ts';
import { negotiate } from './presentation-contexts.ts';
import { reuseReadBuffer } from './read-buffer.ts';
import { ServiceRunner } from './service-runner.ts';
import { refuseCommand, StoreSink, storeResponse } from './storage-scp.ts';
import { echoResponse } from './verification-scp.ts';

/** What an accepted connection needs of the router. */
export interface AcceptorContext {
  config: Pick<Config, 'aeTitle' | 'maxAssociations' | 'artimTimeoutMs' | 'idleTimeoutMs' | 'acceptAnyCalledAE'>;
  receiver: Receiver;
  access: Pick<AccessControl, 'senderAllowed' | 'refused' | 'audit'>;
  log: Logger;
  metrics: DimseMetrics;
  /** Beyond verification and storage, by abstract syntax. */
  services?: ReadonlyMap<string, DimseService>;
  /** Associations established now, this one not counted. */
  established(): number;
  /** The server is closing: no new associations. */
  closing(): boolean;
}

/** One incoming connection: decides on the association, serves C-ECHO and C-STORE, and tells IT about every refusal. */
export class AssociationAcceptor {
  readonly #context: AcceptorContext;
  readonly #association: Association;
  readonly #address: string;
  #callingAE = '';
  #assembler: MessageAssembler | undefined;
  #runner: ServiceRunner | undefined;
  #line: AcceptorLine | undefined;
  #accepted = false;
  #stored = 0;
  #failed = 0;
  #endWhenIdle: LifeboatError | undefined;
  #answering = 0;
  #socketClosed = false;
  readonly #gone: () => void;

  /**
   * @param accepted paused
   * @param gone called when the line is closed and no image of this peer is still being put on disk
   */
  constructor(accepted: Socket, context: AcceptorContext, gone: () => void) {
    this.#context = context;
    this.#gone = gone;
    const reading = reuseReadBuffer(accepted, (chunk) => this.#association.read(chunk));
    const socket = reading ?? accepted;
    socket.on('close', () => {
      this.#socketClosed = true;
      // Association, which listens to the same event, drops what is under way first.
      setImmediate(() => this.#checkGone());
    });
    this.#address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.#association = new Association(
      socket,
      'acceptor',
      {
        associateRequest: (request) => this.#associate(request),
        pdv: (contextId, control, piece, endOfPdv) => this.#assembler!.pdv(contextId, control, piece, endOfPdv),
        ended: (end) => this.#ended(end),
      },
      context.config,
      MAXIMUM_LENGTH,
      reading !== undefined,
    );
    socket.resume();
  }

  /** Counts against the association limit. */
  get established(): boolean {
    return this.#accepted && !this.#association.over;
  }

  /** For the status page: 'AE@address', stored so far. */
  get summary(): { peer: string; stored: number; failed: number } {
    return { peer: this.#peer, stored: this.#stored, failed: this.#failed };
  }

  /** Ends the association as soon as no message is under way. */
  endWhenIdle(error: LifeboatError): void {
    this.#endWhenIdle = error;
    this.#runner?.cancel();
    if (!this.#assembler?.underWay && this.#answering === 0 && !this.#runner?.busy) this.#association.abort(error);
  }

  destroy(): void {
    this.#association.destroy();
  }

  #checkGone(): void {
    if (this.#socketClosed && this.#answering === 0 && !this.#runner?.busy) this.#gone();
  }

  get #peer(): string {
    return this.#callingAE ? `${this.#callingAE}@${this.#address}` : this.#address;
  }

  #refused(code: ErrorCode, message: string, sopInstanceUID?: string): void {
    this.#context.access.refused({ channel: 'DIMSE', peer: this.#peer, code, message, sopInstanceUID });
  }

  #associate(request: AssociateRequest): void {
    this.#callingAE = request.callingAE;
    const refusal = this.#judge(request);
    if (refusal) {
      this.#context.metrics.rejected(refusal.error.code);
      this.#association.reject(refusal.rejection, refusal.error);
      return;
    }
    const { user } = request;
    const roles = this.#roles(request);
    const extended = this.#extended(request);
    const retrieved = new Set(roles.filter(({ scu, scp }) => scp && !scu).map(({ sopClass }) => sopClass));
    const { answers, accepted } = negotiate(request.contexts, this.#context.services, retrieved);
    this.#assembler = new MessageAssembler(accepted, (context, command, hasDataSet) =>
      this.#message(context, command, hasDataSet),
    );
    this.#accepted = true;
    this.#context.metrics.accepted();
    const payload = payloadFor(user.maximumLength);
    const line = new AcceptorLine({
      payload,
      send: (pdus) => this.#association.send(pdus),
      over: () => this.#association.over,
      abort: (error) => this.#association.abort(error),
    });
    this.#line = line;
    this.#runner = new ServiceRunner({
      callingAE: this.#callingAE,
      address: this.#address,
      payload,
      send: (pdus) => line.send(pdus),
      association: this.#served(line, accepted, roles, extended),
      log: this.#context.log,
      idle: () => {
        this.#checkGone();
        if (this.#endWhenIdle) this.#association.abort(this.#endWhenIdle);
      },
    });
    const window = user.asynchronousWindow;
    this.#association.accept({
      calledAE: request.calledAE,
      callingAE: request.callingAE,
      contexts: answers,
      user: {
        maximumLength: MAXIMUM_LENGTH,
        implementationClassUID: IMPLEMENTATION_CLASS_UID,
        implementationVersionName: IMPLEMENTATION_VERSION_NAME,
        // Requests are read one after the other, so any number may be outstanding; we invoke none ourselves.
        asynchronousWindow: window && { invoked: window.invoked, performed: 1 },
        ...(roles.length > 0 && { roles }),
        ...(extended.length > 0 && { extended }),
        userIdentityAnswered: user.userIdentity?.responseRequested,
      },
    });
    this.#context.log.info(
      {
        peer: this.#peer,
        calledAE: request.calledAE,
        implementation: user.implementationVersionName ?? user.implementationClassUID,
        contexts: request.contexts.length,
        accepted: accepted.size,
        userIdentity: user.userIdentity?.name || undefined,
      },
      'association accepted',
    );
    if (request.calledAE !== this.#context.config.aeTitle) {
      this.#context.log.warn(
        { peer: this.#peer, calledAE: request.calledAE, aeTitle: this.#context.config.aeTitle },
        'the sender called another AE title than ours; accepted all the same',
      );
    }
    if (accepted.size === 0) {
      const wanted = request.contexts
        .slice(0, 3)
        .map((c) => c.abstractSyntax)
        .join(', ');
      this.#refused(
        'CONTEXTS_REJECTED',
        `None of ${request.contexts.length} presentation contexts accepted: ${wanted}`,
      );
    }
  }

  /** The peer's SCP role is for C-GET, where it takes what it asked for, and for reports of storage commitment. */
  #roles({ contexts, user }: AssociateRequest): RoleSelection[] {
    const asked = new Set(contexts.map(({ abstractSyntax }) => this.#context.services?.get(abstractSyntax)));
    return (user.roles ?? []).map(({ sopClass, scu, scp }) => {
      const mayServe = [...asked].some((service) => service?.peerMayServe?.(sopClass) ?? false);
      return { sopClass, scu, scp: scp && mayServe };
    });
  }

  #extended({ contexts, user }: AssociateRequest): ExtendedNegotiation[] {
    const proposed = new Set(contexts.map(({ abstractSyntax }) => abstractSyntax));
    return (user.extended ?? []).flatMap(({ sopClass, information }) => {
      const service = proposed.has(sopClass) ? this.#context.services?.get(sopClass) : undefined;
      const answer = service?.extended?.(sopClass, information);
      return answer ? [{ sopClass, information: answer }] : [];
    });
  }

  #served(
    line: AcceptorLine,
    accepted: ReadonlyMap<number, PresentationContext>,
    roles: readonly RoleSelection[],
    extended: readonly ExtendedNegotiation[],
  ): ServedAssociation {
    const association = this.#association;
    const served = new Set(roles.filter(({ scp }) => scp).map(({ sopClass }) => sopClass));
    return {
      get over() {
        return association.over;
      },
      contextFor: (abstractSyntax, transferSyntax) =>
        served.has(abstractSyntax)
          ? [...accepted.values()].find(
              (context) => context.abstractSyntax === abstractSyntax && context.transferSyntax === transferSyntax,
            )
          : undefined,
      extended: (sopClass) => extended.find((each) => each.sopClass === sopClass)?.information,
      invoke: (context, request, dataSet) => line.invoke(context, request, dataSet),
    };
  }

  #judge(request: AssociateRequest): { rejection: Rejection; error: LifeboatError } | undefined {
    const { config, access } = this.#context;
    if ((request.protocolVersion & 1) === 0) {
      return {
        rejection: Rejections.ProtocolVersionNotSupported,
        error: new LifeboatError(
          'ASSOCIATION_REJECTED',
          `Protocol version ${request.protocolVersion} is not supported.`,
        ),
      };
    }
    if (request.applicationContext !== APPLICATION_CONTEXT) {
      return {
        rejection: Rejections.ApplicationContextNotSupported,
        error: new LifeboatError('ASSOCIATION_REJECTED', 'The application context is not that of DICOM.'),
      };
    }
    if (request.calledAE !== config.aeTitle && config.acceptAnyCalledAE === false) {
      return {
        rejection: Rejections.CalledAeNotRecognized,
        error: new LifeboatError(
          'CALLED_AE_UNKNOWN',
          `The sender called ${request.calledAE}, but we are ${config.aeTitle}.`,
        ),
      };
    }
    if (!access.senderAllowed(request.callingAE, this.#address)) {
      return { rejection: Rejections.CallingAeNotRecognized, error: new LifeboatError('CALLING_AE_NOT_ALLOWED') };
    }
    if (request.contexts.length === 0) {
      return {
        rejection: Rejections.NoReason,
        error: new LifeboatError('ASSOCIATION_REJECTED', 'The request proposes no presentation context.'),
      };
    }
    if (this.#context.established() >= config.maxAssociations || this.#context.closing()) {
      return { rejection: Rejections.LocalLimitExceeded, error: new LifeboatError('ASSOCIATION_LIMIT') };
    }
    return undefined;
  }

  #message(context: PresentationContext, command: CommandSet, hasDataSet: boolean): DataSetSink | void | Promise<void> {
    switch (command.commandField) {
      case CommandField.CEchoRQ:
        return this.#answer(context, echoResponse(command));
      case CommandField.CStoreRQ:
        return this.#store(context, command, hasDataSet);
      case CommandField.CCancelRQ:
        this.#runner!.cancel(command.messageIDBeingRespondedTo);
        return;
    }
    if (command.commandField & RESPONSE_BIT) {
      if (this.#line!.respond(command)) return;
      throw new ProtocolViolation('A response came to a request we never made.');
    }
    const service = this.#context.services?.get(context.abstractSyntax);
    if (service) return this.#runner!.take(service, context, command, hasDataSet);
    const response: CommandSet = {
      affectedSOPClassUID: command.affectedSOPClassUID,
      commandField: command.commandField | RESPONSE_BIT,
      messageIDBeingRespondedTo: command.messageID ?? 0,
      commandDataSetType: NO_DATA_SET,
      status: Status.UnrecognizedOperation,
      errorComment: errorComment('This operation is not served here.'),
    };
    const operation = `0x${command.commandField.toString(16).padStart(4, '0')}`;
    this.#refused('DIMSE_COMMAND_INVALID', `Operation ${operation} is not served here.`);
    if (!hasDataSet) return this.#answer(context, response);
    return { write() {}, end: () => this.#answer(context, response), abort() {} };
  }

  #store(context: PresentationContext, command: CommandSet, hasDataSet: boolean): DataSetSink | void | Promise<void> {
    if (!hasDataSet) {
      const error = refuseCommand(command, false)!;
      this.#count(command.affectedSOPInstanceUID, error);
      return this.#answer(context, storeResponse(command, error));
    }
    const source = { via: 'c-store' as const, callingAE: this.#callingAE, address: this.#address };
    const sink = new StoreSink(this.#context.receiver, source, context, command, (response, outcome) => {
      this.#count(outcome.sopInstanceUID, outcome.error);
      return this.#answer(context, response);
    });
    return {
      write: (piece) => sink.write(piece),
      end: () => {
        this.#answering++;
        return sink.end().finally(() => {
          this.#answering--;
          this.#checkGone();
          if (this.#endWhenIdle) this.#association.abort(this.#endWhenIdle);
        });
      },
      abort: () => sink.abort(),
    };
  }

  #count(sopInstanceUID: string | undefined, error: LifeboatError | undefined): void {
    this.#context.metrics.stored(error?.code);
    if (!error) {
      this.#stored++;
      return;
    }
    this.#failed++;
    this.#refused(error.code, error.message, sopInstanceUID);
    const level = error.code === 'INTERNAL' ? 'error' : 'warn';
    this.#context.log[level]({ peer: this.#peer, sopInstanceUID, code: error.code, err: error }, 'C-STORE refused');
  }

  #answer(context: PresentationContext, response: CommandSet): void | Promise<void> {
    return this.#line!.send(encodeCommandMessage(context.id, response));
  }

  #ended(end: AssociationEnd): void {
    const midway = this.#assembler?.underWay ?? false;
    this.#assembler?.abort();
    this.#runner?.cancel();
    this.#line?.ended(end.error ?? new LifeboatError('DIMSE_CONNECTION_LOST', end.message));
    if (this.#accepted) this.#context.metrics.ended(end.kind);
    const { access, log } = this.#context;
    const fields = { peer: this.#peer, stored: this.#stored, failed: this.#failed, end: end.kind };
    // A bare connect and close is what port monitors do; a sender that goes away between two images lost nothing.
    const worthARow = end.kind === 'rejected' || end.kind === 'aborted' || midway;
    if (worthARow && end.error && end.error !== this.#endWhenIdle) {
      const where = midway ? ' (in the middle of an image, which was dropped)' : '';
      this.#refused(end.error.code, `${end.error.message.replace(/\.$/, '')}${where}.`);
      log.warn({ ...fields, code: end.error.code }, `association ended: ${end.message}`);
    } else {
      log.info(fields, `association ended: ${end.message}`);
    }
    if (this.#stored + this.#failed > 0) {
      access.audit({
        user: this.#callingAE,
        address: this.#address,
        action: 'store',
        object: this.#callingAE,
        detail: `C-STORE: ${this.#stored} kept, ${this.#failed} refused`,
        outcome: this.#failed > 0 ? 'error' : 'ok',
      });
    }
  }
}
