import { connect, type Socket } from 'node:net';
import { encodeAssociateRQ, parseAssociateAC } from '../../router/dimse/acse.ts';
import { CommandField, encodeCommandSet, parseCommandSet } from '../../router/dimse/command-set.ts';
import { encodePData } from '../../router/dimse/pdu.ts';

export const CT = '1.2.840.10008.5.1.4.1.1.2';
export const VERIFICATION = '1.2.840.10008.1.1';
export const IMPLICIT = '1.2.840.10008.1.2';
export const EXPLICIT = '1.2.840.10008.1.2.1';

/** A-ASSOCIATE-RQ of CT1: context 1 Verification, context 3 CT in Explicit VR Little Endian. */
export function associateRQ(callingAE = 'CT1', calledAE = 'LIFEBOAT'): Buffer {
  return encodeAssociateRQ({
    calledAE,
    callingAE,
    contexts: [
      { id: 1, abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT] },
      { id: 3, abstractSyntax: CT, transferSyntaxes: [EXPLICIT] },
    ],
    user: { maximumLength: 16_384, implementationClassUID: '1.2.3' },
  });
}

export function echoRQ(messageID = 1): Buffer {
  const command = { commandField: CommandField.CEchoRQ, messageID, commandDataSetType: 0x0101 };
  return encodePData(1, encodeCommandSet({ ...command, affectedSOPClassUID: VERIFICATION }), true, true);
}

/** The command of a C-STORE-RQ, without its data set. */
export function storeRQ(sopInstanceUID: string | undefined, messageID = 1, commandDataSetType = 1): Buffer {
  const command = encodeCommandSet({
    commandField: CommandField.CStoreRQ,
    messageID,
    priority: 0,
    commandDataSetType,
    affectedSOPClassUID: CT,
    affectedSOPInstanceUID: sopInstanceUID,
  });
  return encodePData(3, command, true, true);
}

/** Data set bytes as PDUs of at most 16 KiB; they only look like a data set to a receiver that does not parse. */
export function dataSet(bytes: Buffer): Buffer {
  const pdus: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_000) {
    pdus.push(encodePData(3, bytes.subarray(at, at + 16_000), false, at + 16_000 >= bytes.length));
  }
  return Buffer.concat(pdus);
}

export const RELEASE_RQ = Buffer.from([5, 0, 0, 0, 0, 4, 0, 0, 0, 0]);

/** A peer that sends whatever bytes a test wants and collects the PDUs that come back. */
export class RawPeer {
  readonly socket: Socket;
  #buffer = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static open(port: number): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawPeer(socket)));
    });
  }

  static async associated(port: number, callingAE?: string): Promise<RawPeer> {
    const peer = await RawPeer.open(port);
    peer.send(associateRQ(callingAE));
    const answer = await peer.pdu();
    if (answer?.type !== 2) throw new Error(`no acceptance but ${answer?.type}`);
    return peer;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next whole PDU, or null when the line closed before one came. */
  async pdu(): Promise<{ type: number; body: Buffer } | null> {
    for (;;) {
      if (this.#buffer.length >= 6) {
        const end = 6 + this.#buffer.readUInt32BE(2);
        if (this.#buffer.length >= end) {
          const pdu = { type: this.#buffer[0]!, body: this.#buffer.subarray(6, end) };
          this.#buffer = this.#buffer.subarray(end);
          return pdu;
        }
      }
      if (this.#closed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next response's command set. */
  async response(): Promise<ReturnType<typeof parseCommandSet>> {
    const pdu = await this.pdu();
    if (pdu?.type !== 4) throw new Error(`no response but ${pdu ? `PDU type ${pdu.type}` : 'a closed line'}`);
    return parseCommandSet(pdu.body.subarray(6));
  }

  /** What the server's A-ABORT says; anything else is an error. */
  async aborted(): Promise<{ source: number; reason: number }> {
    const pdu = await this.pdu();
    if (pdu?.type !== 7) throw new Error(`no A-ABORT but ${pdu ? `PDU type ${pdu.type}` : 'a closed line'}`);
    return { source: pdu.body[2]!, reason: pdu.body[3]! };
  }

  async closed(): Promise<void> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export { parseAssociateAC };

/** Waits until `condition` holds; fails after 10 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
