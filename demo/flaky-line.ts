import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  CommandField,
  type CommandSet,
  encodeCommandSet,
  NO_DATA_SET,
  parseCommandSet,
  RESPONSE_BIT,
} from '../router/dimse/command-set.ts';
import { encodeAbort, encodePData, PduType } from '../router/dimse/pdu.ts';

/** What becomes of a C-STORE on the line: it passes, the PACS says that it has no room, or the association breaks. */
export type Fate = 'passes' | 'refused' | 'aborts';

const PDU_HEAD = 6;
const PDV_HEAD = 6;
const OUT_OF_RESOURCES = 0xa700;

/**
 * A line to a PACS that can be cut and that can make it flaky: some C-STORE requests never reach it, and it seems to answer
 * 0xA700 or to abort. Everything else passes as it is. PDUs from the caller hold one PDV each, as ours do.
 */
export class FlakyLine {
  readonly port: number;
  /** Asked at each C-STORE request. */
  fate: (sopInstanceUID: string) => Fate = () => 'passes';
  readonly counts: Record<Fate, number> = { passes: 0, refused: 0, aborts: 0 };
  readonly #target: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  /** @param target port of the PACS on this machine */
  static async open(port: number, target: number): Promise<FlakyLine> {
    const line = new FlakyLine(port, target);
    await line.mend();
    return line;
  }

  /** Connections are refused, those that are open break. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise((done) => (server ? server.close(done) : done(undefined)));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async mend(): Promise<void> {
    const server = createServer((caller) => this.#serve(caller));
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(this.port, '127.0.0.1', done);
    });
    this.#server = server;
  }

  #serve(caller: Socket): void {
    const pacs = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    for (const [socket, other] of [
      [caller, pacs],
      [pacs, caller],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    pacs.on('data', (chunk) => caller.write(chunk));
    pacs.on('end', () => caller.end());
    let bytes: Buffer = Buffer.alloc(0);
    let held: CommandSet | undefined;
    const pdu = (whole: Buffer) => {
      if (whole[0] !== PduType.PDataTF) return pacs.write(whole);
      const contextId = whole[PDU_HEAD + 4]!;
      const control = whole[PDU_HEAD + 5]!;
      const isCommand = (control & 1) === 1;
      if (held && !isCommand) {
        if ((control & 2) === 2) {
          caller.write(encodePData(contextId, answerTo(held), true, true));
          held = undefined;
        }
        return true;
      }
      if (!isCommand) return pacs.write(whole);
      const command = parseCommandSet(whole.subarray(PDU_HEAD + PDV_HEAD));
      if (command.commandField !== CommandField.CStoreRQ) return pacs.write(whole);
      const fate = this.fate(command.affectedSOPInstanceUID ?? '');
      this.counts[fate]++;
      if (fate === 'passes') return pacs.write(whole);
      if (fate === 'refused') held = command;
      else {
        caller.end(encodeAbort(0, 0));
        pacs.destroy();
      }
      return true;
    };
    caller.on('data', (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      while (bytes.length >= PDU_HEAD && bytes.length >= PDU_HEAD + bytes.readUInt32BE(2)) {
        const end = PDU_HEAD + bytes.readUInt32BE(2);
        const whole = bytes.subarray(0, end);
        bytes = bytes.subarray(end);
        if (pdu(whole) === false && caller.readable) {
          caller.pause();
          pacs.once('drain', () => caller.resume());
        }
      }
    });
    caller.on('end', () => pacs.end());
  }
}

function answerTo({ commandField, messageID, affectedSOPClassUID, affectedSOPInstanceUID }: CommandSet): Buffer {
  return encodeCommandSet({
    commandField: commandField | RESPONSE_BIT,
    messageIDBeingRespondedTo: messageID,
    commandDataSetType: NO_DATA_SET,
    status: OUT_OF_RESOURCES,
    affectedSOPClassUID,
    affectedSOPInstanceUID,
    errorComment: 'disk full',
  });
}
