import { type ErrorCode, LifeboatError } from '../../contract/errors.ts';

/** PDU types of the DICOM upper layer (PS3.8 section 9.3.1). All integers on the wire are big endian. */
export const PduType = {
  AssociateRQ: 0x01,
  AssociateAC: 0x02,
  AssociateRJ: 0x03,
  PDataTF: 0x04,
  ReleaseRQ: 0x05,
  ReleaseRP: 0x06,
  Abort: 0x07,
} as const;

/** A-ABORT source (PS3.8 Table 9-26). */
export const AbortSource = { ServiceUser: 0, ServiceProvider: 2 } as const;

/** A-ABORT reason when the source is the service provider (PS3.8 Table 9-26). */
export const AbortReason = {
  NotSpecified: 0,
  UnrecognizedPdu: 1,
  UnexpectedPdu: 2,
  UnrecognizedPduParameter: 4,
  UnexpectedPduParameter: 5,
  InvalidPduParameterValue: 6,
} as const;

/** A-ASSOCIATE-RJ fields (PS3.8 Table 9-21). */
export interface Rejection {
  /** 1 permanent, 2 transient. */
  result: 1 | 2;
  /** 1 service user, 2 service provider (ACSE), 3 service provider (presentation). */
  source: 1 | 2 | 3;
  reason: number;
}

export const Rejections = {
  NoReason: { result: 1, source: 1, reason: 1 },
  ApplicationContextNotSupported: { result: 1, source: 1, reason: 2 },
  CallingAeNotRecognized: { result: 1, source: 1, reason: 3 },
  CalledAeNotRecognized: { result: 1, source: 1, reason: 7 },
  ProtocolVersionNotSupported: { result: 1, source: 2, reason: 2 },
  LocalLimitExceeded: { result: 2, source: 3, reason: 2 },
} as const satisfies Record<string, Rejection>;

const REJECTION_TEXT: Record<string, string> = {
  '1.1': 'no reason given',
  '1.2': 'application context name not supported',
  '1.3': 'calling AE title not recognized',
  '1.7': 'called AE title not recognized',
  '2.1': 'no reason given (ACSE)',
  '2.2': 'protocol version not supported',
  '3.1': 'temporary congestion',
  '3.2': 'local limit exceeded',
};

/** A rejection in words, for logs and people. */
export function describeRejection(rejection: Rejection): string {
  const text = REJECTION_TEXT[`${rejection.source}.${rejection.reason}`] ?? `reason ${rejection.reason}`;
  return `${rejection.result === 2 ? 'rejected for now' : 'rejected'}: ${text}`;
}

/**
 * The peer broke PS3.8 or PS3.7. Carries what our A-ABORT has to say; `message` is the sentence for log and refusal page.
 */
export class ProtocolViolation extends LifeboatError {
  readonly source: number;
  readonly reason: number;
  /** @param reason provider reason of `AbortReason`; undefined: the abort comes from the service user (DIMSE layer) */
  constructor(message: string, reason?: number, code: ErrorCode = 'DIMSE_PROTOCOL') {
    super(code, message);
    this.name = 'ProtocolViolation';
    this.source = reason === undefined ? AbortSource.ServiceUser : AbortSource.ServiceProvider;
    this.reason = reason ?? 0;
  }
}

function shortPdu(type: number, b1 = 0, b2 = 0, b3 = 0): Buffer {
  return Buffer.from([type, 0, 0, 0, 0, 4, 0, b1, b2, b3]);
}

/** A-ASSOCIATE-RJ (PS3.8 9.3.4), header included. */
export function encodeReject(rejection: Rejection): Buffer {
  return shortPdu(PduType.AssociateRJ, rejection.result, rejection.source, rejection.reason);
}

/** A-RELEASE-RQ (PS3.8 9.3.6). */
export function encodeReleaseRQ(): Buffer {
  return shortPdu(PduType.ReleaseRQ);
}

/** A-RELEASE-RP (PS3.8 9.3.7). */
export function encodeReleaseRP(): Buffer {
  return shortPdu(PduType.ReleaseRP);
}

/** A-ABORT (PS3.8 9.3.8). */
export function encodeAbort(source: number, reason: number): Buffer {
  return shortPdu(PduType.Abort, 0, source, reason);
}

/** Bytes before the payload of a P-DATA-TF PDU that holds one PDV: PDU header, item length, context id, control. */
export const PDATA_PREFIX = 12;

/**
 * Writes the headers of a P-DATA-TF PDU with a single PDV (PS3.8 9.3.5, E.2) in front of a payload that already lies at
 * `PDATA_PREFIX` in `target`.
 */
export function writePDataPrefix(
  target: Buffer,
  payloadLength: number,
  contextId: number,
  isCommand: boolean,
  isLast: boolean,
): void {
  target[0] = PduType.PDataTF;
  target[1] = 0;
  target.writeUInt32BE(payloadLength + 6, 2);
  target.writeUInt32BE(payloadLength + 2, 6);
  target[10] = contextId;
  target[11] = (isCommand ? 1 : 0) | (isLast ? 2 : 0);
}

/** One P-DATA-TF PDU with one PDV that holds a copy of `payload`. */
export function encodePData(contextId: number, payload: Uint8Array, isCommand: boolean, isLast: boolean): Buffer {
  const pdu = Buffer.allocUnsafe(PDATA_PREFIX + payload.length);
  pdu.set(payload, PDATA_PREFIX);
  writePDataPrefix(pdu, payload.length, contextId, isCommand, isLast);
  return pdu;
}
