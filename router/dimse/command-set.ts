import { ProtocolViolation } from './pdu.ts';

/** Command fields (PS3.7 Table E.1-1). A response is its request with bit 15 set. */
export const CommandField = {
  CStoreRQ: 0x0001,
  CStoreRSP: 0x8001,
  CGetRQ: 0x0010,
  CGetRSP: 0x8010,
  CFindRQ: 0x0020,
  CFindRSP: 0x8020,
  CMoveRQ: 0x0021,
  CMoveRSP: 0x8021,
  CEchoRQ: 0x0030,
  CEchoRSP: 0x8030,
  NEventReportRQ: 0x0100,
  NEventReportRSP: 0x8100,
  NSetRQ: 0x0120,
  NSetRSP: 0x8120,
  NActionRQ: 0x0130,
  NActionRSP: 0x8130,
  NCreateRQ: 0x0140,
  NCreateRSP: 0x8140,
  CCancelRQ: 0x0fff,
} as const;

export const RESPONSE_BIT = 0x8000;

/** Command Data Set Type (0000,0800): no data set follows. */
export const NO_DATA_SET = 0x0101;

/** Statuses used here that belong to no error of ours (PS3.7 Annex C). */
export const Status = {
  Success: 0x0000,
  Cancel: 0xfe00,
  Pending: 0xff00,
  /** C-FIND: one or more optional keys were not matched (PS3.4 C.4.1.1.4). */
  PendingKeysUnsupported: 0xff01,
  UnrecognizedOperation: 0x0211,
} as const;

/** The elements of a command set that the services here use (PS3.7 9.3). */
export interface CommandSet {
  affectedSOPClassUID?: string;
  requestedSOPClassUID?: string;
  commandField: number;
  messageID?: number;
  messageIDBeingRespondedTo?: number;
  moveDestination?: string;
  priority?: number;
  commandDataSetType: number;
  status?: number;
  errorComment?: string;
  affectedSOPInstanceUID?: string;
  requestedSOPInstanceUID?: string;
  eventTypeID?: number;
  actionTypeID?: number;
  remainingSuboperations?: number;
  completedSuboperations?: number;
  failedSuboperations?: number;
  warningSuboperations?: number;
  moveOriginatorAE?: string;
  moveOriginatorMessageID?: number;
}

type Kind = 'UI' | 'US' | 'LO' | 'AE';

const ELEMENTS: ReadonlyArray<readonly [element: number, key: keyof CommandSet, kind: Kind]> = [
  [0x0002, 'affectedSOPClassUID', 'UI'],
  [0x0003, 'requestedSOPClassUID', 'UI'],
  [0x0100, 'commandField', 'US'],
  [0x0110, 'messageID', 'US'],
  [0x0120, 'messageIDBeingRespondedTo', 'US'],
  [0x0600, 'moveDestination', 'AE'],
  [0x0700, 'priority', 'US'],
  [0x0800, 'commandDataSetType', 'US'],
  [0x0900, 'status', 'US'],
  [0x0902, 'errorComment', 'LO'],
  [0x1000, 'affectedSOPInstanceUID', 'UI'],
  [0x1001, 'requestedSOPInstanceUID', 'UI'],
  [0x1002, 'eventTypeID', 'US'],
  [0x1008, 'actionTypeID', 'US'],
  [0x1020, 'remainingSuboperations', 'US'],
  [0x1021, 'completedSuboperations', 'US'],
  [0x1022, 'failedSuboperations', 'US'],
  [0x1023, 'warningSuboperations', 'US'],
  [0x1030, 'moveOriginatorAE', 'AE'],
  [0x1031, 'moveOriginatorMessageID', 'US'],
];
const BY_ELEMENT = new Map(ELEMENTS.map(([element, key, kind]) => [element, { key, kind }]));

/**
 * Parses a command set: group 0000, Implicit VR Little Endian (PS3.7 6.3.1). Elements not needed here are skipped.
 * Throws ProtocolViolation when it is no command set.
 */
export function parseCommandSet(bytes: Buffer): CommandSet {
  const values: Partial<Record<keyof CommandSet, string | number>> = {};
  let at = 0;
  while (at < bytes.length) {
    if (at + 8 > bytes.length) throw new ProtocolViolation('Command set ends within an element.');
    const group = bytes.readUInt16LE(at);
    const element = bytes.readUInt16LE(at + 2);
    const length = bytes.readUInt32LE(at + 4);
    at += 8;
    if (group !== 0) throw new ProtocolViolation('Command set has an element outside group 0000.');
    if (at + length > bytes.length)
      throw new ProtocolViolation('An element of the command set is longer than the set.');
    const known = BY_ELEMENT.get(element);
    if (known) {
      if (known.kind === 'US') {
        if (length !== 2) throw new ProtocolViolation('A number in the command set has a wrong length.');
        values[known.key] = bytes.readUInt16LE(at);
      } else {
        values[known.key] = bytes
          .toString('latin1', at, at + length)
          // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL and space are the padding of these values
          .replace(/[\x00 ]+$/, '')
          .trimStart();
      }
    }
    at += length;
  }
  if (values.commandField === undefined || values.commandDataSetType === undefined) {
    throw new ProtocolViolation('Command set lacks Command Field or Command Data Set Type.');
  }
  // The table above gives each key its type.
  return values as unknown as CommandSet;
}

/** Encodes a command set with its group length (PS3.7 6.3.1). Strings must be of the default repertoire. */
export function encodeCommandSet(command: CommandSet): Buffer {
  const parts: Buffer[] = [];
  for (const [element, key, kind] of ELEMENTS) {
    const value = command[key];
    if (value === undefined) continue;
    let body: Buffer;
    if (typeof value === 'number') {
      body = Buffer.alloc(2);
      body.writeUInt16LE(value);
    } else {
      const pad = value.length % 2 === 0 ? '' : kind === 'UI' ? '\0' : ' ';
      body = Buffer.from(value + pad, 'latin1');
    }
    const head = Buffer.alloc(8);
    head.writeUInt16LE(element, 2);
    head.writeUInt32LE(body.length, 4);
    parts.push(head, body);
  }
  const group = Buffer.alloc(12);
  group.writeUInt32LE(4, 4);
  group.writeUInt32LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    8,
  );
  return Buffer.concat([group, ...parts]);
}

const ERROR_COMMENT_LENGTH = 64;

/** A sentence as Error Comment (0000,0902): VR LO, so at most 64 characters of the default repertoire, cut at a word. */
export function errorComment(message: string): string {
  const plain = message.replace(/[^\x20-\x7e]/g, '?').replaceAll('\\', '/');
  if (plain.length <= ERROR_COMMENT_LENGTH) return plain;
  const cut = plain.slice(0, ERROR_COMMENT_LENGTH + 1);
  const space = cut.lastIndexOf(' ');
  return space > 0 ? cut.slice(0, space).replace(/[;,:]$/, '') : cut.slice(0, ERROR_COMMENT_LENGTH);
}
