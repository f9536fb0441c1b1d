import { AbortReason, PduType, ProtocolViolation } from './pdu.ts';

/** DICOM application context name (PS3.7 Annex A). */
export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';

export interface ProposedContext {
  /** Odd, 1 to 255. */
  id: number;
  abstractSyntax: string;
  transferSyntaxes: string[];
}

/** Result of a presentation context (PS3.8 Table 9-18). */
export const ContextResult = {
  Acceptance: 0,
  UserRejection: 1,
  NoReason: 2,
  AbstractSyntaxNotSupported: 3,
  TransferSyntaxesNotSupported: 4,
} as const;

export interface AnsweredContext {
  id: number;
  result: number;
  /** Meaningful only where accepted. */
  transferSyntax: string;
}

/** SCP/SCU role selection (PS3.7 D.3.3.4). */
export interface RoleSelection {
  sopClass: string;
  scu: boolean;
  scp: boolean;
}

/** SOP class extended negotiation (PS3.7 D.3.3.5). */
export interface ExtendedNegotiation {
  sopClass: string;
  /** Service-class-application-information: what its bytes mean is the service class's. */
  information: Buffer;
}

export interface UserInformation {
  /** Bytes of a P-DATA-TF PDU that the sender of this item accepts; 0: no limit. */
  maximumLength: number;
  implementationClassUID: string;
  implementationVersionName?: string;
  /** Operations invoked / performed at the same time (PS3.7 D.3.3.3); 0: no limit. */
  asynchronousWindow?: { invoked: number; performed: number };
  roles?: RoleSelection[];
  extended?: ExtendedNegotiation[];
  /** User identity of a request (PS3.7 D.3.3.7); the secret itself is never kept. */
  userIdentity?: { type: number; responseRequested: boolean; name: string };
  /** In an acceptance: answer an identity that asked for an answer. */
  userIdentityAnswered?: boolean;
}

export interface AssociateRequest {
  protocolVersion: number;
  calledAE: string;
  callingAE: string;
  applicationContext: string;
  contexts: ProposedContext[];
  user: UserInformation;
}

export interface AssociateAccept {
  calledAE: string;
  callingAE: string;
  contexts: AnsweredContext[];
  user: UserInformation;
}

const AE_LENGTH = 16;
const FIXED_LENGTH = 68;

const Item = {
  ApplicationContext: 0x10,
  PresentationContextRQ: 0x20,
  PresentationContextAC: 0x21,
  AbstractSyntax: 0x30,
  TransferSyntax: 0x40,
  UserInformation: 0x50,
  MaximumLength: 0x51,
  ImplementationClassUID: 0x52,
  AsynchronousWindow: 0x53,
  Role: 0x54,
  ImplementationVersionName: 0x55,
  ExtendedNegotiation: 0x56,
  UserIdentityRQ: 0x58,
  UserIdentityAC: 0x59,
} as const;

function invalid(message: string): ProtocolViolation {
  return new ProtocolViolation(message, AbortReason.InvalidPduParameterValue);
}

/** Walks items: type (1), reserved (1), length (2, big endian), value. Unknown types are left to the caller to skip (9.3.1). */
function* items(body: Buffer, start: number): Generator<{ type: number; value: Buffer }> {
  let at = start;
  while (at < body.length) {
    if (at + 4 > body.length) throw invalid('Association PDU ends within an item header.');
    const length = body.readUInt16BE(at + 2);
    if (at + 4 + length > body.length) throw invalid('An item of the association PDU is longer than the PDU.');
    yield { type: body[at]!, value: body.subarray(at + 4, at + 4 + length) };
    at += 4 + length;
  }
}

/** UIDs and AE titles: trailing NULs and spaces are padding (PS3.8 Annex F); control characters never reach a log. */
function text(value: Buffer): string {
  return (
    value
      .toString('latin1')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: padding and hostile bytes are what is looked for
      .replace(/[\x00\s]+$/, '')
      .trimStart()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: see above
      .replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
  );
}

function parseUserInformation(value: Buffer): UserInformation {
  const user: UserInformation = { maximumLength: 0, implementationClassUID: '' };
  for (const item of items(value, 0)) {
    const v = item.value;
    switch (item.type) {
      case Item.MaximumLength:
        if (v.length !== 4) throw invalid('Maximum length sub-item has a wrong length.');
        user.maximumLength = v.readUInt32BE(0);
        break;
      case Item.ImplementationClassUID:
        user.implementationClassUID = text(v);
        break;
      case Item.ImplementationVersionName:
        user.implementationVersionName = text(v);
        break;
      case Item.AsynchronousWindow:
        if (v.length !== 4) throw invalid('Asynchronous operations window sub-item has a wrong length.');
        user.asynchronousWindow = { invoked: v.readUInt16BE(0), performed: v.readUInt16BE(2) };
        break;
      case Item.Role: {
        const uidLength = v.length >= 2 ? v.readUInt16BE(0) : 0;
        if (v.length < uidLength + 4) throw invalid('Role selection sub-item has a wrong length.');
        user.roles ??= [];
        user.roles.push({
          sopClass: text(v.subarray(2, 2 + uidLength)),
          scu: v[2 + uidLength] === 1,
          scp: v[3 + uidLength] === 1,
        });
        break;
      }
      case Item.ExtendedNegotiation: {
        const uidLength = v.length >= 2 ? v.readUInt16BE(0) : 0;
        if (v.length < uidLength + 2) throw invalid('Extended negotiation sub-item has a wrong length.');
        user.extended ??= [];
        user.extended.push({
          sopClass: text(v.subarray(2, 2 + uidLength)),
          information: Buffer.from(v.subarray(2 + uidLength)),
        });
        break;
      }
      case Item.UserIdentityRQ: {
        if (v.length < 4 || v.length < 4 + v.readUInt16BE(2))
          throw invalid('User identity sub-item has a wrong length.');
        const type = v[0]!;
        user.userIdentity = {
          type,
          responseRequested: v[1] === 1,
          name: type === 1 || type === 2 ? text(v.subarray(4, 4 + v.readUInt16BE(2))).slice(0, 64) : '',
        };
        break;
      }
    }
  }
  return user;
}

function parseAes(body: Buffer): { calledAE: string; callingAE: string } {
  return { calledAE: text(body.subarray(4, 4 + AE_LENGTH)), callingAE: text(body.subarray(20, 20 + AE_LENGTH)) };
}

/** Parses the body of an A-ASSOCIATE-RQ (PS3.8 9.3.2). Throws ProtocolViolation. */
export function parseAssociateRQ(body: Buffer): AssociateRequest {
  if (body.length < FIXED_LENGTH) throw invalid('Association request is too short.');
  const request: AssociateRequest = {
    protocolVersion: body.readUInt16BE(0),
    ...parseAes(body),
    applicationContext: '',
    contexts: [],
    user: { maximumLength: 0, implementationClassUID: '' },
  };
  const seen = new Set<number>();
  for (const item of items(body, FIXED_LENGTH)) {
    if (item.type === Item.ApplicationContext) request.applicationContext = text(item.value);
    else if (item.type === Item.UserInformation) request.user = parseUserInformation(item.value);
    else if (item.type === Item.PresentationContextRQ) {
      if (item.value.length < 4) throw invalid('Presentation context item is too short.');
      const id = item.value[0]!;
      if (id % 2 === 0) throw invalid(`Presentation context ID ${id} is not odd.`);
      if (seen.has(id)) throw invalid(`Presentation context ID ${id} is used twice.`);
      seen.add(id);
      const context: ProposedContext = { id, abstractSyntax: '', transferSyntaxes: [] };
      for (const sub of items(item.value, 4)) {
        if (sub.type === Item.AbstractSyntax) context.abstractSyntax = text(sub.value);
        else if (sub.type === Item.TransferSyntax) context.transferSyntaxes.push(text(sub.value));
      }
      request.contexts.push(context);
    }
  }
  return request;
}

/** Parses the body of an A-ASSOCIATE-AC (PS3.8 9.3.3). Throws ProtocolViolation. */
export function parseAssociateAC(body: Buffer): AssociateAccept {
  if (body.length < FIXED_LENGTH) throw invalid('Association acceptance is too short.');
  const accept: AssociateAccept = {
    ...parseAes(body),
    contexts: [],
    user: { maximumLength: 0, implementationClassUID: '' },
  };
  for (const item of items(body, FIXED_LENGTH)) {
    if (item.type === Item.UserInformation) accept.user = parseUserInformation(item.value);
    else if (item.type === Item.PresentationContextAC) {
      if (item.value.length < 4) throw invalid('Presentation context item is too short.');
      const context: AnsweredContext = { id: item.value[0]!, result: item.value[2]!, transferSyntax: '' };
      for (const sub of items(item.value, 4)) {
        if (sub.type === Item.TransferSyntax) context.transferSyntax = text(sub.value);
      }
      accept.contexts.push(context);
    }
  }
  return accept;
}

/** A-ASSOCIATE-RJ body (PS3.8 9.3.4). */
export function parseAssociateRJ(body: Buffer): { result: 1 | 2; source: 1 | 2 | 3; reason: number } {
  const source = body[2]!;
  return {
    result: body[1] === 2 ? 2 : 1,
    source: source === 2 || source === 3 ? source : 1,
    reason: body[3]!,
  };
}

function item(type: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const head = Buffer.alloc(4);
  head[0] = type;
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}

function ascii(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

function aeField(title: string): Buffer {
  return ascii(title.slice(0, AE_LENGTH).padEnd(AE_LENGTH));
}

function u16(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    buffer.writeUInt16BE(value, i * 2);
  });
  return buffer;
}

function userInformationItem(user: UserInformation): Buffer {
  const maximum = Buffer.alloc(4);
  maximum.writeUInt32BE(user.maximumLength);
  const parts = [
    item(Item.MaximumLength, maximum),
    item(Item.ImplementationClassUID, ascii(user.implementationClassUID)),
  ];
  if (user.asynchronousWindow) {
    const { invoked, performed } = user.asynchronousWindow;
    parts.push(item(Item.AsynchronousWindow, u16(invoked, performed)));
  }
  for (const role of user.roles ?? []) {
    const uid = ascii(role.sopClass);
    parts.push(item(Item.Role, u16(uid.length), uid, Buffer.from([role.scu ? 1 : 0, role.scp ? 1 : 0])));
  }
  if (user.implementationVersionName) {
    parts.push(item(Item.ImplementationVersionName, ascii(user.implementationVersionName.slice(0, 16))));
  }
  for (const { sopClass, information } of user.extended ?? []) {
    const uid = ascii(sopClass);
    parts.push(item(Item.ExtendedNegotiation, u16(uid.length), uid, information));
  }
  if (user.userIdentityAnswered) parts.push(item(Item.UserIdentityAC, u16(0)));
  return item(Item.UserInformation, ...parts);
}

function associatePdu(type: number, version: number, calledAE: string, callingAE: string, parts: Buffer[]): Buffer {
  const body = Buffer.concat([
    u16(version, 0),
    aeField(calledAE),
    aeField(callingAE),
    Buffer.alloc(32),
    item(Item.ApplicationContext, ascii(APPLICATION_CONTEXT)),
    ...parts,
  ]);
  const head = Buffer.alloc(6);
  head[0] = type;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** A-ASSOCIATE-RQ with its header. */
export function encodeAssociateRQ(request: Omit<AssociateRequest, 'protocolVersion' | 'applicationContext'>): Buffer {
  const contexts = request.contexts.map((context) =>
    item(
      Item.PresentationContextRQ,
      Buffer.from([context.id, 0, 0, 0]),
      item(Item.AbstractSyntax, ascii(context.abstractSyntax)),
      ...context.transferSyntaxes.map((uid) => item(Item.TransferSyntax, ascii(uid))),
    ),
  );
  return associatePdu(PduType.AssociateRQ, 1, request.calledAE, request.callingAE, [
    ...contexts,
    userInformationItem(request.user),
  ]);
}

/** A-ASSOCIATE-AC with its header. */
export function encodeAssociateAC(accept: AssociateAccept): Buffer {
  const contexts = accept.contexts.map((context) =>
    item(
      Item.PresentationContextAC,
      Buffer.from([context.id, 0, context.result, 0]),
      item(Item.TransferSyntax, ascii(context.transferSyntax)),
    ),
  );
  return associatePdu(PduType.AssociateAC, 1, accept.calledAE, accept.callingAE, [
    ...contexts,
    userInformationItem(accept.user),
  ]);
}
