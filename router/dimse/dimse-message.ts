import { type CommandSet, encodeCommandSet, NO_DATA_SET, parseCommandSet } from './command-set.ts';
import { AbortReason, encodePData, ProtocolViolation } from './pdu.ts';

/** No command set of the standard comes near this. */
export const MAX_COMMAND_BYTES = 64 * 1024;

/** Takes the data set of one message as it streams in. */
export interface DataSetSink {
  /** A promise holds the peer back. Never throws: what goes wrong becomes the status of the response. */
  write(piece: Buffer): void | Promise<void>;
  /** The last byte came; resolves when the response is on its way. */
  end(): void | Promise<void>;
  /** The association ended before the data set did. */
  abort(): void;
}

/** An accepted presentation context. */
export interface PresentationContext {
  id: number;
  abstractSyntax: string;
  transferSyntax: string;
}

/**
 * Takes a message's command set; returns the sink for its data set when one follows (`hasDataSet`), else nothing or the
 * promise of having answered.
 */
export type MessageHandler = (
  context: PresentationContext,
  command: CommandSet,
  hasDataSet: boolean,
) => DataSetSink | void | Promise<void>;

/** Puts PDVs together to DIMSE messages (PS3.7 6.3, PS3.8 Annex E): one at a time, command first, never interleaved. */
export class MessageAssembler {
  readonly #contexts: ReadonlyMap<number, PresentationContext>;
  readonly #handle: MessageHandler;
  #contextId = 0;
  #command: Buffer[] = [];
  #commandBytes = 0;
  #sink: DataSetSink | undefined;

  constructor(contexts: ReadonlyMap<number, PresentationContext>, handle: MessageHandler) {
    this.#contexts = contexts;
    this.#handle = handle;
  }

  /** In the middle of a message. */
  get underWay(): boolean {
    return this.#sink !== undefined || this.#commandBytes > 0;
  }

  /** See PduSink.pdv. Throws ProtocolViolation. */
  pdv(contextId: number, control: number, piece: Buffer, endOfPdv: boolean): void | Promise<void> {
    const isCommand = (control & 1) === 1;
    const endOfMessagePart = endOfPdv && (control & 2) === 2;
    if (this.#sink && !isCommand && contextId === this.#contextId) {
      return this.#data(this.#sink, piece, endOfMessagePart);
    }
    const context = this.#contexts.get(contextId);
    if (!context) {
      throw new ProtocolViolation(
        `Presentation context ${contextId} was not accepted.`,
        AbortReason.InvalidPduParameterValue,
      );
    }
    if (this.#sink) {
      throw new ProtocolViolation(
        isCommand
          ? 'A new command came in the middle of a data set.'
          : 'A data set changed its presentation context midway.',
      );
    }
    if (!isCommand) throw new ProtocolViolation('Data set bytes came without a command.');
    if (this.#commandBytes > 0 && contextId !== this.#contextId) {
      throw new ProtocolViolation('Two commands were interleaved.');
    }
    return this.#commandPiece(context, piece, endOfMessagePart);
  }

  /** Drops what is under way. */
  abort(): void {
    this.#sink?.abort();
    this.#sink = undefined;
    this.#command = [];
    this.#commandBytes = 0;
  }

  #data(sink: DataSetSink, piece: Buffer, last: boolean): void | Promise<void> {
    const wait = piece.length > 0 ? sink.write(piece) : undefined;
    if (!last) return wait;
    if (wait) return wait.then(() => this.#endOfDataSet(sink));
    return this.#endOfDataSet(sink);
  }

  #endOfDataSet(sink: DataSetSink): void | Promise<void> {
    // Ended meanwhile: the sink was aborted, nothing may be kept or answered.
    if (this.#sink !== sink) return;
    this.#sink = undefined;
    return sink.end();
  }

  #commandPiece(context: PresentationContext, piece: Buffer, last: boolean): void | Promise<void> {
    this.#commandBytes += piece.length;
    if (this.#commandBytes > MAX_COMMAND_BYTES) throw new ProtocolViolation('The command set has no end.');
    this.#contextId = context.id;
    if (piece.length > 0) this.#command.push(Buffer.from(piece));
    if (!last) return;
    const command = parseCommandSet(Buffer.concat(this.#command));
    this.#command = [];
    this.#commandBytes = 0;
    const hasDataSet = command.commandDataSetType !== NO_DATA_SET;
    const taken = this.#handle(context, command, hasDataSet);
    if (taken instanceof Promise) return taken;
    if (!hasDataSet) return;
    this.#sink = taken ?? DROP;
  }
}

const DROP: DataSetSink = { write() {}, end() {}, abort() {} };

/** A message without a data set as PDUs; command sets are short, one PDV always holds them. */
export function encodeCommandMessage(contextId: number, command: CommandSet): Buffer {
  return encodePData(contextId, encodeCommandSet(command), true, true);
}

/** Bytes of headers that count against a peer's maximum length: item length, context id and control. */
const PDV_OVERHEAD = 6;
const LONGEST_PAYLOAD = 128 * 1024;
const SHORTEST_PAYLOAD = 250;

/** Payload of the P-DATA-TF PDUs for a peer that takes `maximumLength` bytes (0: any), even as PS3.8 E.2 has it. */
export function payloadFor(maximumLength: number): number {
  if (maximumLength === 0) return LONGEST_PAYLOAD;
  return Math.min(Math.max(maximumLength - PDV_OVERHEAD, SHORTEST_PAYLOAD), LONGEST_PAYLOAD) & ~1;
}

/** A message with a short data set that is in memory as a whole. @param payload see `payloadFor` */
export function encodeMessage(contextId: number, command: CommandSet, dataSet: Buffer, payload: number): Buffer {
  const pdus = [encodeCommandMessage(contextId, command)];
  let at = 0;
  do {
    const piece = dataSet.subarray(at, at + payload);
    at += piece.length;
    pdus.push(encodePData(contextId, piece, false, at >= dataSet.length));
  } while (at < dataSet.length);
  return Buffer.concat(pdus);
}
