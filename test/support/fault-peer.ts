import { createServer, type Server, type Socket } from 'node:net';
import { ContextResult, encodeAssociateAC, parseAssociateRQ } from '../../router/dimse/acse.ts';
import { CommandField, encodeCommandSet, parseCommandSet, RESPONSE_BIT } from '../../router/dimse/command-set.ts';
import { encodeAbort, encodePData, encodeReleaseRP } from '../../router/dimse/pdu.ts';

/** What a fault peer does with an instance: a DIMSE status, an A-ABORT, or nothing at all. */
export type Fault = number | 'abort' | 'silence';

interface FaultPeerOptions {
  /** Asked at the end of each data set; default: success. */
  onStore?: (sopInstanceUID: string, time: number) => Fault;
  /** Transfer syntaxes that are accepted; default: the first offered. */
  syntaxes?: readonly string[];
}

export interface Stored {
  sopInstanceUID: string;
  transferSyntaxUID: string;
  dataSet: Buffer;
}

/** A DICOM receiver of a few lines that answers C-STORE as a test wants it: 0xA700, 0xC000, 0xB000, an abort, silence. */
export class FaultPeer {
  readonly port: number;
  /** What was answered with success or a warning, in order. */
  readonly stored: Stored[] = [];
  /** Every attempt, in order. */
  readonly tried: string[] = [];
  associations = 0;
  /** Who asked for each attempt by C-MOVE. */
  readonly originators: { aeTitle: string; messageID: number }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(options: FaultPeerOptions = {}, port = 0): Promise<FaultPeer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const peer = new FaultPeer(server, (server.address() as { port: number }).port);
    server.on('connection', (socket) => peer.#serve(socket, options));
    return peer;
  }

  #serve(socket: Socket, options: FaultPeerOptions): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    const syntaxOf = new Map<number, string>();
    let bytes = Buffer.alloc(0);
    let command = Buffer.alloc(0);
    let dataSet: Buffer[] = [];
    const respond = (contextId: number, status: number) => {
      const { affectedSOPInstanceUID, affectedSOPClassUID, messageID, commandField } = parseCommandSet(command);
      const answer = encodeCommandSet({
        commandField: commandField | RESPONSE_BIT,
        messageIDBeingRespondedTo: messageID,
        commandDataSetType: 0x0101,
        status,
        affectedSOPClassUID,
        ...(affectedSOPInstanceUID && { affectedSOPInstanceUID }),
      });
      socket.write(encodePData(contextId, answer, true, true));
    };
    const endOfDataSet = (contextId: number) => {
      // A query finds nothing.
      if (parseCommandSet(command).commandField !== CommandField.CStoreRQ) {
        dataSet = [];
        respond(contextId, 0);
        return;
      }
      const uid = parseCommandSet(command).affectedSOPInstanceUID ?? '';
      this.tried.push(uid);
      const { moveOriginatorAE, moveOriginatorMessageID } = parseCommandSet(command);
      if (moveOriginatorAE !== undefined && moveOriginatorMessageID !== undefined)
        this.originators.push({ aeTitle: moveOriginatorAE, messageID: moveOriginatorMessageID });
      const fault = options.onStore?.(uid, this.tried.filter((each) => each === uid).length) ?? 0;
      if (fault === 'silence') return;
      if (fault === 'abort') {
        socket.end(encodeAbort(0, 0));
        return;
      }
      if (fault === 0 || (fault & 0xf000) === 0xb000)
        this.stored.push({
          sopInstanceUID: uid,
          transferSyntaxUID: syntaxOf.get(contextId)!,
          dataSet: Buffer.concat(dataSet),
        });
      dataSet = [];
      respond(contextId, fault);
    };
    const pdv = (contextId: number, control: number, piece: Buffer) => {
      if (control & 1) {
        command = Buffer.from(piece);
        dataSet = [];
        if (parseCommandSet(command).commandField === CommandField.CEchoRQ) respond(contextId, 0);
        return;
      }
      dataSet.push(Buffer.from(piece));
      if (control & 2) endOfDataSet(contextId);
    };
    const pdu = (type: number, body: Buffer) => {
      if (type === 1) {
        this.associations++;
        const request = parseAssociateRQ(body);
        const contexts = request.contexts.map(({ id, transferSyntaxes }) => {
          const taken = transferSyntaxes.find((uid) => options.syntaxes?.includes(uid) ?? true);
          if (taken) syntaxOf.set(id, taken);
          return {
            id,
            result: taken ? ContextResult.Acceptance : ContextResult.TransferSyntaxesNotSupported,
            transferSyntax: taken ?? transferSyntaxes[0]!,
          };
        });
        const { calledAE, callingAE } = request;
        const user = { maximumLength: 0, implementationClassUID: '1.2.3' };
        socket.write(encodeAssociateAC({ calledAE, callingAE, contexts, user }));
      } else if (type === 4) {
        for (let at = 0; at < body.length; ) {
          const length = body.readUInt32BE(at);
          pdv(body[at + 4]!, body[at + 5]!, body.subarray(at + 6, at + 4 + length));
          at += 4 + length;
        }
      } else if (type === 5) socket.end(encodeReleaseRP());
      else socket.destroy();
    };
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      while (bytes.length >= 6 && bytes.length >= 6 + bytes.readUInt32BE(2)) {
        const end = 6 + bytes.readUInt32BE(2);
        const [type, body] = [bytes[0]!, bytes.subarray(6, end)];
        bytes = bytes.subarray(end);
        pdu(type, body);
      }
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
