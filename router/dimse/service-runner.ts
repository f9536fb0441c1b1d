import type { Logger } from 'pino';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { type CommandSet, errorComment, NO_DATA_SET, RESPONSE_BIT } from './command-set.ts';
import { type DataSetSink, encodeCommandMessage, encodeMessage, type PresentationContext } from './dimse-message.ts';
import type { DimseService, ServedAssociation, ServiceResponse } from './dimse-service.ts';

/** Longer data sets belong to storage; an identifier never comes near this. */
const MOST_DATA_SET_BYTES = 256 * 1024;
/** Requests that may wait on one association, whatever window a peer believes in. */
const MOST_WAITING = 8;

export interface RunnerContext {
  callingAE: string;
  address: string;
  /** Payload of the PDUs sent, bytes. */
  payload: number;
  send(pdus: Buffer): void | Promise<void>;
  association: ServedAssociation;
  log: Logger;
  /** After each request is answered, or dropped with its association. */
  idle(): void;
}

/**
 * Serves the requests of one association one after the other, beside the reading of the line, so that a C-CANCEL is heard
 * while responses go out.
 */
export class ServiceRunner {
  readonly #context: RunnerContext;
  readonly #underWay = new Map<number, AbortController>();
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(context: RunnerContext) {
    this.#context = context;
  }

  /** Requests not yet answered. */
  get busy(): number {
    return this.#count;
  }

  /** Takes one request; the sink gathers its data set. */
  take(
    service: DimseService,
    context: PresentationContext,
    command: CommandSet,
    hasDataSet: boolean,
  ): DataSetSink | undefined {
    if (!hasDataSet) {
      this.#enqueue(service, context, command);
      return undefined;
    }
    const most = service.mostDataSetBytes ?? MOST_DATA_SET_BYTES;
    let pieces: Buffer[] = [];
    let length = 0;
    return {
      write: (piece) => {
        length += piece.length;
        if (length <= most) pieces.push(Buffer.from(piece));
      },
      end: () => {
        const dataSet = length <= most ? Buffer.concat(pieces) : undefined;
        this.#enqueue(service, context, command, dataSet);
      },
      abort: () => {
        pieces = [];
      },
    };
  }

  /** C-CANCEL-RQ; without a number: everything. */
  cancel(messageID?: number): void {
    for (const [id, controller] of this.#underWay) if (messageID === undefined || id === messageID) controller.abort();
  }

  #enqueue(service: DimseService, context: PresentationContext, command: CommandSet, dataSet?: Buffer): void {
    if (this.#count >= MOST_WAITING) {
      const busy = new LifeboatError('ASSOCIATION_LIMIT', 'Too many requests at once on this association.');
      void this.#respond(context, command, { status: busy.dimse, errorComment: busy.message });
      return;
    }
    const controller = new AbortController();
    const id = command.messageID ?? 0;
    this.#underWay.set(id, controller);
    this.#count++;
    const { callingAE, address, association, log } = this.#context;
    this.#last = this.#last
      .then(async () => {
        const request = { context, command, dataSet, callingAE, address, signal: controller.signal, association };
        for await (const response of service.serve(request)) await this.#respond(context, command, response);
      })
      .catch(async (cause: unknown) => {
        const error = asLifeboatError(cause);
        log.error({ err: error, callingAE, address }, 'a DIMSE request failed');
        await this.#respond(context, command, { status: error.dimse, errorComment: error.message });
      })
      .finally(() => {
        if (this.#underWay.get(id) === controller) this.#underWay.delete(id);
        this.#count--;
        this.#context.idle();
      });
  }

  #respond(context: PresentationContext, request: CommandSet, response: ServiceResponse): void | Promise<void> {
    const command: CommandSet = {
      affectedSOPClassUID: request.affectedSOPClassUID ?? request.requestedSOPClassUID,
      commandField: request.commandField | RESPONSE_BIT,
      messageIDBeingRespondedTo: request.messageID ?? 0,
      commandDataSetType: response.dataSet ? 0x0001 : NO_DATA_SET,
      status: response.status,
      errorComment: response.errorComment && errorComment(response.errorComment),
      ...response.fields,
    };
    return this.#context.send(
      response.dataSet
        ? encodeMessage(context.id, command, response.dataSet, this.#context.payload)
        : encodeCommandMessage(context.id, command),
    );
  }
}
