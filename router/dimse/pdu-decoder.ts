import { AbortReason, PduType, ProtocolViolation } from './pdu.ts';

/**
 * Largest A-ASSOCIATE PDU taken. A request with all 128 presentation contexts, each offering every transfer syntax of the
 * standard, has about 200 KiB; nothing meaningful is longer.
 */
export const MAX_ASSOCIATE_PDU = 256 * 1024;

/** Where decoded PDUs go. A returned promise means: wait with the next byte (back-pressure). */
export interface PduSink {
  /** May this PDU arrive now? Called with the header alone, before any of its body is read; throws ProtocolViolation if not. */
  pduHeader(type: number, length: number): void;
  /** Any PDU but P-DATA-TF, whole. */
  pdu(type: number, body: Buffer): void | Promise<void>;
  /**
   * A piece of a PDV in the order it came: a view of the socket's chunk, not a copy. `endOfPdv` marks its last piece.
   * `control` is the message control header (PS3.8 E.2): bit 0 command, bit 1 last fragment.
   */
  pdv(contextId: number, control: number, piece: Buffer, endOfPdv: boolean): void | Promise<void>;
}

type Stage = 'pdu-header' | 'body' | 'pdv-header' | 'pdv-data' | 'stopped';

const RELEASE_OR_ABORT_LENGTH = 4;
const PDV_HEADER = 6;
const EMPTY = Buffer.alloc(0);

/**
 * Incremental decoder of the PDU stream (PS3.8 section 9.3). Holds at most one association PDU; PDV payloads pass through
 * as views of the chunks they came in. Throws ProtocolViolation as soon as the first wrong byte is seen, before anything
 * that a lying length announces is buffered.
 */
export class PduDecoder {
  readonly #sink: PduSink;
  readonly #maxPDataLength: number;
  #stage: Stage = 'pdu-header';
  readonly #header = Buffer.alloc(PDV_HEADER);
  #headerFill = 0;
  #type = 0;
  #pduLeft = 0;
  #body: Buffer = EMPTY;
  #bodyFill = 0;
  #contextId = 0;
  #control = 0;
  #pdvLeft = 0;

  /** @param maxPDataLength the maximum length we announced: PDU length field of a P-DATA-TF, its 6-byte header excluded */
  constructor(sink: PduSink, maxPDataLength: number) {
    this.#sink = sink;
    this.#maxPDataLength = maxPDataLength;
  }

  /** Ignore everything from now on. */
  stop(): void {
    this.#stage = 'stopped';
    this.#body = EMPTY;
  }

  /** True between two PDUs. */
  get idle(): boolean {
    return this.#stage === 'pdu-header' && this.#headerFill === 0;
  }

  /** Decodes `chunk`; while a returned promise is pending, neither call again nor reuse the chunk. */
  push(chunk: Buffer): void | Promise<void> {
    return this.#run(chunk, 0);
  }

  #run(chunk: Buffer, start: number): void | Promise<void> {
    let at = start;
    while (at < chunk.length) {
      let wait: void | Promise<void>;
      switch (this.#stage) {
        case 'pdu-header':
        case 'pdv-header':
          at = this.#fillHeader(chunk, at);
          if (this.#headerFill < PDV_HEADER) return;
          this.#headerFill = 0;
          wait = this.#stage === 'pdu-header' ? this.#pduHeader() : this.#pdvHeader();
          break;
        case 'body': {
          const n = Math.min(this.#pduLeft, chunk.length - at);
          chunk.copy(this.#body, this.#bodyFill, at, at + n);
          this.#bodyFill += n;
          this.#pduLeft -= n;
          at += n;
          if (this.#pduLeft > 0) return;
          const body = this.#body;
          this.#body = EMPTY;
          this.#stage = 'pdu-header';
          wait = this.#sink.pdu(this.#type, body);
          break;
        }
        case 'pdv-data': {
          const n = Math.min(this.#pdvLeft, chunk.length - at);
          const piece = chunk.subarray(at, at + n);
          at += n;
          this.#pdvLeft -= n;
          wait = this.#pdvPiece(piece);
          break;
        }
        case 'stopped':
          return;
      }
      if (wait) {
        const resumeAt = at;
        return wait.then(() => this.#run(chunk, resumeAt));
      }
    }
  }

  #fillHeader(chunk: Buffer, at: number): number {
    const n = Math.min(PDV_HEADER - this.#headerFill, chunk.length - at);
    for (let i = 0; i < n; i++) this.#header[this.#headerFill + i] = chunk[at + i]!;
    this.#headerFill += n;
    return at + n;
  }

  #pduHeader(): void {
    const type = this.#header[0]!;
    const length = this.#header.readUInt32BE(2);
    this.#type = type;
    this.#pduLeft = length;
    if (type === PduType.PDataTF) {
      this.#sink.pduHeader(type, length);
      if (length > this.#maxPDataLength) {
        throw new ProtocolViolation(
          `P-DATA-TF PDU of ${length} bytes, but at most ${this.#maxPDataLength} were agreed.`,
          AbortReason.InvalidPduParameterValue,
        );
      }
      if (length < PDV_HEADER) {
        throw new ProtocolViolation(
          `P-DATA-TF PDU of ${length} bytes has no room for a presentation data value.`,
          AbortReason.InvalidPduParameterValue,
        );
      }
      this.#stage = 'pdv-header';
      return;
    }
    if (type < PduType.AssociateRQ || type > PduType.Abort) {
      throw new ProtocolViolation(
        `PDU type 0x${type.toString(16).padStart(2, '0')} does not exist.`,
        AbortReason.UnrecognizedPdu,
      );
    }
    const isAssociate = type === PduType.AssociateRQ || type === PduType.AssociateAC;
    if (isAssociate ? length > MAX_ASSOCIATE_PDU : length !== RELEASE_OR_ABORT_LENGTH) {
      throw new ProtocolViolation(
        `PDU of type ${type} cannot have ${length} bytes.`,
        AbortReason.InvalidPduParameterValue,
      );
    }
    this.#sink.pduHeader(type, length);
    if (length === 0) {
      throw new ProtocolViolation(`PDU of type ${type} is empty.`, AbortReason.InvalidPduParameterValue);
    }
    this.#body = Buffer.allocUnsafe(length);
    this.#bodyFill = 0;
    this.#stage = 'body';
  }

  #pdvHeader(): void | Promise<void> {
    const itemLength = this.#header.readUInt32BE(0);
    this.#contextId = this.#header[4]!;
    this.#control = this.#header[5]!;
    if (itemLength < 2 || itemLength + 4 > this.#pduLeft) {
      throw new ProtocolViolation(
        `Presentation data value of ${itemLength} bytes in a PDU with ${this.#pduLeft} bytes left.`,
        AbortReason.InvalidPduParameterValue,
      );
    }
    this.#pdvLeft = itemLength - 2;
    this.#pduLeft -= itemLength + 4;
    if (this.#pduLeft > 0 && this.#pduLeft < PDV_HEADER) {
      throw new ProtocolViolation(
        `P-DATA-TF PDU ends with ${this.#pduLeft} stray bytes.`,
        AbortReason.InvalidPduParameterValue,
      );
    }
    if (this.#pdvLeft === 0) return this.#pdvPiece(EMPTY);
    this.#stage = 'pdv-data';
  }

  #pdvPiece(piece: Buffer): void | Promise<void> {
    const endOfPdv = this.#pdvLeft === 0;
    if (endOfPdv) this.#stage = this.#pduLeft === 0 ? 'pdu-header' : 'pdv-header';
    return this.#sink.pdv(this.#contextId, this.#control, piece, endOfPdv);
  }
}
