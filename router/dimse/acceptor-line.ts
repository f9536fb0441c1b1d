import { LifeboatError } from '../../contract/errors.ts';
import { type CommandSet, NO_DATA_SET } from './command-set.ts';
import { encodeCommandMessage, type PresentationContext } from './dimse-message.ts';
import { type DataSetLine, sendDataSet } from './send-data-set.ts';

export interface AcceptorLineOptions extends DataSetLine {
  /** Bytes of a data set in each PDU. */
  payload: number;
  /** A data set that cannot be read to its end cannot be taken back: the association ends. */
  abort(error: LifeboatError): void;
}

/** A request without what the line adds. */
export type OwnRequest = Omit<CommandSet, 'messageID' | 'commandDataSetType'>;

/**
 * The sending side of an accepted association: answers, and requests that we make on it ourselves (C-STORE sub-operations of
 * a C-GET, PS3.4 C.4.3; N-EVENT-REPORT, PS3.4 J.3.3), one at a time. Messages are never interleaved (PS3.8 Annex E): an answer
 * waits while a data set of ours is on its way.
 */
export class AcceptorLine {
  readonly #options: AcceptorLineOptions;
  #streaming: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #nextMessageID = 1;
  #waiting: { messageID: number; resolve(response: CommandSet): void; reject(error: LifeboatError): void } | undefined;
  #end: LifeboatError | undefined;

  constructor(options: AcceptorLineOptions) {
    this.#options = options;
  }

  /** Whole messages. */
  send(pdus: Buffer): void | Promise<void> {
    if (!this.#streaming) return this.#options.send(pdus);
    return this.#streaming.then(() => this.send(pdus));
  }

  /**
   * Makes one request and waits for its response.
   * @throws how the association ended, when it did before a response came; what reading `dataSet` throws
   */
  invoke(context: PresentationContext, request: OwnRequest, dataSet?: AsyncIterable<Uint8Array>): Promise<CommandSet> {
    const result = this.#turn.then(() => this.#invoke(context, request, dataSet));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #invoke(
    context: PresentationContext,
    request: OwnRequest,
    dataSet: AsyncIterable<Uint8Array> | undefined,
  ): Promise<CommandSet> {
    if (this.#end) throw this.#end;
    const messageID = this.#nextMessageID;
    this.#nextMessageID = (messageID % 0xffff) + 1;
    const { promise, resolve, reject } = Promise.withResolvers<CommandSet>();
    promise.catch(() => undefined);
    this.#waiting = { messageID, resolve, reject };
    const command = { ...request, messageID, commandDataSetType: dataSet ? 0x0001 : NO_DATA_SET };
    if (!dataSet) await this.send(encodeCommandMessage(context.id, command));
    else await this.#sendWith(context.id, command, dataSet);
    return promise;
  }

  async #sendWith(contextId: number, command: CommandSet, dataSet: AsyncIterable<Uint8Array>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#streaming = promise;
    try {
      await this.#options.send(encodeCommandMessage(contextId, command));
      await sendDataSet(this.#options, contextId, dataSet, this.#options.payload);
    } catch (cause) {
      const error = cause instanceof LifeboatError ? cause : new LifeboatError('INTERNAL', undefined, { cause });
      this.#options.abort(error);
      throw error;
    } finally {
      this.#streaming = undefined;
      resolve();
    }
  }

  /** Takes a response that came; false: we never asked. */
  respond(response: CommandSet): boolean {
    const waiting = this.#waiting;
    if (!waiting || waiting.messageID !== response.messageIDBeingRespondedTo || response.status === undefined)
      return false;
    this.#waiting = undefined;
    waiting.resolve(response);
    return true;
  }

  /** The association is over. */
  ended(error: LifeboatError): void {
    this.#end = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
